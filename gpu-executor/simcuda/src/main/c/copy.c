/* Copies. What a copy touches is checked when it is called; how it runs is in work.c. */
#include "sim.h"

#include <string.h>

uint64_t copy_extent(size_t width, size_t height, size_t depth, size_t pitch, size_t slice) {
  if (width == 0 || height == 0 || depth == 0) {
    return 0;
  }
  return (depth - 1) * slice + (height - 1) * pitch + width;
}

static CUresult check_device(uint64_t address, uint64_t bytes, const char *end) {
  struct allocation *allocation = allocation_at(address, bytes);
  bool is_host = allocation != NULL && (allocation->memory == HOST_MEMORY || allocation->memory == REGISTERED_MEMORY);
  if (allocation == NULL || (is_host && (allocation->flags & CU_MEMHOST_DEVICEMAP) == 0)) {
    sim_violation("the %llu bytes at 0x%llx that are %s are not the device's: %s", (unsigned long long)bytes, (unsigned long long)address,
                  end, is_host ? "they are registered, but not mapped" : allocation_history(address));
    return CUDA_ERROR_INVALID_VALUE;
  }
  if (allocation->dying) {
    sim_violation("the memory at 0x%llx is being freed", (unsigned long long)address);
  }
  if (allocation->context != context_current() && (!is_host || (allocation->flags & CU_MEMHOST_PORTABLE) == 0)) {
    sim_violation("the memory at 0x%llx belongs to context %p; %p is current", (unsigned long long)address, (void *)allocation->context,
                  (void *)context_current());
  }
  return CUDA_SUCCESS;
}

static CUresult check_host(uint64_t address, uint64_t bytes, bool is_async, const char *end) {
  struct allocation *touched = allocation_touching(address, bytes);
  if (touched == NULL && !arena_holds(address)) {
    if (!range_is_mapped(address, bytes)) {
      sim_violation("the %llu bytes at 0x%llx that are %s are not all this process's memory", (unsigned long long)bytes,
                    (unsigned long long)address, end);
      return CUDA_ERROR_INVALID_VALUE;
    }
    if (is_async) {
      sim_violation("the host memory at 0x%llx that is %s is not page-locked: the copy would not be asynchronous",
                    (unsigned long long)address, end);
    }
    return CUDA_SUCCESS;
  }
  if (allocation_at(address, bytes) == NULL) {
    sim_violation("the %llu bytes at 0x%llx that are %s go beyond one allocation: %s", (unsigned long long)bytes,
                  (unsigned long long)address, end, allocation_history(address));
    return CUDA_ERROR_INVALID_VALUE;
  }
  if (touched->memory != HOST_MEMORY && touched->memory != REGISTERED_MEMORY) {
    sim_violation("the memory at 0x%llx that is %s is the device's, not the host's", (unsigned long long)address, end);
    return CUDA_ERROR_INVALID_VALUE;
  }
  return CUDA_SUCCESS;
}

CUresult copy_check(const struct work *work, bool is_async) {
  uint64_t to = copy_extent(work->copy.width, work->copy.height, work->copy.depth, work->copy.to_pitch, work->copy.to_slice);
  uint64_t from = copy_extent(work->copy.width, work->copy.height, work->copy.depth, work->copy.from_pitch, work->copy.from_slice);
  if (to == 0) {
    return CUDA_SUCCESS;
  }
  CUresult error = work->copy.to_host ? check_host(work->copy.to, to, is_async, "written") : check_device(work->copy.to, to, "written");
  if (error != CUDA_SUCCESS) {
    return error;
  }
  return work->copy.from_host ? check_host(work->copy.from, from, is_async, "read") : check_device(work->copy.from, from, "read");
}

/* Submits a copy and, unless it is asynchronous, waits for it. */
static CUresult copy(struct work *work, CUstream handle, bool is_async) {
  struct stream *stream = stream_of(handle);
  if (stream == NULL) {
    return CUDA_ERROR_INVALID_HANDLE;
  }
  CUresult error = copy_check(work, is_async);
  if (error == CUDA_SUCCESS && work->copy.width * work->copy.height * work->copy.depth > 0) {
    error = stream_submit(stream, work);
  }
  return error != CUDA_SUCCESS || is_async ? error : stream_drain(stream);
}

static CUresult linear(uint64_t to, bool to_host, uint64_t from, bool from_host, size_t bytes, CUstream stream, bool is_async) {
  struct work work = {.kind = COPY_WORK,
                      .copy = {.to = to, .from = from, .width = bytes, .height = 1, .depth = 1, .to_host = to_host, .from_host = from_host}};
  return copy(&work, stream, is_async);
}

EXPORT CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t bytes) {
  ENTER(NEEDS_CONTEXT, "(0x%llx, %p, %zu)", (unsigned long long)to, from, bytes);
  LEAVE(linear(to, false, (uint64_t)from, true, bytes, NULL, false));
}

EXPORT CUresult cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t bytes) {
  ENTER(NEEDS_CONTEXT, "(%p, 0x%llx, %zu)", to, (unsigned long long)from, bytes);
  LEAVE(linear((uint64_t)to, true, from, false, bytes, NULL, false));
}

EXPORT CUresult cuMemcpyDtoD_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
  ENTER(NEEDS_CONTEXT, "(0x%llx, 0x%llx, %zu)", (unsigned long long)to, (unsigned long long)from, bytes);
  LEAVE(linear(to, false, from, false, bytes, NULL, false));
}

EXPORT CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t bytes, CUstream stream) {
  ENTER(NEEDS_CONTEXT, "(0x%llx, %p, %zu, %p)", (unsigned long long)to, from, bytes, (void *)stream);
  LEAVE(linear(to, false, (uint64_t)from, true, bytes, stream, true));
}

EXPORT CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t bytes, CUstream stream) {
  ENTER(NEEDS_CONTEXT, "(%p, 0x%llx, %zu, %p)", to, (unsigned long long)from, bytes, (void *)stream);
  LEAVE(linear((uint64_t)to, true, from, false, bytes, stream, true));
}

EXPORT CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
  ENTER(NEEDS_CONTEXT, "(0x%llx, 0x%llx, %zu, %p)", (unsigned long long)to, (unsigned long long)from, bytes, (void *)stream);
  LEAVE(linear(to, false, from, false, bytes, stream, true));
}

/* With unified addressing an address itself tells whose memory it is. */
static bool is_hosts(uint64_t address) {
  struct allocation *allocation = allocation_at(address, 1);
  return allocation == NULL ? !arena_holds(address) : allocation->memory == HOST_MEMORY || allocation->memory == REGISTERED_MEMORY;
}

EXPORT CUresult cuMemcpy(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
  ENTER(NEEDS_CONTEXT, "(0x%llx, 0x%llx, %zu)", (unsigned long long)to, (unsigned long long)from, bytes);
  LEAVE(linear(to, is_hosts(to), from, is_hosts(from), bytes, NULL, false));
}

EXPORT CUresult cuMemcpyAsync(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
  ENTER(NEEDS_CONTEXT, "(0x%llx, 0x%llx, %zu, %p)", (unsigned long long)to, (unsigned long long)from, bytes, (void *)stream);
  LEAVE(linear(to, is_hosts(to), from, is_hosts(from), bytes, stream, true));
}

/* One end of a copy by rows: its base, and whether it is the host's; false for what is not simulated (arrays). */
static bool end_of(int type, const void *host, CUdeviceptr device, uint64_t *base, bool *is_host) {
  *is_host = type == CU_MEMORYTYPE_HOST || (type == CU_MEMORYTYPE_UNIFIED && is_hosts(device));
  *base = type == CU_MEMORYTYPE_HOST ? (uint64_t)host : device;
  return type == CU_MEMORYTYPE_HOST || type == CU_MEMORYTYPE_DEVICE || type == CU_MEMORYTYPE_UNIFIED;
}

CUresult copy3d_work(struct work *work, const CUDA_MEMCPY3D *c) {
  uint64_t to, from;
  memset(work, 0, sizeof *work);
  work->kind = COPY_WORK;
  if (!end_of(c->dstMemoryType, c->dstHost, c->dstDevice, &to, &work->copy.to_host)
      || !end_of(c->srcMemoryType, c->srcHost, c->srcDevice, &from, &work->copy.from_host)) {
    return CUDA_ERROR_NOT_SUPPORTED;
  }
  size_t to_pitch = c->dstPitch == 0 ? c->dstXInBytes + c->WidthInBytes : c->dstPitch;
  size_t from_pitch = c->srcPitch == 0 ? c->srcXInBytes + c->WidthInBytes : c->srcPitch;
  size_t to_rows = c->dstHeight == 0 ? c->dstY + c->Height : c->dstHeight;
  size_t from_rows = c->srcHeight == 0 ? c->srcY + c->Height : c->srcHeight;
  if (to_pitch < c->dstXInBytes + c->WidthInBytes || from_pitch < c->srcXInBytes + c->WidthInBytes || to_rows < c->dstY + c->Height
      || from_rows < c->srcY + c->Height) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  work->copy.width = c->WidthInBytes;
  work->copy.height = c->Height;
  work->copy.depth = c->Depth;
  work->copy.to_pitch = to_pitch;
  work->copy.from_pitch = from_pitch;
  work->copy.to_slice = to_pitch * to_rows;
  work->copy.from_slice = from_pitch * from_rows;
  work->copy.to = to + c->dstZ * work->copy.to_slice + c->dstY * to_pitch + c->dstXInBytes;
  work->copy.from = from + c->srcZ * work->copy.from_slice + c->srcY * from_pitch + c->srcXInBytes;
  return CUDA_SUCCESS;
}

static CUresult copy3d(const CUDA_MEMCPY3D *parameters, CUstream stream, bool is_async) {
  struct work work;
  CUresult error = parameters == NULL ? CUDA_ERROR_INVALID_VALUE : copy3d_work(&work, parameters);
  return error == CUDA_SUCCESS ? copy(&work, stream, is_async) : error;
}

static CUresult copy2d(const CUDA_MEMCPY2D *c, CUstream stream, bool is_async) {
  if (c == NULL) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  CUDA_MEMCPY3D flat = {
      .srcXInBytes = c->srcXInBytes, .srcY = c->srcY, .srcMemoryType = c->srcMemoryType, .srcHost = c->srcHost,
      .srcDevice = c->srcDevice, .srcPitch = c->srcPitch, .dstXInBytes = c->dstXInBytes, .dstY = c->dstY,
      .dstMemoryType = c->dstMemoryType, .dstHost = c->dstHost, .dstDevice = c->dstDevice, .dstPitch = c->dstPitch,
      .WidthInBytes = c->WidthInBytes, .Height = c->Height, .Depth = 1,
  };
  return copy3d(&flat, stream, is_async);
}

EXPORT CUresult cuMemcpy2D_v2(const CUDA_MEMCPY2D *parameters) {
  ENTER(NEEDS_CONTEXT, "(%p)", (const void *)parameters);
  LEAVE(copy2d(parameters, NULL, false));
}

EXPORT CUresult cuMemcpy2DUnaligned_v2(const CUDA_MEMCPY2D *parameters) {
  ENTER(NEEDS_CONTEXT, "(%p)", (const void *)parameters);
  LEAVE(copy2d(parameters, NULL, false));
}

EXPORT CUresult cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D *parameters, CUstream stream) {
  ENTER(NEEDS_CONTEXT, "(%p, %p)", (const void *)parameters, (void *)stream);
  LEAVE(copy2d(parameters, stream, true));
}

EXPORT CUresult cuMemcpy3D_v2(const CUDA_MEMCPY3D *parameters) {
  ENTER(NEEDS_CONTEXT, "(%p)", (const void *)parameters);
  LEAVE(copy3d(parameters, NULL, false));
}

EXPORT CUresult cuMemcpy3DAsync_v2(const CUDA_MEMCPY3D *parameters, CUstream stream) {
  ENTER(NEEDS_CONTEXT, "(%p, %p)", (const void *)parameters, (void *)stream);
  LEAVE(copy3d(parameters, stream, true));
}
