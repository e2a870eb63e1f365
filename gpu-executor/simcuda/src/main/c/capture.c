/* Capturing what is submitted to streams into a graph instead of doing it. */
#include "graphs.h"

#include <stdlib.h>

enum { CAPTURE_MODE_GLOBAL = 0, CAPTURE_MODE_THREAD_LOCAL = 1, CAPTURE_MODE_RELAXED = 2 };

static uint64_t next_id = 1;

static void set_tail(struct stream *stream, struct node *const *nodes, size_t count) {
  stream->tail_count = 0;
  for (size_t i = 0; i < count; i++) {
    node_list_add(&stream->tail, &stream->tail_count, nodes[i]);
  }
}

CUresult capture_add(struct stream *stream, struct work *work) {
  struct capture *capture = stream->capture;
  if (capture->invalid || work->kind == FREE_WORK || work->kind == CALLBACK_WORK) {
    CUresult error = capture->invalid ? CUDA_ERROR_STREAM_CAPTURE_INVALIDATED : CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    capture->invalid = true;
    work_clear(work);
    return error;
  }
  struct node *node = graph_add(capture->graph, work, stream->tail, stream->tail_count);
  set_tail(stream, &node, 1);
  return CUDA_SUCCESS;
}

CUresult capture_record(struct stream *stream, struct event *event) {
  event->capture = stream->capture;
  event->captured_count = 0;
  for (size_t i = 0; i < stream->tail_count; i++) {
    node_list_add(&event->captured, &event->captured_count, stream->tail[i]);
  }
  return stream->capture->invalid ? CUDA_ERROR_STREAM_CAPTURE_INVALIDATED : CUDA_SUCCESS;
}

CUresult capture_wait(struct stream *stream, struct event *event) {
  if (event->capture == NULL) {
    stream->capture->invalid = true;
    return CUDA_ERROR_STREAM_CAPTURE_ISOLATION;
  }
  if (stream->capture == NULL) { /* the stream joins the capture */
    stream->capture = event->capture;
    set_tail(stream, event->captured, event->captured_count);
    return CUDA_SUCCESS;
  }
  if (stream->capture != event->capture) {
    stream->capture->invalid = true;
    return CUDA_ERROR_STREAM_CAPTURE_MERGE;
  }
  for (size_t i = 0; i < event->captured_count; i++) {
    node_list_add(&stream->tail, &stream->tail_count, event->captured[i]);
  }
  return CUDA_SUCCESS;
}

bool capture_forbids(struct stream *stream) {
  struct context *context = stream->object.context;
  bool forbids = false;
  if (stream != context->default_stream) {
    return false;
  }
  for (struct stream *other = object_after(NULL, STREAM); other != NULL; other = object_after(other, STREAM)) {
    if (other->object.context == context && other->capture != NULL && (other->flags & CU_STREAM_NON_BLOCKING) == 0) {
      other->capture->invalid = true;
      forbids = true;
    }
  }
  return forbids;
}

bool context_is_capturing(struct context *context) {
  for (struct stream *stream = object_after(NULL, STREAM); stream != NULL; stream = object_after(stream, STREAM)) {
    struct capture *capture = stream->capture;
    if (stream->object.context == context && capture != NULL
        && (capture->mode == CAPTURE_MODE_GLOBAL
            || (capture->mode == CAPTURE_MODE_THREAD_LOCAL && pthread_equal(capture->thread, pthread_self())))) {
      capture->invalid = true;
      return true;
    }
  }
  return false;
}

EXPORT CUresult cuStreamBeginCapture_v2(CUstream handle, int mode) {
  ENTER(NEEDS_CONTEXT, "(%p, %d)", (void *)handle, mode);
  struct stream *stream = stream_of(handle);
  if (stream == NULL || mode < 0 || mode > CAPTURE_MODE_RELAXED) {
    LEAVE(stream == NULL ? CUDA_ERROR_INVALID_HANDLE : CUDA_ERROR_INVALID_VALUE);
  }
  if (stream == context_current()->default_stream) {
    LEAVE(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  }
  if (stream->capture != NULL) {
    LEAVE(CUDA_ERROR_ILLEGAL_STATE);
  }
  struct capture *capture = calloc(1, sizeof *capture);
  if (capture == NULL) {
    abort();
  }
  *capture = (struct capture){
      .graph = graph_new(context_current()), .origin = stream, .mode = mode, .thread = pthread_self(), .id = next_id++};
  stream->capture = capture;
  stream->tail_count = 0;
  LEAVE(CUDA_SUCCESS);
}

/* Whether everything that was captured is awaited, at last, by the stream that began. */
static bool is_joined(struct capture *capture) {
  struct graph *graph = capture->graph;
  for (size_t i = 0; i < graph->count; i++) {
    bool is_awaited = false;
    for (size_t j = 0; j < graph->count && !is_awaited; j++) {
      for (size_t k = 0; k < graph->nodes[j]->after_count; k++) {
        is_awaited |= graph->nodes[j]->after[k] == graph->nodes[i];
      }
    }
    for (size_t j = 0; j < capture->origin->tail_count; j++) {
      is_awaited |= capture->origin->tail[j] == graph->nodes[i];
    }
    if (!is_awaited) {
      return false;
    }
  }
  return true;
}

/* The events that were recorded in it stay marked as captured: they cannot be waited for outside. */
static void forget(struct capture *capture) {
  for (struct stream *stream = object_after(NULL, STREAM); stream != NULL; stream = object_after(stream, STREAM)) {
    if (stream->capture == capture) {
      stream->capture = NULL;
      stream->tail_count = 0;
    }
  }
}

EXPORT CUresult cuStreamEndCapture(CUstream handle, CUgraph *result) {
  ENTER(NEEDS_CONTEXT, "(%p, %p)", (void *)handle, (void *)result);
  struct stream *stream = stream_of(handle);
  if (stream == NULL || result == NULL) {
    LEAVE(stream == NULL ? CUDA_ERROR_INVALID_HANDLE : CUDA_ERROR_INVALID_VALUE);
  }
  struct capture *capture = stream->capture;
  *result = NULL;
  if (capture == NULL) {
    LEAVE(CUDA_ERROR_ILLEGAL_STATE);
  }
  if (capture->origin != stream) {
    LEAVE(CUDA_ERROR_STREAM_CAPTURE_UNMATCHED);
  }
  CUresult error = capture->invalid     ? CUDA_ERROR_STREAM_CAPTURE_INVALIDATED
                   : !is_joined(capture) ? CUDA_ERROR_STREAM_CAPTURE_UNJOINED
                                         : CUDA_SUCCESS;
  forget(capture);
  if (error == CUDA_SUCCESS) {
    *result = capture->graph;
  } else {
    graph_destroy(capture->graph);
  }
  LEAVE(error);
}

static int status_of(struct stream *stream) {
  return stream->capture == NULL     ? CU_STREAM_CAPTURE_STATUS_NONE
         : stream->capture->invalid ? CU_STREAM_CAPTURE_STATUS_INVALIDATED
                                     : CU_STREAM_CAPTURE_STATUS_ACTIVE;
}

EXPORT CUresult cuStreamIsCapturing(CUstream handle, int *status) {
  ENTER(NEEDS_CONTEXT, "(%p, %p)", (void *)handle, (void *)status);
  struct stream *stream = stream_of(handle);
  if (stream == NULL || status == NULL) {
    LEAVE(stream == NULL ? CUDA_ERROR_INVALID_HANDLE : CUDA_ERROR_INVALID_VALUE);
  }
  *status = status_of(stream);
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuThreadExchangeStreamCaptureMode(int *mode) {
  static __thread int own = CAPTURE_MODE_GLOBAL;
  ENTER(NEEDS_INIT, "(%p)", (void *)mode);
  if (mode == NULL || *mode < 0 || *mode > CAPTURE_MODE_RELAXED) {
    LEAVE(CUDA_ERROR_INVALID_VALUE);
  }
  int before = own;
  own = *mode;
  *mode = before;
  LEAVE(CUDA_SUCCESS);
}
