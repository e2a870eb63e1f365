/* Events, and what else stands in a stream to order it: functions of the host, values in memory. */
#include "sim.h"

EXPORT CUresult cuEventCreate(CUevent *result, unsigned flags) {
  ENTER(NEEDS_CONTEXT, "(%p, %u)", (void *)result, flags);
  if (result == NULL || (flags & ~7u) != 0) {
    LEAVE(CUDA_ERROR_INVALID_VALUE);
  }
  struct event *event = object_new(EVENT, sizeof *event, context_current());
  event->flags = flags;
  *result = event;
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuEventDestroy_v2(CUevent handle) {
  ENTER(NEEDS_CONTEXT_EVEN_LOST, "(%p)", (void *)handle);
  struct event *event = object_of(handle, EVENT);
  if (event == NULL) {
    LEAVE(CUDA_ERROR_INVALID_HANDLE);
  }
  CUresult error = event->object.context->error;
  object_end(event);
  LEAVE(error);
}

static struct event *event_of(CUevent handle) {
  struct event *event = object_of(handle, EVENT);
  if (event != NULL && event->object.context != context_current()) {
    sim_violation("event %p belongs to context %p; %p is current", (void *)handle, (void *)event->object.context,
                  (void *)context_current());
    return NULL;
  }
  return event;
}

static CUresult record(CUevent handle, CUstream stream_handle) {
  struct event *event = event_of(handle);
  struct stream *stream = stream_of(stream_handle);
  if (event == NULL || stream == NULL) {
    return CUDA_ERROR_INVALID_HANDLE;
  }
  if (stream->capture != NULL) {
    return capture_record(stream, event);
  }
  struct work work = {.kind = RECORD_WORK, .event = {.event = event}};
  CUresult error = stream_submit(stream, &work);
  if (error == CUDA_SUCCESS) {
    event->stream = stream;
    event->sequence = stream->submitted;
    event->capture = NULL;
  }
  return error;
}

EXPORT CUresult cuEventRecord(CUevent event, CUstream stream) {
  ENTER(NEEDS_CONTEXT, "(%p, %p)", (void *)event, (void *)stream);
  LEAVE(record(event, stream));
}

EXPORT CUresult cuEventRecordWithFlags(CUevent event, CUstream stream, unsigned flags) {
  ENTER(NEEDS_CONTEXT, "(%p, %p, %u)", (void *)event, (void *)stream, flags);
  LEAVE(flags > 1 ? CUDA_ERROR_INVALID_VALUE : record(event, stream));
}

static bool is_pending(struct event *event) {
  return event->stream != NULL && event->stream->completed < event->sequence;
}

EXPORT CUresult cuEventQuery(CUevent handle) {
  ENTER(NEEDS_CONTEXT, "(%p)", (void *)handle);
  struct event *event = event_of(handle);
  if (event == NULL) {
    LEAVE(CUDA_ERROR_INVALID_HANDLE);
  }
  if (event->capture != NULL) {
    LEAVE(CUDA_ERROR_CAPTURED_EVENT);
  }
  LEAVE(is_pending(event) ? CUDA_ERROR_NOT_READY : CUDA_SUCCESS);
}

EXPORT CUresult cuEventSynchronize(CUevent handle) {
  ENTER(NEEDS_CONTEXT, "(%p)", (void *)handle);
  struct event *event = event_of(handle);
  if (event == NULL) {
    LEAVE(CUDA_ERROR_INVALID_HANDLE);
  }
  if (event->capture != NULL) {
    LEAVE(CUDA_ERROR_CAPTURED_EVENT);
  }
  LEAVE(event->stream == NULL ? CUDA_SUCCESS : stream_await(event->stream, event->sequence, event->object.context));
}

static CUresult elapsed(float *ms, CUevent start_handle, CUevent end_handle) {
  struct event *start = event_of(start_handle);
  struct event *end = event_of(end_handle);
  if (ms == NULL) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  if (start == NULL || end == NULL || start->stream == NULL || end->stream == NULL
      || ((start->flags | end->flags) & CU_EVENT_DISABLE_TIMING) != 0) {
    return CUDA_ERROR_INVALID_HANDLE;
  }
  if (is_pending(start) || is_pending(end)) {
    return CUDA_ERROR_NOT_READY;
  }
  *ms = (float)((double)(int64_t)(end->recorded_ns - start->recorded_ns) / 1e6);
  return CUDA_SUCCESS;
}

EXPORT CUresult cuEventElapsedTime(float *ms, CUevent start, CUevent end) {
  ENTER(NEEDS_CONTEXT, "(%p, %p, %p)", (void *)ms, (void *)start, (void *)end);
  LEAVE(elapsed(ms, start, end));
}

EXPORT CUresult cuEventElapsedTime_v2(float *ms, CUevent start, CUevent end) {
  ENTER(NEEDS_CONTEXT, "(%p, %p, %p)", (void *)ms, (void *)start, (void *)end);
  LEAVE(elapsed(ms, start, end));
}

EXPORT CUresult cuStreamWaitEvent(CUstream stream_handle, CUevent handle, unsigned flags) {
  ENTER(NEEDS_CONTEXT, "(%p, %p, %u)", (void *)stream_handle, (void *)handle, flags);
  struct stream *stream = stream_of(stream_handle);
  struct event *event = object_of(handle, EVENT); /* of any context */
  if (stream == NULL || event == NULL || flags > 1) {
    LEAVE(flags > 1 ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_INVALID_HANDLE);
  }
  if (event->capture != NULL || stream->capture != NULL) {
    LEAVE(capture_wait(stream, event));
  }
  if (!is_pending(event)) {
    LEAVE(CUDA_SUCCESS);
  }
  struct work work = {.kind = WAIT_WORK, .event = {.stream = event->stream, .sequence = event->sequence}};
  LEAVE(stream_submit(stream, &work));
}

EXPORT CUresult cuLaunchHostFunc(CUstream handle, CUhostFn function, void *data) {
  ENTER(NEEDS_CONTEXT, "(%p, %p, %p)", (void *)handle, (void *)(uintptr_t)function, data);
  struct stream *stream = stream_of(handle);
  if (stream == NULL || function == NULL) {
    LEAVE(stream == NULL ? CUDA_ERROR_INVALID_HANDLE : CUDA_ERROR_INVALID_VALUE);
  }
  struct work work = {.kind = HOST_WORK, .host = {.function = function, .data = data}};
  LEAVE(stream_submit(stream, &work));
}

EXPORT CUresult cuStreamAddCallback(CUstream handle, CUstreamCallback callback, void *data, unsigned flags) {
  ENTER(NEEDS_CONTEXT, "(%p, %p, %p, %u)", (void *)handle, (void *)(uintptr_t)callback, data, flags);
  struct stream *stream = stream_of(handle);
  if (stream == NULL || callback == NULL || flags != 0) {
    LEAVE(stream == NULL ? CUDA_ERROR_INVALID_HANDLE : CUDA_ERROR_INVALID_VALUE);
  }
  struct work work = {.kind = CALLBACK_WORK, .host = {.callback = callback, .stream = handle, .data = data}};
  LEAVE(stream_submit(stream, &work));
}

static CUresult value_work(CUstream handle, enum work_kind kind, CUdeviceptr address, uint64_t value, unsigned flags, int bytes) {
  struct stream *stream = stream_of(handle);
  if (stream == NULL) {
    return CUDA_ERROR_INVALID_HANDLE;
  }
  if (address % bytes != 0 || allocation_at(address, bytes) == NULL) {
    sim_violation("no allocation holds the %d bytes: %s", bytes, allocation_history(address));
    return CUDA_ERROR_INVALID_VALUE;
  }
  struct work work = {.kind = kind, .value = {.address = address, .value = value, .flags = flags, .bytes = bytes}};
  return stream_submit(stream, &work);
}

#define VALUE_CALL(name, type, kind)                                                                                           \
  EXPORT CUresult name(CUstream stream, CUdeviceptr address, type value, unsigned flags) {                                     \
    ENTER(NEEDS_CONTEXT, "(%p, 0x%llx, %llu, %u)", (void *)stream, (unsigned long long)address, (unsigned long long)value,     \
          flags);                                                                                                              \
    LEAVE(value_work(stream, kind, address, value, flags, sizeof value));                                                      \
  }

VALUE_CALL(cuStreamWaitValue32_v2, uint32_t, VALUE_WAIT_WORK)
VALUE_CALL(cuStreamWaitValue64_v2, uint64_t, VALUE_WAIT_WORK)
VALUE_CALL(cuStreamWriteValue32_v2, uint32_t, VALUE_WRITE_WORK)
VALUE_CALL(cuStreamWriteValue64_v2, uint64_t, VALUE_WRITE_WORK)
