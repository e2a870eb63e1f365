/* Graphs of work, built node by node or captured from streams. */
#ifndef GRAPHS_H
#define GRAPHS_H

#include "sim.h"

struct node {
  struct object object;
  struct graph *graph;
  struct work work;
  struct node **after; /* what it depends on */
  size_t after_count;
};

struct graph {
  struct object object;
  struct node **nodes; /* each behind those that it was said to depend on when it was added */
  size_t count;
};

struct graph_exec {
  struct object object;
  struct node **sources; /* the nodes that it was made from, as names */
  struct work *works;    /* in an order that keeps the dependencies */
  struct node ***after;
  size_t *after_counts;
  size_t count;
  struct stream *stream; /* where it was launched last, or NULL */
  uint64_t sequence;
};

struct capture {
  struct graph *graph;
  struct stream *origin;
  int mode;
  pthread_t thread;
  bool invalid;
  uint64_t id;
};

struct graph *graph_new(struct context *context);
void graph_destroy(struct graph *graph);
/* Adds a node; takes what the work owns. NULL where a dependency is no node of the graph. */
struct node *graph_add(struct graph *graph, struct work *work, struct node *const *after, size_t count);
bool node_list_add(struct node ***list, size_t *count, struct node *node);

#endif
