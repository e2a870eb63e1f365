/* Device memory: allocating, freeing, asking about it. */
#include "sim.h"

#include <string.h>

static CUresult allocate(CUdeviceptr *result, size_t bytes, enum memory memory) {
  struct allocation *allocation;
  if (result == NULL || bytes == 0) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  CUresult error = arena_allocate(context_current(), memory, bytes, &allocation);
  if (error == CUDA_SUCCESS) {
    *result = allocation->address;
  }
  return error;
}

EXPORT CUresult cuMemAlloc_v2(CUdeviceptr *result, size_t bytes) {
  ENTER(NEEDS_CONTEXT, "(%p, %zu)", (void *)result, bytes);
  if (context_is_capturing(context_current())) {
    LEAVE(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  }
  LEAVE(allocate(result, bytes, DEVICE_MEMORY));
}

EXPORT CUresult cuMemAllocPitch_v2(CUdeviceptr *result, size_t *pitch, size_t width, size_t height, unsigned element_bytes) {
  ENTER(NEEDS_CONTEXT, "(%p, %p, %zu, %zu, %u)", (void *)result, (void *)pitch, width, height, element_bytes);
  if (pitch == NULL || (element_bytes != 4 && element_bytes != 8 && element_bytes != 16)) {
    LEAVE(CUDA_ERROR_INVALID_VALUE);
  }
  *pitch = (width + 511) & ~(size_t)511;
  LEAVE(allocate(result, *pitch * height, DEVICE_MEMORY));
}

EXPORT CUresult cuMemAllocAsync(CUdeviceptr *result, size_t bytes, CUstream handle) {
  ENTER(NEEDS_CONTEXT, "(%p, %zu, %p)", (void *)result, bytes, (void *)handle);
  struct stream *stream = stream_of(handle);
  if (stream == NULL) {
    LEAVE(CUDA_ERROR_INVALID_HANDLE);
  }
  if (stream->capture != NULL) {
    LEAVE(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  }
  LEAVE(allocate(result, bytes, STREAM_MEMORY));
}

/* The allocation that begins here and is its caller's to free, or NULL and a violation. */
static struct allocation *to_free(CUdeviceptr address) {
  struct allocation *allocation = allocation_at(address, 1);
  if (allocation == NULL || allocation->address != address || allocation->dying
      || (allocation->memory != DEVICE_MEMORY && allocation->memory != STREAM_MEMORY)) {
    sim_violation("there is no device memory to free at 0x%llx: %s", (unsigned long long)address,
                  allocation != NULL && allocation->dying ? "a stream frees it already" : allocation_history(address));
    return NULL;
  }
  if (allocation->context != context_current()) {
    sim_violation("0x%llx belongs to context %p; %p is current", (unsigned long long)address, (void *)allocation->context,
                  (void *)context_current());
  }
  return allocation;
}

EXPORT CUresult cuMemFree_v2(CUdeviceptr address) {
  ENTER(NEEDS_CONTEXT, "(0x%llx)", (unsigned long long)address);
  if (address == 0) {
    LEAVE(CUDA_SUCCESS);
  }
  struct allocation *allocation = to_free(address);
  if (allocation == NULL) {
    LEAVE(CUDA_ERROR_INVALID_VALUE);
  }
  if (allocation->uses > 0) {
    sim_violation("a stream has work that uses the memory: synchronise first");
  }
  allocation->dying = true;
  while (allocation->uses > 0) {
    pthread_cond_wait(&sim_progress, &sim_lock);
  }
  arena_free(allocation);
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuMemFreeAsync(CUdeviceptr address, CUstream handle) {
  ENTER(NEEDS_CONTEXT, "(0x%llx, %p)", (unsigned long long)address, (void *)handle);
  struct stream *stream = stream_of(handle);
  if (stream == NULL) {
    LEAVE(CUDA_ERROR_INVALID_HANDLE);
  }
  struct allocation *allocation = to_free(address);
  if (allocation == NULL || stream->capture != NULL) {
    LEAVE(allocation == NULL ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  }
  allocation->dying = true;
  struct work work = {.kind = FREE_WORK, .freed = allocation};
  LEAVE(stream_submit(stream, &work));
}

EXPORT CUresult cuMemGetInfo_v2(size_t *free_bytes, size_t *all_bytes) {
  ENTER(NEEDS_CONTEXT, "(%p, %p)", (void *)free_bytes, (void *)all_bytes);
  if (free_bytes == NULL || all_bytes == NULL) {
    LEAVE(CUDA_ERROR_INVALID_VALUE);
  }
  struct device *device = context_current()->device;
  *free_bytes = device->memory_bytes - device->used_bytes;
  *all_bytes = device->memory_bytes;
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuMemGetAddressRange_v2(CUdeviceptr *base, size_t *bytes, CUdeviceptr address) {
  ENTER(NEEDS_CONTEXT, "(%p, %p, 0x%llx)", (void *)base, (void *)bytes, (unsigned long long)address);
  struct allocation *allocation = allocation_at(address, 1);
  if (allocation == NULL) {
    LEAVE(CUDA_ERROR_NOT_FOUND);
  }
  if (base != NULL) {
    *base = allocation->address;
  }
  if (bytes != NULL) {
    *bytes = allocation->bytes;
  }
  LEAVE(CUDA_SUCCESS);
}

void memory_release_all(struct context *context) {
  for (size_t i = allocation_count(); i-- > 0;) {
    struct allocation *left = allocation_number(i);
    if (left->context != context) {
      continue;
    }
    if (left->memory == REGISTERED_MEMORY || left->memory == MODULE_MEMORY) {
      allocation_remove(left);
    } else {
      arena_free(left);
    }
  }
}

static CUresult pointer_attribute(void *data, int attribute, struct allocation *allocation, uint64_t address) {
  bool is_device = allocation->memory != HOST_MEMORY && allocation->memory != REGISTERED_MEMORY;
  switch (attribute) {
    case CU_POINTER_ATTRIBUTE_CONTEXT: *(CUcontext *)data = allocation->context; break;
    case CU_POINTER_ATTRIBUTE_MEMORY_TYPE: *(unsigned *)data = is_device ? CU_MEMORYTYPE_DEVICE : CU_MEMORYTYPE_HOST; break;
    case CU_POINTER_ATTRIBUTE_DEVICE_POINTER: *(uint64_t *)data = address; break;
    case CU_POINTER_ATTRIBUTE_HOST_POINTER:
      if (is_device) {
        return CUDA_ERROR_INVALID_VALUE;
      }
      *(uint64_t *)data = address;
      break;
    case CU_POINTER_ATTRIBUTE_SYNC_MEMOPS: *(unsigned *)data = allocation->sync_memops; break;
    case CU_POINTER_ATTRIBUTE_BUFFER_ID: *(uint64_t *)data = allocation->id; break;
    case CU_POINTER_ATTRIBUTE_IS_MANAGED: *(unsigned *)data = 0; break;
    case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL: *(int *)data = allocation->context->device->ordinal; break;
    case CU_POINTER_ATTRIBUTE_RANGE_START_ADDR: *(uint64_t *)data = allocation->address; break;
    case CU_POINTER_ATTRIBUTE_RANGE_SIZE: *(size_t *)data = allocation->bytes; break;
    case CU_POINTER_ATTRIBUTE_MAPPED: *(unsigned *)data = 1; break;
    case CU_POINTER_ATTRIBUTE_IS_GPU_DIRECT_RDMA_CAPABLE: *(unsigned *)data = is_device && config.gpudirect; break;
    default: return CUDA_ERROR_INVALID_VALUE;
  }
  return CUDA_SUCCESS;
}

EXPORT CUresult cuPointerGetAttribute(void *data, int attribute, CUdeviceptr address) {
  ENTER(NEEDS_CONTEXT, "(%p, %d, 0x%llx)", data, attribute, (unsigned long long)address);
  struct allocation *allocation = allocation_at(address, 1);
  if (data == NULL || allocation == NULL) {
    LEAVE(CUDA_ERROR_INVALID_VALUE);
  }
  LEAVE(pointer_attribute(data, attribute, allocation, address));
}

EXPORT CUresult cuPointerSetAttribute(const void *value, int attribute, CUdeviceptr address) {
  ENTER(NEEDS_CONTEXT, "(%p, %d, 0x%llx)", value, attribute, (unsigned long long)address);
  struct allocation *allocation = allocation_at(address, 1);
  if (value == NULL || allocation == NULL || attribute != CU_POINTER_ATTRIBUTE_SYNC_MEMOPS) {
    LEAVE(CUDA_ERROR_INVALID_VALUE);
  }
  allocation->sync_memops = *(const unsigned *)value != 0;
  LEAVE(CUDA_SUCCESS);
}

/* The one thing that can be flushed here, all writes of others into device memory, is there already: memory is coherent. */
EXPORT CUresult cuFlushGPUDirectRDMAWrites(int target, int scope) {
  ENTER(NEEDS_CONTEXT, "(%d, %d)", target, scope);
  if (target != 0 || (scope != 100 && scope != 200)) { /* TARGET_CURRENT_CTX; WRITES_TO_OWNER, WRITES_TO_ALL_DEVICES */
    LEAVE(CUDA_ERROR_INVALID_VALUE);
  }
  LEAVE(config.gpudirect ? CUDA_SUCCESS : CUDA_ERROR_NOT_SUPPORTED);
}

EXPORT CUresult cuMemGetHandleForAddressRange(void *handle, CUdeviceptr address, size_t bytes, int type, uint64_t flags) {
  ENTER(NEEDS_CONTEXT, "(%p, 0x%llx, %zu, %d, %llu)", handle, (unsigned long long)address, bytes, type, (unsigned long long)flags);
  if (handle == NULL || type != 1 || allocation_at(address, bytes) == NULL) { /* DMA_BUF_FD */
    LEAVE(CUDA_ERROR_INVALID_VALUE);
  }
  LEAVE(CUDA_ERROR_NOT_SUPPORTED); /* DMA_BUF_SUPPORTED is 0: there is no such file without a GPU's kernel driver */
}
