#ifndef FARWARP_VERBS_H
#define FARWARP_VERBS_H

#include <stddef.h>
#include <stdint.h>

struct ibv_comp_channel;
struct ibv_context;
struct ibv_qp;
struct rdma_cm_id;
struct rdma_event_channel;

/* What farwarp_cm_event answers. */
enum { FARWARP_EVENT = 0, FARWARP_TIMED_OUT = 1, FARWARP_CANCELLED = 2 };

/* NativeVerbs.java reads these two structures by the offsets that are asserted here. */
struct farwarp_cm_event {
  struct rdma_cm_id *id;
  struct ibv_context *context;
  int32_t type;
  int32_t status;
  uint32_t peer_ipv4; /* 0: it is another kind of address */
  uint32_t reserved;
};

struct farwarp_device_limits {
  uint32_t max_message_bytes;
  int32_t max_work_requests;
  int32_t max_completions;
  char device[64];
};

_Static_assert(offsetof(struct farwarp_cm_event, context) == 8, "context");
_Static_assert(offsetof(struct farwarp_cm_event, type) == 16, "type");
_Static_assert(offsetof(struct farwarp_cm_event, status) == 20, "status");
_Static_assert(offsetof(struct farwarp_cm_event, peer_ipv4) == 24, "peer_ipv4");
_Static_assert(offsetof(struct farwarp_device_limits, max_work_requests) == 4, "max_work_requests");
_Static_assert(offsetof(struct farwarp_device_limits, max_completions) == 8, "max_completions");
_Static_assert(offsetof(struct farwarp_device_limits, device) == 12, "device");

/* The names of this host's RDMA devices, with blanks between them; answers how many there are. */
int farwarp_device_names(char *names, size_t bytes);

/* The limits of the device and port that an id is bound to. */
int farwarp_device_limits(struct rdma_cm_id *id, struct farwarp_device_limits *limits);

/* How many bytes a work request of this queue pair may carry inline. */
int farwarp_inline_bytes(struct ibv_qp *qp);

/* Waits for the next event, acknowledges it and hands over a copy. `cancel` is a descriptor whose readiness ends the wait. */
int farwarp_cm_event(struct rdma_event_channel *channel, int cancel, int timeout_ms, struct farwarp_cm_event *out);

/* Makes an id report to another channel. */
int farwarp_migrate(struct rdma_cm_id *id, struct rdma_event_channel *channel);

/* Turns a connection request down. */
int farwarp_reject(struct rdma_cm_id *id);

/*
 * Waits for a completion event, which it acknowledges, or for the eventfd `wake`, which it resets, or for the time to pass;
 * may return early. Answers bits: 1 a completion event came, 2 somebody woke it.
 */
int farwarp_await_completion(struct ibv_comp_channel *channel, int wake, int timeout_ms);

#endif
