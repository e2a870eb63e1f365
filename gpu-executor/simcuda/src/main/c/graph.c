/* Graphs and their nodes. */
#include "graphs.h"

#include <stdlib.h>
#include <string.h>

struct graph *graph_new(struct context *context) {
  return object_new(GRAPH, sizeof(struct graph), context);
}

bool node_list_add(struct node ***list, size_t *count, struct node *node) {
  for (size_t i = 0; i < *count; i++) {
    if ((*list)[i] == node) {
      return false;
    }
  }
  *list = realloc(*list, (*count + 1) * sizeof **list);
  if (*list == NULL) {
    abort();
  }
  (*list)[(*count)++] = node;
  return true;
}

static struct node *node_of(struct graph *graph, struct node *handle) {
  struct node *node = object_of(handle, NODE);
  return node != NULL && (graph == NULL || node->graph == graph) ? node : NULL;
}

struct node *graph_add(struct graph *graph, struct work *work, struct node *const *after, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (node_of(graph, after[i]) == NULL) {
      work_clear(work);
      return NULL;
    }
  }
  struct node *node = object_new(NODE, sizeof *node, graph->object.context);
  node->graph = graph;
  node->work = *work;
  for (size_t i = 0; i < count; i++) {
    node_list_add(&node->after, &node->after_count, after[i]);
  }
  node_list_add(&graph->nodes, &graph->count, node);
  return node;
}

static void end_node(struct node *node) {
  work_clear(&node->work);
  free(node->after);
  node->after = NULL;
  node->after_count = 0;
  object_end(node);
}

void graph_destroy(struct graph *graph) {
  for (size_t i = 0; i < graph->count; i++) {
    end_node(graph->nodes[i]);
  }
  free(graph->nodes);
  graph->nodes = NULL;
  graph->count = 0;
  object_end(graph);
}

EXPORT CUresult cuGraphCreate(CUgraph *result, unsigned flags) {
  ENTER(NEEDS_CONTEXT, "(%p, %u)", (void *)result, flags);
  if (result == NULL || flags != 0) {
    LEAVE(CUDA_ERROR_INVALID_VALUE);
  }
  *result = graph_new(context_current());
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuGraphDestroy(CUgraph handle) {
  ENTER(NEEDS_CONTEXT_EVEN_LOST, "(%p)", (void *)handle);
  struct graph *graph = object_of(handle, GRAPH);
  if (graph == NULL) {
    LEAVE(CUDA_ERROR_INVALID_VALUE);
  }
  graph_destroy(graph);
  LEAVE(CUDA_SUCCESS);
}

static CUresult add(CUgraphNode *result, CUgraph handle, const CUgraphNode *after, size_t count, struct work *work) {
  struct graph *graph = object_of(handle, GRAPH);
  if (graph == NULL || result == NULL || (after == NULL && count > 0)) {
    work_clear(work);
    return CUDA_ERROR_INVALID_VALUE;
  }
  *result = graph_add(graph, work, after, count);
  return *result == NULL ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

static CUresult kernel_work(struct work *work, const CUDA_KERNEL_NODE_PARAMS *p) {
  if (p == NULL) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  const unsigned grid[3] = {p->gridDimX, p->gridDimY, p->gridDimZ};
  const unsigned block[3] = {p->blockDimX, p->blockDimY, p->blockDimZ};
  return launch_work(work, p->func, grid, block, p->sharedMemBytes, p->kernelParams, p->extra);
}

static CUresult copy_node_work(struct work *work, const CUDA_MEMCPY3D *parameters) {
  CUresult error = parameters == NULL ? CUDA_ERROR_INVALID_VALUE : copy3d_work(work, parameters);
  return error == CUDA_SUCCESS ? copy_check(work, true) : error;
}

static CUresult set_node_work(struct work *work, const CUDA_MEMSET_NODE_PARAMS *p) {
  if (p == NULL || (p->elementSize != 1 && p->elementSize != 2 && p->elementSize != 4)) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  return set_work(work, p->dst, p->pitch, p->value, p->elementSize, p->width, p->height);
}

static CUresult host_work(struct work *work, const CUDA_HOST_NODE_PARAMS *p) {
  if (p == NULL || p->fn == NULL) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  *work = (struct work){.kind = HOST_WORK, .host = {.function = p->fn, .data = p->userData}};
  return CUDA_SUCCESS;
}

EXPORT CUresult cuGraphAddKernelNode_v2(CUgraphNode *result, CUgraph graph, const CUgraphNode *after, size_t count,
                                        const CUDA_KERNEL_NODE_PARAMS *parameters) {
  ENTER(NEEDS_CONTEXT, "(%p, %p, %p, %zu, %p)", (void *)result, (void *)graph, (const void *)after, count, (const void *)parameters);
  struct work work;
  CUresult error = kernel_work(&work, parameters);
  LEAVE(error == CUDA_SUCCESS ? add(result, graph, after, count, &work) : error);
}

EXPORT CUresult cuGraphAddMemcpyNode(CUgraphNode *result, CUgraph graph, const CUgraphNode *after, size_t count,
                                     const CUDA_MEMCPY3D *parameters, CUcontext context) {
  ENTER(NEEDS_CONTEXT, "(%p, %p, %p, %zu, %p, %p)", (void *)result, (void *)graph, (const void *)after, count, (const void *)parameters,
        (void *)context);
  struct work work;
  CUresult error = copy_node_work(&work, parameters);
  LEAVE(error == CUDA_SUCCESS ? add(result, graph, after, count, &work) : error);
}

EXPORT CUresult cuGraphAddMemsetNode(CUgraphNode *result, CUgraph graph, const CUgraphNode *after, size_t count,
                                     const CUDA_MEMSET_NODE_PARAMS *parameters, CUcontext context) {
  ENTER(NEEDS_CONTEXT, "(%p, %p, %p, %zu, %p, %p)", (void *)result, (void *)graph, (const void *)after, count, (const void *)parameters,
        (void *)context);
  struct work work;
  CUresult error = set_node_work(&work, parameters);
  LEAVE(error == CUDA_SUCCESS ? add(result, graph, after, count, &work) : error);
}

EXPORT CUresult cuGraphAddHostNode(CUgraphNode *result, CUgraph graph, const CUgraphNode *after, size_t count,
                                   const CUDA_HOST_NODE_PARAMS *parameters) {
  ENTER(NEEDS_CONTEXT, "(%p, %p, %p, %zu, %p)", (void *)result, (void *)graph, (const void *)after, count, (const void *)parameters);
  struct work work;
  CUresult error = host_work(&work, parameters);
  LEAVE(error == CUDA_SUCCESS ? add(result, graph, after, count, &work) : error);
}

EXPORT CUresult cuGraphAddEmptyNode(CUgraphNode *result, CUgraph graph, const CUgraphNode *after, size_t count) {
  ENTER(NEEDS_CONTEXT, "(%p, %p, %p, %zu)", (void *)result, (void *)graph, (const void *)after, count);
  struct work work = {.kind = EMPTY_WORK};
  LEAVE(add(result, graph, after, count, &work));
}

EXPORT CUresult cuGraphAddEventRecordNode(CUgraphNode *result, CUgraph graph, const CUgraphNode *after, size_t count, CUevent handle) {
  ENTER(NEEDS_CONTEXT, "(%p, %p, %p, %zu, %p)", (void *)result, (void *)graph, (const void *)after, count, (void *)handle);
  struct event *event = object_of(handle, EVENT);
  struct work work = {.kind = RECORD_WORK, .event = {.event = event}};
  LEAVE(event == NULL ? CUDA_ERROR_INVALID_HANDLE : add(result, graph, after, count, &work));
}

/* Parameters of a node anew; the graphs that were instantiated before keep what they had. */
static CUresult set_node(CUgraphNode handle, struct work *work) {
  struct node *node = node_of(NULL, handle);
  if (node == NULL || node->work.kind != work->kind) {
    work_clear(work);
    return CUDA_ERROR_INVALID_VALUE;
  }
  work_clear(&node->work);
  node->work = *work;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuGraphKernelNodeSetParams_v2(CUgraphNode node, const CUDA_KERNEL_NODE_PARAMS *parameters) {
  ENTER(NEEDS_CONTEXT, "(%p, %p)", (void *)node, (const void *)parameters);
  struct work work;
  CUresult error = kernel_work(&work, parameters);
  LEAVE(error == CUDA_SUCCESS ? set_node(node, &work) : error);
}

/* The same for a node of an executable graph, named by the node that it was made from. */
static CUresult set_exec(CUgraphExec handle, CUgraphNode node, struct work *work) {
  struct graph_exec *exec = object_of(handle, GRAPH_EXEC);
  for (size_t i = 0; exec != NULL && i < exec->count; i++) {
    if (exec->sources[i] == node && exec->works[i].kind == work->kind) {
      work_clear(&exec->works[i]);
      exec->works[i] = *work;
      return CUDA_SUCCESS;
    }
  }
  work_clear(work);
  return CUDA_ERROR_INVALID_VALUE;
}

EXPORT CUresult cuGraphExecKernelNodeSetParams_v2(CUgraphExec exec, CUgraphNode node, const CUDA_KERNEL_NODE_PARAMS *parameters) {
  ENTER(NEEDS_CONTEXT, "(%p, %p, %p)", (void *)exec, (void *)node, (const void *)parameters);
  struct work work;
  CUresult error = kernel_work(&work, parameters);
  LEAVE(error == CUDA_SUCCESS ? set_exec(exec, node, &work) : error);
}

EXPORT CUresult cuGraphExecMemcpyNodeSetParams(CUgraphExec exec, CUgraphNode node, const CUDA_MEMCPY3D *parameters, CUcontext context) {
  ENTER(NEEDS_CONTEXT, "(%p, %p, %p, %p)", (void *)exec, (void *)node, (const void *)parameters, (void *)context);
  struct work work;
  CUresult error = copy_node_work(&work, parameters);
  LEAVE(error == CUDA_SUCCESS ? set_exec(exec, node, &work) : error);
}

EXPORT CUresult cuGraphExecMemsetNodeSetParams(CUgraphExec exec, CUgraphNode node, const CUDA_MEMSET_NODE_PARAMS *parameters,
                                               CUcontext context) {
  ENTER(NEEDS_CONTEXT, "(%p, %p, %p, %p)", (void *)exec, (void *)node, (const void *)parameters, (void *)context);
  struct work work;
  CUresult error = set_node_work(&work, parameters);
  LEAVE(error == CUDA_SUCCESS ? set_exec(exec, node, &work) : error);
}

EXPORT CUresult cuGraphExecHostNodeSetParams(CUgraphExec exec, CUgraphNode node, const CUDA_HOST_NODE_PARAMS *parameters) {
  ENTER(NEEDS_CONTEXT, "(%p, %p, %p)", (void *)exec, (void *)node, (const void *)parameters);
  struct work work;
  CUresult error = host_work(&work, parameters);
  LEAVE(error == CUDA_SUCCESS ? set_exec(exec, node, &work) : error);
}
