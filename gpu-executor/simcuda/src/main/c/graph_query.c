/* What a graph consists of. */
#include "graphs.h"

#include <stdlib.h>
#include <string.h>

/* Fills as many as there is room for, and says how many there are. */
static CUresult fill(struct node *const *nodes, size_t count, CUgraphNode *result, size_t *result_count) {
  if (result_count == NULL) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  if (result != NULL) {
    size_t room = *result_count;
    for (size_t i = 0; i < room; i++) {
      result[i] = i < count ? nodes[i] : NULL;
    }
  }
  *result_count = count;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuGraphGetNodes(CUgraph handle, CUgraphNode *nodes, size_t *count) {
  ENTER(NEEDS_CONTEXT, "(%p, %p, %p)", (void *)handle, (void *)nodes, (void *)count);
  struct graph *graph = object_of(handle, GRAPH);
  LEAVE(graph == NULL ? CUDA_ERROR_INVALID_VALUE : fill(graph->nodes, graph->count, nodes, count));
}

EXPORT CUresult cuGraphGetRootNodes(CUgraph handle, CUgraphNode *nodes, size_t *count) {
  ENTER(NEEDS_CONTEXT, "(%p, %p, %p)", (void *)handle, (void *)nodes, (void *)count);
  struct graph *graph = object_of(handle, GRAPH);
  struct node **roots = NULL;
  size_t root_count = 0;
  for (size_t i = 0; graph != NULL && i < graph->count; i++) {
    if (graph->nodes[i]->after_count == 0) {
      node_list_add(&roots, &root_count, graph->nodes[i]);
    }
  }
  CUresult error = graph == NULL ? CUDA_ERROR_INVALID_VALUE : fill(roots, root_count, nodes, count);
  free(roots);
  LEAVE(error);
}

EXPORT CUresult cuGraphNodeGetDependencies(CUgraphNode handle, CUgraphNode *nodes, size_t *count) {
  ENTER(NEEDS_CONTEXT, "(%p, %p, %p)", (void *)handle, (void *)nodes, (void *)count);
  struct node *node = object_of(handle, NODE);
  LEAVE(node == NULL ? CUDA_ERROR_INVALID_VALUE : fill(node->after, node->after_count, nodes, count));
}

EXPORT CUresult cuGraphNodeGetType(CUgraphNode handle, int *type) {
  ENTER(NEEDS_CONTEXT, "(%p, %p)", (void *)handle, (void *)type);
  struct node *node = object_of(handle, NODE);
  if (node == NULL || type == NULL) {
    LEAVE(CUDA_ERROR_INVALID_VALUE);
  }
  switch (node->work.kind) {
    case LAUNCH_WORK: *type = CU_GRAPH_NODE_TYPE_KERNEL; break;
    case COPY_WORK: *type = CU_GRAPH_NODE_TYPE_MEMCPY; break;
    case SET_WORK: *type = CU_GRAPH_NODE_TYPE_MEMSET; break;
    case HOST_WORK: *type = CU_GRAPH_NODE_TYPE_HOST; break;
    case RECORD_WORK: *type = CU_GRAPH_NODE_TYPE_EVENT_RECORD; break;
    case WAIT_WORK: *type = CU_GRAPH_NODE_TYPE_WAIT_EVENT; break;
    case VALUE_WRITE_WORK:
    case VALUE_WAIT_WORK: *type = 12; break; /* BATCH_MEM_OP */
    case EMPTY_WORK:
    case CALLBACK_WORK:
    case FREE_WORK: *type = CU_GRAPH_NODE_TYPE_EMPTY; break;
  }
  LEAVE(CUDA_SUCCESS);
}

/* Whether a node comes behind another, over any number of steps. */
static bool depends_on(const struct node *node, const struct node *other) {
  if (node == other) {
    return true;
  }
  for (size_t i = 0; i < node->after_count; i++) {
    if (depends_on(node->after[i], other)) {
      return true;
    }
  }
  return false;
}

EXPORT CUresult cuGraphAddDependencies(CUgraph handle, const CUgraphNode *from, const CUgraphNode *to, size_t count) {
  ENTER(NEEDS_CONTEXT, "(%p, %p, %p, %zu)", (void *)handle, (const void *)from, (const void *)to, count);
  struct graph *graph = object_of(handle, GRAPH);
  for (size_t i = 0; graph != NULL && i < count; i++) {
    struct node *before = object_of(from[i], NODE);
    struct node *after = object_of(to[i], NODE);
    if (before == NULL || after == NULL || before->graph != graph || after->graph != graph || depends_on(before, after)) {
      LEAVE(CUDA_ERROR_INVALID_VALUE);
    }
    node_list_add(&after->after, &after->after_count, before);
  }
  LEAVE(graph == NULL ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS);
}
