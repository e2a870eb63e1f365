/* Contexts, each thread's stack of them, and each device's primary one. */
#include "checks.h"
#include "sim.h"

#include <stdio.h>
#include <string.h>

#define MAX_STACK 64

static __thread struct context *stack[MAX_STACK];
static __thread int stacked;
static uint64_t next_id = 1;

struct context *context_current(void) {
  return stacked == 0 ? NULL : stack[stacked - 1];
}

bool error_is_sticky(CUresult error) {
  switch (error) {
    case CUDA_ERROR_DEVICE_UNAVAILABLE:
    case CUDA_ERROR_ECC_UNCORRECTABLE:
    case CUDA_ERROR_NVLINK_UNCORRECTABLE:
    case CUDA_ERROR_CONTAINED:
    case CUDA_ERROR_ILLEGAL_ADDRESS:
    case CUDA_ERROR_LAUNCH_TIMEOUT:
    case CUDA_ERROR_ASSERT:
    case CUDA_ERROR_HARDWARE_STACK_ERROR:
    case 715: /* ILLEGAL_INSTRUCTION */
    case CUDA_ERROR_MISALIGNED_ADDRESS:
    case 717: /* INVALID_ADDRESS_SPACE */
    case CUDA_ERROR_INVALID_PC:
    case CUDA_ERROR_LAUNCH_FAILED: return true;
    default: return false;
  }
}

void context_fail(struct context *context, CUresult error) {
  if (context->error == CUDA_SUCCESS) {
    context->error = error;
  }
  pthread_cond_broadcast(&sim_progress);
}

static void begin(struct context *context, unsigned flags) {
  context->flags = flags;
  context->active = true;
  context->error = CUDA_SUCCESS;
  context->id = next_id++;
  context->default_stream = stream_new(context, 0, 0);
  context->thread_stream = stream_new(context, CU_STREAM_NON_BLOCKING, 0);
  context->limits[0] = 1024;    /* CU_LIMIT_STACK_SIZE */
  context->limits[1] = 1 << 20; /* CU_LIMIT_PRINTF_FIFO_SIZE */
  context->limits[2] = 8 << 20; /* CU_LIMIT_MALLOC_HEAP_SIZE */
}

struct context *context_new(struct device *device, unsigned flags) {
  struct context *context = object_new(CONTEXT, sizeof *context, NULL);
  context->device = device;
  begin(context, flags);
  return context;
}

/* Waits for all that the context's streams have; its sticky error, if it has one. */
CUresult context_drain(struct context *context) {
  for (struct stream *stream = object_after(NULL, STREAM); stream != NULL; stream = object_after(stream, STREAM)) {
    if (stream->object.context == context) {
      stream_drain(stream);
    }
  }
  return context->error;
}

/* Waits for its streams, says what was left behind, and frees it. */
static void end(struct context *context) {
  context_drain(context);
  check_leaks(context);
  context->active = false;
  static const enum kind kinds[] = {GRAPH_EXEC, GRAPH, EVENT, LINK};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    for (struct object *object = object_after(NULL, kinds[i]); object != NULL; object = object_after(object, kinds[i])) {
      object->alive &= object->context != context;
    }
  }
  for (struct stream *stream = object_after(NULL, STREAM); stream != NULL; stream = object_after(stream, STREAM)) {
    if (stream->object.context == context) {
      stream_close(stream);
    }
  }
  struct module *module = object_after(NULL, MODULE);
  while (module != NULL) {
    if (module->object.context == context) {
      module_unload(module);
      module = NULL;
    }
    module = object_after(module, MODULE);
  }
  memory_release_all(context);
}

static void destroy(struct context *context) {
  end(context);
  object_end(context);
  for (int i = stacked - 1; i >= 0; i--) { /* of this thread's stack only its top is taken off */
    if (stack[i] == context && i == stacked - 1) {
      stacked--;
    }
  }
}

void contexts_forget(void) {
  struct context *context = object_after(NULL, CONTEXT);
  while (context != NULL) {
    context_fail(context, CUDA_ERROR_DEVICE_UNAVAILABLE);
    if (context->active) {
      end(context);
    }
    object_end(context);
    context = object_after(NULL, CONTEXT);
  }
  stacked = 0;
  allocations_forget();
}

static CUresult create(CUcontext *result, unsigned flags, CUdevice ordinal) {
  struct device *device = device_at(ordinal);
  if (result == NULL || stacked == MAX_STACK) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  if (device == NULL) {
    return CUDA_ERROR_INVALID_DEVICE;
  }
  *result = context_new(device, flags);
  stack[stacked++] = *result;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxCreate_v2(CUcontext *result, unsigned flags, CUdevice device) {
  ENTER(NEEDS_INIT, "(%p, %u, %d)", (void *)result, flags, device);
  LEAVE(create(result, flags, device));
}

EXPORT CUresult cuCtxCreate_v3(CUcontext *result, void *affinities, int count, unsigned flags, CUdevice device) {
  ENTER(NEEDS_INIT, "(%p, %p, %d, %u, %d)", (void *)result, affinities, count, flags, device);
  LEAVE(create(result, flags, device));
}

EXPORT CUresult cuCtxCreate_v4(CUcontext *result, void *parameters, unsigned flags, CUdevice device) {
  ENTER(NEEDS_INIT, "(%p, %p, %u, %d)", (void *)result, parameters, flags, device);
  LEAVE(create(result, flags, device));
}

EXPORT CUresult cuCtxDestroy_v2(CUcontext handle) {
  ENTER(NEEDS_INIT, "(%p)", (void *)handle);
  struct context *context = object_of(handle, CONTEXT);
  if (context == NULL || context->primary) {
    LEAVE(CUDA_ERROR_INVALID_CONTEXT);
  }
  destroy(context);
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuCtxPushCurrent_v2(CUcontext handle) {
  ENTER(NEEDS_INIT, "(%p)", (void *)handle);
  struct context *context = object_of(handle, CONTEXT);
  if (context == NULL || !context->active || stacked == MAX_STACK) {
    LEAVE(context == NULL || !context->active ? CUDA_ERROR_INVALID_CONTEXT : CUDA_ERROR_INVALID_VALUE);
  }
  stack[stacked++] = context;
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuCtxPopCurrent_v2(CUcontext *result) {
  ENTER(NEEDS_INIT, "(%p)", (void *)result);
  if (stacked == 0) {
    LEAVE(CUDA_ERROR_INVALID_CONTEXT);
  }
  stacked--;
  if (result != NULL) {
    *result = stack[stacked];
  }
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuCtxSetCurrent(CUcontext handle) {
  ENTER(NEEDS_INIT, "(%p)", (void *)handle);
  if (handle == NULL) {
    stacked -= stacked > 0;
    LEAVE(CUDA_SUCCESS);
  }
  struct context *context = object_of(handle, CONTEXT);
  if (context == NULL || !context->active) {
    LEAVE(CUDA_ERROR_INVALID_CONTEXT);
  }
  stacked += stacked == 0;
  stack[stacked - 1] = context;
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuCtxGetCurrent(CUcontext *result) {
  ENTER(NEEDS_INIT, "(%p)", (void *)result);
  if (result == NULL) {
    LEAVE(CUDA_ERROR_INVALID_VALUE);
  }
  *result = context_current();
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuCtxGetDevice(CUdevice *device) {
  ENTER(NEEDS_CONTEXT, "(%p)", (void *)device);
  if (device == NULL) {
    LEAVE(CUDA_ERROR_INVALID_VALUE);
  }
  *device = context_current()->device->ordinal;
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuCtxSynchronize(void) {
  ENTER(NEEDS_CONTEXT, "()");
  if (context_is_capturing(context_current())) {
    LEAVE(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  }
  LEAVE(context_drain(context_current()));
}

EXPORT CUresult cuDevicePrimaryCtxRetain(CUcontext *result, CUdevice ordinal) {
  ENTER(NEEDS_INIT, "(%p, %d)", (void *)result, ordinal);
  struct device *device = device_at(ordinal);
  if (result == NULL || device == NULL) {
    LEAVE(result == NULL ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_INVALID_DEVICE);
  }
  if (device->primary == NULL) {
    device->primary = context_new(device, device->primary_flags);
    device->primary->primary = true;
  } else if (!device->primary->active) {
    begin(device->primary, device->primary_flags);
  }
  device->primary->references++;
  *result = device->primary;
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuDevicePrimaryCtxRelease_v2(CUdevice ordinal) {
  ENTER(NEEDS_INIT, "(%d)", ordinal);
  struct device *device = device_at(ordinal);
  if (device == NULL) {
    LEAVE(CUDA_ERROR_INVALID_DEVICE);
  }
  if (device->primary == NULL || device->primary->references == 0) {
    sim_violation("the primary context is released more often than it was retained");
    LEAVE(CUDA_ERROR_INVALID_CONTEXT);
  }
  if (--device->primary->references == 0) {
    end(device->primary);
  }
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuDevicePrimaryCtxReset_v2(CUdevice ordinal) {
  ENTER(NEEDS_INIT, "(%d)", ordinal);
  struct device *device = device_at(ordinal);
  if (device == NULL) {
    LEAVE(CUDA_ERROR_INVALID_DEVICE);
  }
  if (device->primary != NULL && device->primary->active) {
    end(device->primary);
    if (device->primary->references > 0) {
      begin(device->primary, device->primary_flags);
    }
  }
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuDevicePrimaryCtxSetFlags_v2(CUdevice ordinal, unsigned flags) {
  ENTER(NEEDS_INIT, "(%d, %u)", ordinal, flags);
  struct device *device = device_at(ordinal);
  if (device == NULL) {
    LEAVE(CUDA_ERROR_INVALID_DEVICE);
  }
  device->primary_flags = flags;
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuDevicePrimaryCtxGetState(CUdevice ordinal, unsigned *flags, int *active) {
  ENTER(NEEDS_INIT, "(%d, %p, %p)", ordinal, (void *)flags, (void *)active);
  struct device *device = device_at(ordinal);
  if (device == NULL || flags == NULL || active == NULL) {
    LEAVE(device == NULL ? CUDA_ERROR_INVALID_DEVICE : CUDA_ERROR_INVALID_VALUE);
  }
  *flags = device->primary_flags;
  *active = device->primary != NULL && device->primary->active;
  LEAVE(CUDA_SUCCESS);
}
