/* Executable graphs. One runs in an order that keeps its dependencies, without concurrency inside. */
#include "graphs.h"

#include <stdlib.h>
#include <string.h>

static bool is_among(struct node *const *nodes, size_t count, const struct node *node) {
  for (size_t i = 0; i < count; i++) {
    if (nodes[i] == node) {
      return true;
    }
  }
  return false;
}

static bool is_ready(const struct node *node, struct node *const *done, size_t count) {
  for (size_t i = 0; i < node->after_count; i++) {
    if (!is_among(done, count, node->after[i])) {
      return false;
    }
  }
  return true;
}

/* The nodes of a graph, each behind those that it depends on. */
static struct node **in_order(const struct graph *graph) {
  struct node **order = calloc(graph->count + 1, sizeof *order);
  size_t done = 0;
  if (order == NULL) {
    abort();
  }
  while (done < graph->count) {
    for (size_t i = 0; i < graph->count; i++) {
      if (!is_among(order, done, graph->nodes[i]) && is_ready(graph->nodes[i], order, done)) {
        order[done++] = graph->nodes[i];
      }
    }
  }
  return order;
}

static void clear(struct graph_exec *exec) {
  for (size_t i = 0; i < exec->count; i++) {
    work_clear(&exec->works[i]);
    free(exec->after[i]);
  }
  free(exec->works);
  free(exec->after);
  free(exec->after_counts);
  free(exec->sources);
  exec->count = 0;
}

static CUresult instantiate(struct graph_exec *exec, const struct graph *graph) {
  exec->sources = in_order(graph);
  exec->works = calloc(graph->count + 1, sizeof *exec->works);
  exec->after = calloc(graph->count + 1, sizeof *exec->after);
  exec->after_counts = calloc(graph->count + 1, sizeof *exec->after_counts);
  for (size_t i = 0; i < graph->count; i++) {
    struct node *node = exec->sources[i];
    CUresult error = work_copy(&exec->works[i], &node->work);
    if (error != CUDA_SUCCESS) {
      return error;
    }
    exec->count = i + 1;
    for (size_t j = 0; j < node->after_count; j++) {
      node_list_add(&exec->after[i], &exec->after_counts[i], node->after[j]);
    }
  }
  return CUDA_SUCCESS;
}

static CUresult instantiate_new(CUgraphExec *result, CUgraph handle) {
  struct graph *graph = object_of(handle, GRAPH);
  if (graph == NULL || result == NULL) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  struct graph_exec *exec = object_new(GRAPH_EXEC, sizeof *exec, context_current());
  *result = exec;
  return instantiate(exec, graph);
}

EXPORT CUresult cuGraphInstantiateWithFlags(CUgraphExec *result, CUgraph graph, unsigned long long flags) {
  ENTER(NEEDS_CONTEXT, "(%p, %p, %llu)", (void *)result, (void *)graph, flags);
  LEAVE(instantiate_new(result, graph));
}

EXPORT CUresult cuGraphExecDestroy(CUgraphExec handle) {
  ENTER(NEEDS_CONTEXT_EVEN_LOST, "(%p)", (void *)handle);
  struct graph_exec *exec = object_of(handle, GRAPH_EXEC);
  if (exec == NULL) {
    LEAVE(CUDA_ERROR_INVALID_VALUE);
  }
  clear(exec);
  object_end(exec);
  LEAVE(CUDA_SUCCESS);
}

/* What was right when the graph was built may be gone. */
static CUresult check(const struct work *work) {
  struct work checked;
  switch (work->kind) {
    case LAUNCH_WORK: return object_of(work->launch.kernel, KERNEL) == NULL ? CUDA_ERROR_INVALID_HANDLE : CUDA_SUCCESS;
    case COPY_WORK: return copy_check(work, true);
    case SET_WORK:
      return set_work(&checked, work->set.to, work->set.pitch, work->set.value, work->set.element_bytes, work->set.width, work->set.height);
    case RECORD_WORK: return object_of(work->event.event, EVENT) == NULL ? CUDA_ERROR_INVALID_HANDLE : CUDA_SUCCESS;
    default: return CUDA_SUCCESS;
  }
}

static CUresult launch(struct graph_exec *exec, struct stream *stream) {
  struct work begin = {.kind = EMPTY_WORK};
  for (size_t i = 0; i < exec->count; i++) {
    CUresult error = check(&exec->works[i]);
    if (error != CUDA_SUCCESS) {
      return error;
    }
  }
  if (exec->stream != NULL && exec->stream != stream) { /* it does not run beside itself */
    begin = (struct work){.kind = WAIT_WORK, .event = {.stream = exec->stream, .sequence = exec->sequence}};
  }
  CUresult error = stream_submit(stream, &begin);
  for (size_t i = 0; error == CUDA_SUCCESS && i < exec->count; i++) {
    struct work work;
    error = work_copy(&work, &exec->works[i]);
    if (error != CUDA_SUCCESS) {
      break;
    }
    stream_push(stream, &work);
    if (work.kind == RECORD_WORK) {
      work.event.event->stream = stream;
      work.event.event->sequence = stream->submitted;
      work.event.event->capture = NULL;
    }
  }
  exec->stream = stream;
  exec->sequence = stream->submitted;
  return error;
}

EXPORT CUresult cuGraphLaunch(CUgraphExec handle, CUstream stream_handle) {
  ENTER(NEEDS_CONTEXT, "(%p, %p)", (void *)handle, (void *)stream_handle);
  struct graph_exec *exec = object_of(handle, GRAPH_EXEC);
  struct stream *stream = stream_of(stream_handle);
  if (exec == NULL || stream == NULL) {
    LEAVE(exec == NULL ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_INVALID_HANDLE);
  }
  LEAVE(stream->capture != NULL ? CUDA_ERROR_NOT_SUPPORTED : launch(exec, stream));
}

EXPORT CUresult cuGraphUpload(CUgraphExec handle, CUstream stream_handle) {
  ENTER(NEEDS_CONTEXT, "(%p, %p)", (void *)handle, (void *)stream_handle);
  struct graph_exec *exec = object_of(handle, GRAPH_EXEC);
  struct stream *stream = stream_of(stream_handle);
  LEAVE(exec == NULL ? CUDA_ERROR_INVALID_VALUE : stream == NULL ? CUDA_ERROR_INVALID_HANDLE : CUDA_SUCCESS);
}

/* Where two graphs of the same order differ: the index of the node that another one depends on, compared by index. */
static bool same_dependencies(const struct graph_exec *a, const struct graph_exec *b, size_t i) {
  if (a->after_counts[i] != b->after_counts[i]) {
    return false;
  }
  for (size_t j = 0; j < a->after_counts[i]; j++) {
    size_t at_a = 0;
    size_t at_b = 0;
    while (a->sources[at_a] != a->after[i][j]) {
      at_a++;
    }
    while (b->sources[at_b] != b->after[i][j]) {
      at_b++;
    }
    if (at_a != at_b) {
      return false;
    }
  }
  return true;
}

static int compare(const struct graph_exec *exec, const struct graph_exec *other, struct node **differs) {
  if (exec->count != other->count) {
    return CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED;
  }
  for (size_t i = 0; i < exec->count; i++) {
    *differs = other->sources[i];
    if (exec->works[i].kind != other->works[i].kind) {
      return CU_GRAPH_EXEC_UPDATE_ERROR_NODE_TYPE_CHANGED;
    }
    if (!same_dependencies(exec, other, i)) {
      return CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED;
    }
  }
  *differs = NULL;
  return CU_GRAPH_EXEC_UPDATE_SUCCESS;
}

EXPORT CUresult cuGraphExecUpdate_v2(CUgraphExec handle, CUgraph graph_handle, CUgraphExecUpdateResultInfo *info) {
  ENTER(NEEDS_CONTEXT, "(%p, %p, %p)", (void *)handle, (void *)graph_handle, (void *)info);
  struct graph_exec *exec = object_of(handle, GRAPH_EXEC);
  struct graph *graph = object_of(graph_handle, GRAPH);
  if (exec == NULL || graph == NULL || info == NULL) {
    LEAVE(CUDA_ERROR_INVALID_VALUE);
  }
  struct graph_exec updated = {.count = 0};
  CUresult error = instantiate(&updated, graph);
  *info = (CUgraphExecUpdateResultInfo){0};
  info->result = error == CUDA_SUCCESS ? compare(exec, &updated, &info->errorNode) : 1;
  if (info->result != CU_GRAPH_EXEC_UPDATE_SUCCESS) {
    clear(&updated);
    LEAVE(CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE);
  }
  /* Nodes are named as when it was instantiated first. */
  for (size_t i = 0; i < exec->count; i++) {
    struct work before = exec->works[i];
    exec->works[i] = updated.works[i];
    updated.works[i] = before;
  }
  clear(&updated);
  LEAVE(CUDA_SUCCESS);
}
