/* Handles are addresses of objects; every one is checked against the table before it is touched. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS 4096
#define KEPT 8192 /* objects that have ended and are still known, to tell of their use */

static struct object *buckets[BUCKETS];
static struct object *ended[KEPT];
static size_t next_ended;

static struct object **bucket_of(const void *handle) {
  return &buckets[((uintptr_t)handle >> 4) * 0x9E3779B1u % BUCKETS];
}

const char *kind_name(enum kind kind) {
  static const char *const names[] = {"", "context", "stream", "event", "module", "function", "graph", "graph node", "executable graph",
                                      "linker"};
  return names[kind];
}

void *object_new(enum kind kind, size_t bytes, struct context *context) {
  struct object *object = calloc(1, bytes);
  if (object == NULL) {
    abort();
  }
  object->kind = kind;
  object->alive = true;
  object->context = context;
  struct object **bucket = bucket_of(object);
  object->next = *bucket;
  *bucket = object;
  return object;
}

static struct object *find(const void *handle) {
  struct object *object = *bucket_of(handle);
  while (object != NULL && object != handle) {
    object = object->next;
  }
  return object;
}

void *object_of(void *handle, enum kind kind) {
  struct object *object = find(handle);
  if (object == NULL || object->kind != kind) {
    sim_violation("%p is no %s", handle, kind_name(kind));
    return NULL;
  }
  if (!object->alive) {
    sim_violation("the %s %p has been destroyed", kind_name(kind), handle);
    return NULL;
  }
  return object;
}

static void forget(struct object *object) {
  struct object **link = bucket_of(object);
  while (*link != object) {
    link = &(*link)->next;
  }
  *link = object->next;
  free(object);
}

void object_end(void *handle) {
  struct object *object = handle;
  object->alive = false;
  if (object->kind == STREAM || object->kind == CONTEXT) {
    return; /* threads and events may still point at it: it stays */
  }
  if (ended[next_ended] != NULL) {
    forget(ended[next_ended]);
  }
  ended[next_ended] = object;
  next_ended = (next_ended + 1) % KEPT;
}

void *object_after(void *previous, enum kind kind) {
  struct object *object = previous == NULL ? NULL : ((struct object *)previous)->next;
  size_t bucket = previous == NULL ? 0 : bucket_of(previous) - buckets + 1;
  while (true) {
    for (; object != NULL; object = object->next) {
      if (object->alive && object->kind == kind) {
        return object;
      }
    }
    if (bucket == BUCKETS) {
      return NULL;
    }
    object = buckets[bucket++];
  }
}
