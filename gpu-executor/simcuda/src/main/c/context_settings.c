/* What a context can be asked and told about itself. */
#include "sim.h"

#define LIMITS 16

EXPORT CUresult cuCtxGetFlags(unsigned *flags) {
  ENTER(NEEDS_CONTEXT, "(%p)", (void *)flags);
  *flags = context_current()->flags;
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuCtxGetApiVersion(CUcontext handle, unsigned *version) {
  ENTER(NEEDS_INIT, "(%p, %p)", (void *)handle, (void *)version);
  if (handle != NULL && object_of(handle, CONTEXT) == NULL) {
    LEAVE(CUDA_ERROR_INVALID_CONTEXT);
  }
  *version = 3020;
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuCtxGetId(CUcontext handle, unsigned long long *id) {
  ENTER(NEEDS_CONTEXT, "(%p, %p)", (void *)handle, (void *)id);
  struct context *context = handle == NULL ? context_current() : object_of(handle, CONTEXT);
  if (context == NULL) {
    LEAVE(CUDA_ERROR_CONTEXT_IS_DESTROYED);
  }
  *id = context->id;
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuCtxGetLimit(size_t *value, int limit) {
  ENTER(NEEDS_CONTEXT, "(%p, %d)", (void *)value, limit);
  if (limit < 0 || limit >= LIMITS) {
    LEAVE(CUDA_ERROR_UNSUPPORTED_LIMIT);
  }
  *value = context_current()->limits[limit];
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuCtxSetLimit(int limit, size_t value) {
  ENTER(NEEDS_CONTEXT, "(%d, %zu)", limit, value);
  if (limit < 0 || limit >= LIMITS) {
    LEAVE(CUDA_ERROR_UNSUPPORTED_LIMIT);
  }
  context_current()->limits[limit] = value;
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuCtxGetCacheConfig(int *setting) {
  ENTER(NEEDS_CONTEXT, "(%p)", (void *)setting);
  *setting = context_current()->cache_config;
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuCtxSetCacheConfig(int setting) {
  ENTER(NEEDS_CONTEXT, "(%d)", setting);
  context_current()->cache_config = setting;
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuCtxGetStreamPriorityRange(int *least, int *greatest) {
  ENTER(NEEDS_CONTEXT, "(%p, %p)", (void *)least, (void *)greatest);
  if (least != NULL) {
    *least = 0;
  }
  if (greatest != NULL) {
    *greatest = -5;
  }
  LEAVE(CUDA_SUCCESS);
}
