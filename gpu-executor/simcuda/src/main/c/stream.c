/* Streams: queues with a thread each, so that what stands in different ones goes on in any order. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t next_id = 1;

struct stream *stream_new(struct context *context, unsigned flags, int priority) {
  struct stream *stream = object_new(STREAM, sizeof *stream, context);
  stream->flags = flags;
  stream->priority = priority;
  stream->id = next_id++;
  pthread_cond_init(&stream->wake, NULL);
  return stream;
}

struct stream *stream_of(CUstream handle) {
  struct context *context = context_current();
  if (handle == NULL || handle == CU_STREAM_LEGACY) {
    return context->default_stream;
  }
  if (handle == CU_STREAM_PER_THREAD) {
    return context->thread_stream;
  }
  struct stream *stream = object_of(handle, STREAM);
  if (stream != NULL && stream->object.context != context) {
    sim_violation("stream %p belongs to context %p; %p is current", (void *)handle, (void *)stream->object.context, (void *)context);
    return NULL;
  }
  return stream;
}

static void end_item(struct stream *stream, struct item *item) {
  for (int i = 0; i < item->use_count; i++) {
    item->uses[i]->uses--;
  }
  stream->running = NULL;
  stream->completed = item->sequence;
  pthread_cond_broadcast(&sim_progress);
  work_clear(&item->work);
  free(item->uses);
  free(item);
}

static void *stream_main(void *argument) {
  struct stream *stream = argument;
  pthread_mutex_lock(&sim_lock);
  while (true) {
    while (stream->first == NULL && !stream->closing) {
      pthread_cond_wait(&stream->wake, &sim_lock);
    }
    struct item *item = stream->first;
    if (item == NULL) {
      break;
    }
    stream->first = item->next;
    stream->running = item;
    work_run(stream, item);
    end_item(stream, item);
  }
  pthread_mutex_unlock(&sim_lock);
  return NULL;
}

static void start(struct stream *stream) {
  int error = pthread_create(&stream->thread, NULL, stream_main, stream);
  if (error != 0) {
    fprintf(stderr, "simulated CUDA driver: no thread for a stream: %s\n", strerror(error));
    abort();
  }
  pthread_detach(stream->thread);
  stream->started = true;
}

void stream_push(struct stream *stream, struct work *work) {
  struct item *item = calloc(1, sizeof *item);
  if (item == NULL) {
    abort();
  }
  item->work = *work;
  item->sequence = ++stream->submitted;
  work_collect_uses(item);
  if (stream->first == NULL) {
    stream->first = item;
  } else {
    stream->last->next = item;
  }
  stream->last = item;
  if (!stream->started) {
    start(stream);
  }
  pthread_cond_signal(&stream->wake);
}

static void push_wait(struct stream *stream, struct stream *awaited) {
  if (stream_is_busy(awaited)) {
    struct work wait = {.kind = WAIT_WORK, .event = {.stream = awaited, .sequence = awaited->submitted}};
    stream_push(stream, &wait);
  }
}

/* The default stream waits for all streams that are not non-blocking, and they for it. */
static void order_with_default(struct stream *stream) {
  struct context *context = stream->object.context;
  if (stream != context->default_stream) {
    if ((stream->flags & CU_STREAM_NON_BLOCKING) == 0) {
      push_wait(stream, context->default_stream);
    }
    return;
  }
  for (struct stream *other = object_after(NULL, STREAM); other != NULL; other = object_after(other, STREAM)) {
    if (other != stream && other->object.context == context && (other->flags & CU_STREAM_NON_BLOCKING) == 0) {
      push_wait(stream, other);
    }
  }
}

CUresult stream_submit(struct stream *stream, struct work *work) {
  if (stream->capture != NULL) {
    return capture_add(stream, work);
  }
  if (capture_forbids(stream)) {
    work_clear(work);
    return CUDA_ERROR_STREAM_CAPTURE_IMPLICIT;
  }
  order_with_default(stream);
  stream_push(stream, work);
  return CUDA_SUCCESS;
}

bool stream_is_busy(struct stream *stream) {
  return stream->completed < stream->submitted;
}

CUresult stream_await(struct stream *stream, uint64_t sequence, struct context *context) {
  while (stream->completed < sequence) {
    pthread_cond_wait(&sim_progress, &sim_lock);
  }
  return context->error;
}

CUresult stream_drain(struct stream *stream) {
  return stream_await(stream, stream->submitted, stream->object.context);
}

void stream_close(struct stream *stream) {
  object_end(stream);
  stream->closing = true;
  pthread_cond_signal(&stream->wake);
}

static CUresult create(CUstream *result, unsigned flags, int priority) {
  if (result == NULL || (flags & ~CU_STREAM_NON_BLOCKING) != 0) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  *result = stream_new(context_current(), flags, priority > 0 ? 0 : priority < -5 ? -5 : priority);
  return CUDA_SUCCESS;
}

EXPORT CUresult cuStreamCreate(CUstream *result, unsigned flags) {
  ENTER(NEEDS_CONTEXT, "(%p, %u)", (void *)result, flags);
  LEAVE(create(result, flags, 0));
}

EXPORT CUresult cuStreamCreateWithPriority(CUstream *result, unsigned flags, int priority) {
  ENTER(NEEDS_CONTEXT, "(%p, %u, %d)", (void *)result, flags, priority);
  LEAVE(create(result, flags, priority));
}

EXPORT CUresult cuStreamDestroy_v2(CUstream handle) {
  ENTER(NEEDS_CONTEXT_EVEN_LOST, "(%p)", (void *)handle);
  struct stream *stream = object_of(handle, STREAM);
  if (stream == NULL || stream == stream->object.context->default_stream) {
    LEAVE(CUDA_ERROR_INVALID_HANDLE);
  }
  if (stream->capture != NULL) {
    sim_violation("the stream is destroyed while it captures");
  }
  stream_close(stream);
  LEAVE(stream->object.context->error);
}

/* The stream of a call that makes no sense while the stream captures. */
#define STREAM_OR_LEAVE(handle)                                                                                                \
  struct stream *stream = stream_of(handle);                                                                                   \
  if (stream == NULL) {                                                                                                        \
    LEAVE(CUDA_ERROR_INVALID_HANDLE);                                                                                          \
  }                                                                                                                            \
  if (stream->capture != NULL) {                                                                                               \
    LEAVE(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);                                                                              \
  }

EXPORT CUresult cuStreamSynchronize(CUstream handle) {
  ENTER(NEEDS_CONTEXT, "(%p)", (void *)handle);
  STREAM_OR_LEAVE(handle);
  LEAVE(stream_drain(stream));
}

EXPORT CUresult cuStreamQuery(CUstream handle) {
  ENTER(NEEDS_CONTEXT, "(%p)", (void *)handle);
  STREAM_OR_LEAVE(handle);
  LEAVE(stream_is_busy(stream) ? CUDA_ERROR_NOT_READY : CUDA_SUCCESS);
}

EXPORT CUresult cuStreamGetCtx(CUstream handle, CUcontext *result) {
  ENTER(NEEDS_CONTEXT, "(%p, %p)", (void *)handle, (void *)result);
  struct stream *stream = stream_of(handle);
  if (stream == NULL || result == NULL) {
    LEAVE(stream == NULL ? CUDA_ERROR_INVALID_HANDLE : CUDA_ERROR_INVALID_VALUE);
  }
  *result = stream->object.context;
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuStreamGetFlags(CUstream handle, unsigned *flags) {
  ENTER(NEEDS_CONTEXT, "(%p, %p)", (void *)handle, (void *)flags);
  struct stream *stream = stream_of(handle);
  if (stream == NULL || flags == NULL) {
    LEAVE(stream == NULL ? CUDA_ERROR_INVALID_HANDLE : CUDA_ERROR_INVALID_VALUE);
  }
  *flags = stream->flags;
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuStreamGetPriority(CUstream handle, int *priority) {
  ENTER(NEEDS_CONTEXT, "(%p, %p)", (void *)handle, (void *)priority);
  struct stream *stream = stream_of(handle);
  if (stream == NULL || priority == NULL) {
    LEAVE(stream == NULL ? CUDA_ERROR_INVALID_HANDLE : CUDA_ERROR_INVALID_VALUE);
  }
  *priority = stream->priority;
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuStreamGetId(CUstream handle, unsigned long long *id) {
  ENTER(NEEDS_CONTEXT, "(%p, %p)", (void *)handle, (void *)id);
  struct stream *stream = stream_of(handle);
  if (stream == NULL || id == NULL) {
    LEAVE(stream == NULL ? CUDA_ERROR_INVALID_HANDLE : CUDA_ERROR_INVALID_VALUE);
  }
  *id = stream->id;
  LEAVE(CUDA_SUCCESS);
}
