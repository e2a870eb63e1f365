/* Functions and launches. What the configuration of a launch gets wrong is said at once, what its kernel does wrong later. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#define MAX_THREADS 1024
#define MAX_SHARED_OPTIN (227 << 10)
#define MAX_SHARED (48 << 10)

static struct kernel *kernel_of(CUfunction handle) {
  struct kernel *kernel = object_of(handle, KERNEL);
  if (kernel != NULL && kernel->object.context != context_current()) {
    sim_violation("function %s belongs to context %p; %p is current", kernel->name, (void *)kernel->object.context,
                  (void *)context_current());
    return NULL;
  }
  return kernel;
}

static CUresult check_shape(const struct kernel *kernel, const unsigned grid[3], const unsigned block[3], unsigned shared_bytes) {
  uint64_t threads = (uint64_t)block[0] * block[1] * block[2];
  if (grid[0] == 0 || grid[1] == 0 || grid[2] == 0 || grid[0] > 2147483647u || grid[1] > 65535 || grid[2] > 65535) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  if (threads == 0 || threads > MAX_THREADS || block[0] > 1024 || block[1] > 1024 || block[2] > 64) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  if (threads > (uint64_t)kernel->max_threads) {
    return CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES;
  }
  return shared_bytes > (unsigned)kernel->max_dynamic_bytes ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

/* Arguments as one buffer: its address and size stand in the list behind their markers. */
static CUresult copy_buffer(const struct kernel *kernel, void **extra, uint8_t *to) {
  const void *buffer = NULL;
  size_t bytes = 0;
  for (int i = 0; extra[i] != CU_LAUNCH_PARAM_END; i += 2) {
    if (extra[i] == CU_LAUNCH_PARAM_BUFFER_POINTER) {
      buffer = extra[i + 1];
    } else if (extra[i] == CU_LAUNCH_PARAM_BUFFER_SIZE) {
      bytes = *(const size_t *)extra[i + 1];
    } else {
      return CUDA_ERROR_INVALID_VALUE;
    }
  }
  if (bytes < (size_t)kernel->parameter_bytes || (buffer == NULL && kernel->parameter_bytes > 0)) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  memcpy(to, buffer, kernel->parameter_bytes);
  return CUDA_SUCCESS;
}

static CUresult copy_parameters(const struct kernel *kernel, void **parameters, void **extra, uint8_t *to) {
  if ((parameters != NULL) == (extra != NULL) && kernel->parameter_count > 0) {
    return CUDA_ERROR_INVALID_VALUE; /* one of the two */
  }
  if (extra != NULL) {
    return copy_buffer(kernel, extra, to);
  }
  for (int i = 0; i < kernel->parameter_count; i++) {
    if (parameters[i] == NULL) {
      return CUDA_ERROR_INVALID_VALUE;
    }
    memcpy(to + kernel->offsets[i], parameters[i], kernel->sizes[i]);
  }
  return CUDA_SUCCESS;
}

CUresult launch_work(struct work *work, CUfunction function, const unsigned grid[3], const unsigned block[3], unsigned shared_bytes,
                     void **parameters, void **extra) {
  struct kernel *kernel = kernel_of(function);
  if (kernel == NULL) {
    return CUDA_ERROR_INVALID_HANDLE;
  }
  CUresult error = check_shape(kernel, grid, block, shared_bytes);
  if (error != CUDA_SUCCESS) {
    return error;
  }
  uint8_t *copy = calloc(1, kernel->parameter_bytes + 8);
  error = copy == NULL ? CUDA_ERROR_OUT_OF_MEMORY : copy_parameters(kernel, parameters, extra, copy);
  if (error != CUDA_SUCCESS) {
    free(copy);
    return error;
  }
  *work = (struct work){.kind = LAUNCH_WORK, .launch = {.kernel = kernel, .shared_bytes = shared_bytes, .parameters = copy}};
  memcpy(work->launch.grid, grid, sizeof work->launch.grid);
  memcpy(work->launch.block, block, sizeof work->launch.block);
  return CUDA_SUCCESS;
}

static CUresult launch(CUfunction function, const unsigned shape[6], unsigned shared_bytes, CUstream handle, void **parameters,
                       void **extra) {
  struct work work;
  struct stream *stream = stream_of(handle);
  CUresult error =
      stream == NULL ? CUDA_ERROR_INVALID_HANDLE : launch_work(&work, function, shape, shape + 3, shared_bytes, parameters, extra);
  return error == CUDA_SUCCESS ? stream_submit(stream, &work) : error;
}

EXPORT CUresult cuLaunchKernel(CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y,
                               unsigned block_z, unsigned shared_bytes, CUstream stream, void **parameters, void **extra) {
  ENTER(NEEDS_CONTEXT, "(%p, %u, %u, %u, %u, %u, %u, %u, %p, %p, %p)", (void *)function, grid_x, grid_y, grid_z, block_x, block_y,
        block_z, shared_bytes, (void *)stream, (void *)parameters, (void *)extra);
  const unsigned shape[6] = {grid_x, grid_y, grid_z, block_x, block_y, block_z};
  LEAVE(launch(function, shape, shared_bytes, stream, parameters, extra));
}

EXPORT CUresult cuLaunchKernelEx(const CUlaunchConfig *launch_config, CUfunction function, void **parameters, void **extra) {
  ENTER(NEEDS_CONTEXT, "(%p, %p, %p, %p)", (const void *)launch_config, (void *)function, (void *)parameters, (void *)extra);
  if (launch_config == NULL) {
    LEAVE(CUDA_ERROR_INVALID_VALUE);
  }
  const unsigned shape[6] = {launch_config->gridDimX,  launch_config->gridDimY,  launch_config->gridDimZ,
                             launch_config->blockDimX, launch_config->blockDimY, launch_config->blockDimZ};
  if (launch_config->numAttrs != 0) {
    LEAVE(CUDA_ERROR_NOT_SUPPORTED);
  }
  LEAVE(launch(function, shape, launch_config->sharedMemBytes, launch_config->hStream, parameters, extra));
}

EXPORT CUresult cuFuncGetAttribute(int *value, int attribute, CUfunction handle) {
  ENTER(NEEDS_CONTEXT, "(%p, %d, %p)", (void *)value, attribute, (void *)handle);
  struct kernel *kernel = kernel_of(handle);
  if (kernel == NULL || value == NULL) {
    LEAVE(kernel == NULL ? CUDA_ERROR_INVALID_HANDLE : CUDA_ERROR_INVALID_VALUE);
  }
  switch (attribute) {
    case CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK: *value = kernel->max_threads; break;
    case CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES: *value = kernel->static_shared_bytes; break;
    case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES: *value = kernel->max_dynamic_bytes; break;
    case CU_FUNC_ATTRIBUTE_PTX_VERSION:
    case CU_FUNC_ATTRIBUTE_BINARY_VERSION: *value = config.cc_major * 10 + config.cc_minor; break;
    case CU_FUNC_ATTRIBUTE_NUM_REGS: *value = 32; break;
    case CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT: *value = -1; break;
    default:
      if (attribute < 0 || attribute > 15) {
        LEAVE(CUDA_ERROR_INVALID_VALUE);
      }
      *value = 0;
  }
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuFuncSetAttribute(CUfunction handle, int attribute, int value) {
  ENTER(NEEDS_CONTEXT, "(%p, %d, %d)", (void *)handle, attribute, value);
  struct kernel *kernel = kernel_of(handle);
  if (kernel == NULL) {
    LEAVE(CUDA_ERROR_INVALID_HANDLE);
  }
  if (attribute == CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT) {
    LEAVE(value >= -1 && value <= 100 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE);
  }
  if (attribute != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES || value < 0 || value > MAX_SHARED_OPTIN - kernel->static_shared_bytes) {
    LEAVE(CUDA_ERROR_INVALID_VALUE);
  }
  kernel->max_dynamic_bytes = value;
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuFuncSetCacheConfig(CUfunction handle, int setting) {
  ENTER(NEEDS_CONTEXT, "(%p, %d)", (void *)handle, setting);
  LEAVE(kernel_of(handle) == NULL ? CUDA_ERROR_INVALID_HANDLE : CUDA_SUCCESS);
}

EXPORT CUresult cuFuncGetModule(CUmodule *result, CUfunction handle) {
  ENTER(NEEDS_CONTEXT, "(%p, %p)", (void *)result, (void *)handle);
  struct kernel *kernel = kernel_of(handle);
  if (kernel == NULL || result == NULL) {
    LEAVE(kernel == NULL ? CUDA_ERROR_INVALID_HANDLE : CUDA_ERROR_INVALID_VALUE);
  }
  *result = kernel->module;
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuFuncGetName(const char **name, CUfunction handle) {
  ENTER(NEEDS_CONTEXT, "(%p, %p)", (void *)name, (void *)handle);
  struct kernel *kernel = kernel_of(handle);
  if (kernel == NULL || name == NULL) {
    LEAVE(kernel == NULL ? CUDA_ERROR_INVALID_HANDLE : CUDA_ERROR_INVALID_VALUE);
  }
  *name = kernel->name;
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuFuncLoad(CUfunction handle) {
  ENTER(NEEDS_CONTEXT, "(%p)", (void *)handle);
  LEAVE(kernel_of(handle) == NULL ? CUDA_ERROR_INVALID_HANDLE : CUDA_SUCCESS); /* all is loaded with the module */
}

EXPORT CUresult cuFuncIsLoaded(int *state, CUfunction handle) {
  ENTER(NEEDS_CONTEXT, "(%p, %p)", (void *)state, (void *)handle);
  if (kernel_of(handle) == NULL || state == NULL) {
    LEAVE(state == NULL ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_INVALID_HANDLE);
  }
  *state = 1;
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuFuncGetParamInfo(CUfunction handle, size_t index, size_t *offset, size_t *bytes) {
  ENTER(NEEDS_CONTEXT, "(%p, %zu, %p, %p)", (void *)handle, index, (void *)offset, (void *)bytes);
  struct kernel *kernel = kernel_of(handle);
  if (kernel == NULL || offset == NULL || index >= (size_t)kernel->parameter_count) {
    LEAVE(kernel == NULL ? CUDA_ERROR_INVALID_HANDLE : CUDA_ERROR_INVALID_VALUE);
  }
  *offset = kernel->offsets[index];
  if (bytes != NULL) {
    *bytes = kernel->sizes[index];
  }
  LEAVE(CUDA_SUCCESS);
}

/* ---- occupancy: by threads, blocks and shared memory of a multiprocessor; registers are not modelled ---- */

static int blocks_per_multiprocessor(const struct kernel *kernel, int block_threads, size_t dynamic_bytes) {
  int warps = (block_threads + 31) / 32;
  size_t shared = kernel->static_shared_bytes + dynamic_bytes + 1024;
  int blocks = 64 / warps;
  blocks = blocks > 32 ? 32 : blocks;
  int by_shared = (int)((228u << 10) / shared);
  return block_threads > kernel->max_threads ? 0 : by_shared < blocks ? by_shared : blocks;
}

EXPORT CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, CUfunction handle, int block_threads, size_t dynamic_bytes) {
  ENTER(NEEDS_CONTEXT, "(%p, %p, %d, %zu)", (void *)blocks, (void *)handle, block_threads, dynamic_bytes);
  struct kernel *kernel = kernel_of(handle);
  if (kernel == NULL || blocks == NULL || block_threads < 1) {
    LEAVE(kernel == NULL ? CUDA_ERROR_INVALID_HANDLE : CUDA_ERROR_INVALID_VALUE);
  }
  *blocks = blocks_per_multiprocessor(kernel, block_threads, dynamic_bytes);
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks, CUfunction handle, int block_threads,
                                                                     size_t dynamic_bytes, unsigned flags) {
  ENTER(NEEDS_CONTEXT, "(%p, %p, %d, %zu, %u)", (void *)blocks, (void *)handle, block_threads, dynamic_bytes, flags);
  struct kernel *kernel = kernel_of(handle);
  if (kernel == NULL || blocks == NULL || block_threads < 1 || flags > 1) {
    LEAVE(kernel == NULL ? CUDA_ERROR_INVALID_HANDLE : CUDA_ERROR_INVALID_VALUE);
  }
  *blocks = blocks_per_multiprocessor(kernel, block_threads, dynamic_bytes);
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuOccupancyMaxPotentialBlockSize(int *grid, int *block, CUfunction handle, CUoccupancyB2DSize shared_of,
                                                 size_t dynamic_bytes, int limit) {
  ENTER(NEEDS_CONTEXT, "(%p, %p, %p, %p, %zu, %d)", (void *)grid, (void *)block, (void *)handle, (void *)(uintptr_t)shared_of,
        dynamic_bytes, limit);
  struct kernel *kernel = kernel_of(handle);
  if (kernel == NULL || grid == NULL || block == NULL || shared_of != NULL) {
    LEAVE(kernel == NULL ? CUDA_ERROR_INVALID_HANDLE : shared_of != NULL ? CUDA_ERROR_NOT_SUPPORTED : CUDA_ERROR_INVALID_VALUE);
  }
  *block = limit > 0 && limit < kernel->max_threads ? limit : kernel->max_threads;
  *grid = 16 * blocks_per_multiprocessor(kernel, *block, dynamic_bytes);
  LEAVE(CUDA_SUCCESS);
}
