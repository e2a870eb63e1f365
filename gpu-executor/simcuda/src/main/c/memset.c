/* Filling memory. */
#include "sim.h"

CUresult set_work(struct work *work, uint64_t to, size_t pitch, unsigned value, unsigned element_bytes, size_t width, size_t height) {
  uint64_t bytes = copy_extent(width * element_bytes, height, 1, pitch, 0);
  if (to % element_bytes != 0 || (height > 1 && (pitch < width * element_bytes || pitch % element_bytes != 0))) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  struct allocation *allocation = bytes == 0 ? NULL : allocation_at(to, bytes);
  if (bytes > 0 && allocation == NULL) {
    sim_violation("the %llu bytes at 0x%llx that are set are not the device's: %s", (unsigned long long)bytes, (unsigned long long)to,
                  allocation_history(to));
    return CUDA_ERROR_INVALID_VALUE;
  }
  *work = (struct work){
      .kind = SET_WORK,
      .set = {.to = to, .width = width, .height = height, .pitch = pitch, .value = value, .element_bytes = element_bytes},
  };
  return CUDA_SUCCESS;
}

static CUresult set(CUdeviceptr to, size_t pitch, unsigned value, unsigned element_bytes, size_t width, size_t height, CUstream handle,
                    bool is_async) {
  struct work work;
  struct stream *stream = stream_of(handle);
  CUresult error = stream == NULL ? CUDA_ERROR_INVALID_HANDLE : set_work(&work, to, pitch, value, element_bytes, width, height);
  if (error == CUDA_SUCCESS && width > 0 && height > 0) {
    error = stream_submit(stream, &work);
  }
  return error != CUDA_SUCCESS || is_async ? error : stream_drain(stream);
}

#define SET_CALLS(bits, type)                                                                                                  \
  EXPORT CUresult cuMemsetD##bits##_v2(CUdeviceptr to, type value, size_t count) {                                             \
    ENTER(NEEDS_CONTEXT, "(0x%llx, %u, %zu)", (unsigned long long)to, (unsigned)value, count);                                 \
    LEAVE(set(to, 0, value, sizeof value, count, 1, NULL, false));                                                             \
  }                                                                                                                            \
  EXPORT CUresult cuMemsetD##bits##Async(CUdeviceptr to, type value, size_t count, CUstream stream) {                          \
    ENTER(NEEDS_CONTEXT, "(0x%llx, %u, %zu, %p)", (unsigned long long)to, (unsigned)value, count, (void *)stream);             \
    LEAVE(set(to, 0, value, sizeof value, count, 1, stream, true));                                                            \
  }                                                                                                                            \
  EXPORT CUresult cuMemsetD2D##bits##_v2(CUdeviceptr to, size_t pitch, type value, size_t width, size_t height) {              \
    ENTER(NEEDS_CONTEXT, "(0x%llx, %zu, %u, %zu, %zu)", (unsigned long long)to, pitch, (unsigned)value, width, height);        \
    LEAVE(set(to, pitch, value, sizeof value, width, height, NULL, false));                                                    \
  }                                                                                                                            \
  EXPORT CUresult cuMemsetD2D##bits##Async(CUdeviceptr to, size_t pitch, type value, size_t width, size_t height,              \
                                           CUstream stream) {                                                                  \
    ENTER(NEEDS_CONTEXT, "(0x%llx, %zu, %u, %zu, %zu, %p)", (unsigned long long)to, pitch, (unsigned)value, width, height,     \
          (void *)stream);                                                                                                     \
    LEAVE(set(to, pitch, value, sizeof value, width, height, stream, true));                                                   \
  }

SET_CALLS(8, uint8_t)
SET_CALLS(16, uint16_t)
SET_CALLS(32, uint32_t)
