/*
 * The native methods that DiSNI 2.1 declares in com.ibm.disni.verbs.impl.NativeDispatcher, over libibverbs and librdmacm.
 *
 * An object of DiSNI's is the address of the C object. A method that declares IOException throws it, with the name of the
 * call and errno; one that does not answers 0, or -errno. man pages: rdma_cm(7), ibv_post_send(3), ibv_poll_cq(3).
 */
#include <errno.h>
#include <infiniband/verbs.h>
#include <jni.h>
#include <netinet/in.h>
#include <poll.h>
#include <rdma/rdma_cma.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* DiSNI refuses a library that answers another one. */
#define DISNI_VERSION 32

/* What DiSNI writes and reads at fixed places; the sizes, and where the union of ibv_send_wr begins, it asks for. */
_Static_assert(offsetof(struct ibv_send_wr, wr_id) == 0, "wr_id");
_Static_assert(offsetof(struct ibv_send_wr, next) == 8, "next");
_Static_assert(offsetof(struct ibv_send_wr, sg_list) == 16, "sg_list");
_Static_assert(offsetof(struct ibv_send_wr, num_sge) == 24, "num_sge");
_Static_assert(offsetof(struct ibv_send_wr, opcode) == 28, "opcode");
_Static_assert(offsetof(struct ibv_send_wr, send_flags) == 32, "send_flags");
_Static_assert(offsetof(struct ibv_send_wr, imm_data) == 36, "imm_data");
_Static_assert(offsetof(struct ibv_send_wr, wr.rdma.rkey) == offsetof(struct ibv_send_wr, wr.rdma.remote_addr) + 8, "rkey");
_Static_assert(offsetof(struct ibv_recv_wr, wr_id) == 0, "wr_id");
_Static_assert(offsetof(struct ibv_recv_wr, next) == 8, "next");
_Static_assert(offsetof(struct ibv_recv_wr, sg_list) == 16, "sg_list");
_Static_assert(offsetof(struct ibv_recv_wr, num_sge) == 24, "num_sge");
_Static_assert(offsetof(struct ibv_sge, addr) == 0, "addr");
_Static_assert(offsetof(struct ibv_sge, length) == 8, "length");
_Static_assert(offsetof(struct ibv_sge, lkey) == 12, "lkey");
_Static_assert(offsetof(struct ibv_wc, wr_id) == 0, "wr_id");
_Static_assert(offsetof(struct ibv_wc, status) == 8, "status");
_Static_assert(offsetof(struct ibv_wc, opcode) == 12, "opcode");
_Static_assert(offsetof(struct ibv_wc, vendor_err) == 16, "vendor_err");
_Static_assert(offsetof(struct ibv_wc, byte_len) == 20, "byte_len");
_Static_assert(offsetof(struct ibv_wc, imm_data) == 24, "imm_data");
_Static_assert(offsetof(struct ibv_wc, qp_num) == 28, "qp_num");
_Static_assert(offsetof(struct ibv_wc, src_qp) == 32, "src_qp");
_Static_assert(offsetof(struct ibv_wc, wc_flags) == 36, "wc_flags");
_Static_assert(offsetof(struct ibv_wc, pkey_index) == 40, "pkey_index");

#define DISNI(result, name) JNIEXPORT result JNICALL Java_com_ibm_disni_verbs_impl_NativeDispatcher__1##name

static void *object(jlong address) { return (void *)(intptr_t)address; }

static jlong address(const void *object) { return (jlong)(intptr_t)object; }

static void throw_io(JNIEnv *env, const char *call, int error) {
  char text[160];
  jclass class;
  snprintf(text, sizeof text, "%s: %s (errno %d)", call, strerror(error), error);
  class = (*env)->FindClass(env, "java/io/IOException");
  if (class != NULL) { /* otherwise an error is pending already */
    (*env)->ThrowNew(env, class, text);
  }
}

/* For calls that answer -1 and set errno. */
static void require(JNIEnv *env, int result, const char *call) {
  if (result != 0) {
    throw_io(env, call, errno);
  }
}

/* For calls that answer the error itself. */
static void require_zero(JNIEnv *env, int error, const char *call) {
  if (error != 0) {
    throw_io(env, call, error < 0 ? -error : error);
  }
}

static jlong require_object(JNIEnv *env, const void *created, const char *call) {
  if (created == NULL) {
    throw_io(env, call, errno);
  }
  return address(created);
}

static jint error_of(int result) { return result == 0 ? 0 : -errno; }

/* 1: readable; 0: the time has passed, which -1 leaves without a limit; otherwise -errno. */
static int await_readable(int descriptor, int timeout_ms) {
  struct pollfd wanted = {.fd = descriptor, .events = POLLIN};
  int ready = poll(&wanted, 1, timeout_ms);
  return ready < 0 ? -errno : ready;
}

DISNI(jint, getVersion)(JNIEnv *env, jobject self) { return DISNI_VERSION; }

DISNI(jint, getSockAddrInSize)(JNIEnv *env, jobject self) { return sizeof(struct sockaddr_in); }

DISNI(jint, getIbvRecvWRSize)(JNIEnv *env, jobject self) { return sizeof(struct ibv_recv_wr); }

DISNI(jint, getIbvSendWRSize)(JNIEnv *env, jobject self) { return sizeof(struct ibv_send_wr); }

DISNI(jint, getIbvSgeSize)(JNIEnv *env, jobject self) { return sizeof(struct ibv_sge); }

DISNI(jint, getIbvWCSize)(JNIEnv *env, jobject self) { return sizeof(struct ibv_wc); }

DISNI(jint, getRemoteAddressOffset)(JNIEnv *env, jobject self) { return offsetof(struct ibv_send_wr, wr.rdma.remote_addr); }

DISNI(jint, getRKeyOffset)(JNIEnv *env, jobject self) { return offsetof(struct ibv_send_wr, wr.rdma.rkey); }

/* ---- connection management */

DISNI(jlong, createEventChannel)(JNIEnv *env, jobject self) {
  return require_object(env, rdma_create_event_channel(), "rdma_create_event_channel");
}

DISNI(jint, destroyEventChannel)(JNIEnv *env, jobject self, jlong channel) {
  rdma_destroy_event_channel(object(channel));
  return 0;
}

DISNI(jlong, createId)(JNIEnv *env, jobject self, jlong channel, jshort port_space) {
  struct rdma_cm_id *id = NULL;
  require(env, rdma_create_id(object(channel), &id, NULL, port_space), "rdma_create_id");
  return address(id);
}

DISNI(jint, destroyCmId)(JNIEnv *env, jobject self, jlong id) { return error_of(rdma_destroy_id(object(id))); }

DISNI(jint, destroyEp)(JNIEnv *env, jobject self, jlong id) {
  rdma_destroy_ep(object(id));
  return 0;
}

DISNI(void, bindAddr)(JNIEnv *env, jobject self, jlong id, jlong local) {
  require(env, rdma_bind_addr(object(id), object(local)), "rdma_bind_addr");
}

DISNI(void, listen)(JNIEnv *env, jobject self, jlong id, jint backlog) {
  require(env, rdma_listen(object(id), backlog), "rdma_listen");
}

DISNI(void, resolveAddr)(JNIEnv *env, jobject self, jlong id, jlong local, jlong remote, jint timeout_ms) {
  require(env, rdma_resolve_addr(object(id), object(local), object(remote), timeout_ms), "rdma_resolve_addr");
}

DISNI(void, resolveRoute)(JNIEnv *env, jobject self, jlong id, jint timeout_ms) {
  require(env, rdma_resolve_route(object(id), timeout_ms), "rdma_resolve_route");
}

/* DiSNI acknowledges an event by its type alone, so it is acknowledged here. */
DISNI(jint, getCmEvent)(JNIEnv *env, jobject self, jlong channel, jlong listen_id, jlong client_id, jint timeout_ms) {
  struct rdma_event_channel *events = object(channel);
  struct rdma_cm_event *event;
  jint type;
  if (await_readable(events->fd, timeout_ms) <= 0 || rdma_get_cm_event(events, &event) != 0) {
    return -1;
  }
  type = event->event;
  *(jlong *)object(listen_id) = address(event->listen_id);
  *(jlong *)object(client_id) = address(event->id);
  return rdma_ack_cm_event(event) == 0 ? type : -1;
}

DISNI(jint, ackCmEvent)(JNIEnv *env, jobject self, jint type) { return 0; }

DISNI(void, connect)(JNIEnv *env, jobject self, jlong id, jint retry_count, jint rnr_retry_count, jlong data, jbyte bytes) {
  struct rdma_conn_param how = {
      .retry_count = retry_count,
      .rnr_retry_count = rnr_retry_count,
      .private_data = object(data),
      .private_data_len = bytes,
  };
  require(env, rdma_connect(object(id), &how), "rdma_connect");
}

DISNI(void, accept)(JNIEnv *env, jobject self, jlong id, jint retry_count, jint rnr_retry_count) {
  struct rdma_conn_param how = {.retry_count = retry_count, .rnr_retry_count = rnr_retry_count};
  require(env, rdma_accept(object(id), &how), "rdma_accept");
}

DISNI(jint, disconnect)(JNIEnv *env, jobject self, jlong id) { return error_of(rdma_disconnect(object(id))); }

static jint copy_address(const struct sockaddr *from, jlong to) {
  if (from->sa_family != AF_INET) {
    return -EAFNOSUPPORT;
  }
  memcpy(object(to), from, sizeof(struct sockaddr_in));
  return 0;
}

DISNI(jint, getSrcAddr)(JNIEnv *env, jobject self, jlong id, jlong to) {
  return copy_address(rdma_get_local_addr(object(id)), to);
}

DISNI(jint, getDstAddr)(JNIEnv *env, jobject self, jlong id, jlong to) {
  return copy_address(rdma_get_peer_addr(object(id)), to);
}

DISNI(jlong, getContext)(JNIEnv *env, jobject self, jlong id) {
  struct ibv_context *context = ((struct rdma_cm_id *)object(id))->verbs;
  if (context == NULL) {
    throw_io(env, "rdma_cm_id without a device", ENODEV);
  }
  return address(context);
}

/* ---- queue pairs */

/* One piece of memory for each work request: DiSNI hands over no number. */
DISNI(jlong, createQP)
(JNIEnv *env, jobject self, jlong id, jlong pd, jlong send_cq, jlong recv_cq, jint type, jint sends, jint receives,
 jint inline_bytes) {
  struct rdma_cm_id *owner = object(id);
  struct ibv_qp_init_attr how = {
      .send_cq = object(send_cq),
      .recv_cq = object(recv_cq),
      .qp_type = type,
      .cap = {
          .max_send_wr = sends,
          .max_recv_wr = receives,
          .max_send_sge = 1,
          .max_recv_sge = 1,
          .max_inline_data = inline_bytes,
      }};
  if (rdma_create_qp(owner, object(pd), &how) != 0) {
    throw_io(env, "rdma_create_qp", errno);
    return 0;
  }
  return address(owner->qp);
}

DISNI(jint, destroyQP)(JNIEnv *env, jobject self, jlong id) {
  rdma_destroy_qp(object(id));
  return 0;
}

DISNI(jint, getQpNum)(JNIEnv *env, jobject self, jlong qp) { return ((struct ibv_qp *)object(qp))->qp_num; }

/* DiSNI 2.1 hands over no attributes, so there is nothing that this could do. */
DISNI(jint, modifyQP)(JNIEnv *env, jobject self, jlong qp, jlong attributes) {
  throw_io(env, "modifyQP of DiSNI 2.1 carries no attributes", ENOTSUP);
  return -ENOTSUP;
}

DISNI(void, postSend)(JNIEnv *env, jobject self, jlong qp, jlong requests) {
  struct ibv_send_wr *bad;
  require_zero(env, ibv_post_send(object(qp), object(requests), &bad), "ibv_post_send");
}

DISNI(void, postRecv)(JNIEnv *env, jobject self, jlong qp, jlong requests) {
  struct ibv_recv_wr *bad;
  require_zero(env, ibv_post_recv(object(qp), object(requests), &bad), "ibv_post_recv");
}

/* ---- completion queues */

DISNI(jlong, createCompChannel)(JNIEnv *env, jobject self, jlong context) {
  return require_object(env, ibv_create_comp_channel(object(context)), "ibv_create_comp_channel");
}

DISNI(jint, destroyCompChannel)(JNIEnv *env, jobject self, jlong channel) {
  int error = ibv_destroy_comp_channel(object(channel));
  return error < 0 ? -errno : -error;
}

DISNI(jlong, createCQ)(JNIEnv *env, jobject self, jlong context, jlong channel, jint entries, jint vector) {
  return require_object(env, ibv_create_cq(object(context), entries, NULL, object(channel), vector), "ibv_create_cq");
}

DISNI(jint, destroyCQ)(JNIEnv *env, jobject self, jlong cq) { return -ibv_destroy_cq(object(cq)); }

DISNI(jint, pollCQ)(JNIEnv *env, jobject self, jlong cq, jint most, jlong completions) {
  return ibv_poll_cq(object(cq), most, object(completions));
}

DISNI(jint, reqNotifyCQ)(JNIEnv *env, jobject self, jlong cq, jint solicited) {
  return -ibv_req_notify_cq(object(cq), solicited);
}

DISNI(jint, getCqEvent)(JNIEnv *env, jobject self, jlong channel, jint timeout_ms) {
  struct ibv_comp_channel *events = object(channel);
  struct ibv_cq *cq;
  void *context;
  int ready = await_readable(events->fd, timeout_ms);
  if (ready < 0) {
    throw_io(env, "poll", -ready);
  }
  if (ready <= 0) {
    return -1;
  }
  if (ibv_get_cq_event(events, &cq, &context) != 0) {
    throw_io(env, "ibv_get_cq_event", errno);
    return -1;
  }
  return 0;
}

DISNI(jint, ackCqEvent)(JNIEnv *env, jobject self, jlong cq, jint events) {
  ibv_ack_cq_events(object(cq), events);
  return 0;
}

/* ---- memory */

DISNI(jlong, allocPd)(JNIEnv *env, jobject self, jlong context) {
  return require_object(env, ibv_alloc_pd(object(context)), "ibv_alloc_pd");
}

DISNI(jint, deallocPd)(JNIEnv *env, jobject self, jlong pd) { return -ibv_dealloc_pd(object(pd)); }

DISNI(jint, getPdHandle)(JNIEnv *env, jobject self, jlong pd) { return ((struct ibv_pd *)object(pd))->handle; }

DISNI(jlong, regMr)
(JNIEnv *env, jobject self, jlong pd, jlong start, jint length, jint access, jlong lkey, jlong rkey, jlong handle) {
  struct ibv_mr *mr = ibv_reg_mr(object(pd), object(start), (uint32_t)length, access);
  if (mr == NULL) {
    throw_io(env, "ibv_reg_mr", errno);
    return 0;
  }
  *(uint32_t *)object(lkey) = mr->lkey;
  *(uint32_t *)object(rkey) = mr->rkey;
  *(uint32_t *)object(handle) = mr->handle;
  return address(mr);
}

DISNI(void, deregMr)(JNIEnv *env, jobject self, jlong mr) { require_zero(env, ibv_dereg_mr(object(mr)), "ibv_dereg_mr"); }

DISNI(jint, queryOdpSupport)(JNIEnv *env, jobject self, jlong context) {
  struct ibv_device_attr_ex device;
  int error = ibv_query_device_ex(object(context), NULL, &device);
  if (error != 0) {
    return error < 0 ? error : -error;
  }
  return device.odp_caps.general_caps & IBV_ODP_SUPPORT ? (jint)device.odp_caps.per_transport_caps.rc_odp_caps : -ENOTSUP;
}

DISNI(jint, expPrefetchMr)(JNIEnv *env, jobject self, jlong mr, jlong start, jint length) {
  struct ibv_mr *region = object(mr);
  struct ibv_sge range = {.addr = start, .length = length, .lkey = region->lkey};
  require_zero(
      env,
      ibv_advise_mr(region->pd, IBV_ADVISE_MR_ADVICE_PREFETCH_WRITE, IBV_ADVISE_MR_FLAG_FLUSH, &range, 1),
      "ibv_advise_mr");
  return 0;
}

/* ---- devices */

DISNI(jint, getContextFd)(JNIEnv *env, jobject self, jlong context) { return ((struct ibv_context *)object(context))->cmd_fd; }

DISNI(jlong, getContextNumCompVectors)(JNIEnv *env, jobject self, jlong context) {
  return ((struct ibv_context *)object(context))->num_comp_vectors;
}
