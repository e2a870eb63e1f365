/*
 * What DiSNI 2.1 lacks and Farwarp's verbs provider needs, called through Java's foreign function interface. Every function
 * answers a number of its own, 0 and up, or -errno.
 */
#include "farwarp_verbs.h"

#include <errno.h>
#include <infiniband/verbs.h>
#include <netinet/in.h>
#include <poll.h>
#include <rdma/rdma_cma.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

/* Bits: 1 the first descriptor is readable, 2 the second one is; 0 the time has passed, or a signal came. */
static int await_either(int first, int second, int timeout_ms) {
  struct pollfd wanted[] = {{.fd = first, .events = POLLIN}, {.fd = second, .events = POLLIN}};
  int ready = poll(wanted, 2, timeout_ms);
  if (ready < 0) {
    return errno == EINTR ? 0 : -errno;
  }
  return (wanted[0].revents != 0 ? 1 : 0) | (wanted[1].revents != 0 ? 2 : 0);
}

int farwarp_device_names(char *names, size_t bytes) {
  int count = 0;
  size_t used = 0;
  struct ibv_device **devices = ibv_get_device_list(&count);
  names[0] = '\0';
  if (devices == NULL) {
    return errno == ENOSYS ? 0 : -errno; /* ENOSYS: the kernel has no RDMA */
  }
  for (int i = 0; i < count; i++) {
    int added = snprintf(names + used, bytes - used, "%s%s", i == 0 ? "" : " ", ibv_get_device_name(devices[i]));
    if (added < 0 || (size_t)added >= bytes - used) {
      break; /* as many as there is room for */
    }
    used += added;
  }
  ibv_free_device_list(devices);
  return count;
}

int farwarp_device_limits(struct rdma_cm_id *id, struct farwarp_device_limits *limits) {
  struct ibv_device_attr device;
  struct ibv_port_attr port;
  int error;
  if (id->verbs == NULL) {
    return -ENODEV;
  }
  error = ibv_query_device(id->verbs, &device);
  if (error == 0) {
    error = ibv_query_port(id->verbs, id->port_num, &port);
  }
  if (error != 0) {
    return error < 0 ? error : -error;
  }
  limits->max_message_bytes = port.max_msg_sz;
  limits->max_work_requests = device.max_qp_wr;
  limits->max_completions = device.max_cqe;
  snprintf(limits->device, sizeof limits->device, "%s", ibv_get_device_name(id->verbs->device));
  return 0;
}

int farwarp_inline_bytes(struct ibv_qp *qp) {
  struct ibv_qp_attr attributes;
  struct ibv_qp_init_attr created;
  int error = ibv_query_qp(qp, &attributes, IBV_QP_CAP, &created);
  if (error != 0) {
    return error < 0 ? error : -error;
  }
  return created.cap.max_inline_data;
}

int farwarp_cm_event(struct rdma_event_channel *channel, int cancel, int timeout_ms, struct farwarp_cm_event *out) {
  struct rdma_cm_event *event;
  const struct sockaddr *peer;
  int ready = await_either(channel->fd, cancel, timeout_ms);
  if (ready < 0) {
    return ready;
  }
  if ((ready & 2) != 0) {
    return FARWARP_CANCELLED;
  }
  if (ready == 0) {
    return FARWARP_TIMED_OUT;
  }
  if (rdma_get_cm_event(channel, &event) != 0) {
    return -errno;
  }
  peer = rdma_get_peer_addr(event->id);
  out->id = event->id;
  out->context = event->id->verbs;
  out->type = event->event;
  out->status = event->status;
  out->peer_ipv4 = peer->sa_family == AF_INET ? ntohl(((const struct sockaddr_in *)peer)->sin_addr.s_addr) : 0;
  return rdma_ack_cm_event(event) != 0 ? -errno : FARWARP_EVENT;
}

int farwarp_migrate(struct rdma_cm_id *id, struct rdma_event_channel *channel) {
  return rdma_migrate_id(id, channel) != 0 ? -errno : 0;
}

int farwarp_reject(struct rdma_cm_id *id) { return rdma_reject(id, NULL, 0) != 0 ? -errno : 0; }

int farwarp_await_completion(struct ibv_comp_channel *channel, int wake, int timeout_ms) {
  struct ibv_cq *cq;
  void *context;
  eventfd_t ignored;
  int ready = await_either(channel->fd, wake, timeout_ms);
  if (ready < 0) {
    return ready;
  }
  if ((ready & 2) != 0 && eventfd_read(wake, &ignored) != 0 && errno != EAGAIN) {
    return -errno;
  }
  if ((ready & 1) != 0) {
    if (ibv_get_cq_event(channel, &cq, &context) != 0) {
      return -errno;
    }
    ibv_ack_cq_events(cq, 1);
  }
  return ready;
}
