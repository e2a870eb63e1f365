/*
 * The raw RDMA ping-pong in C: two processes with a reliable connected queue pair each, set up by rdma_cm over one address of this
 * host. BYTES go there and back as RDMA WRITE_WITH_IMM, inline where they are few and the device takes that, each into a posted
 * receive.
 *
 * Usage: verbs_pingpong IPV4-ADDRESS BYTES. It says "ready", and then for every line "poll WARM_UP COUNT" or "events WARM_UP COUNT" on
 * its standard input answers one line with the COUNT round trips' times in nanoseconds. "poll" spins on the completion queues;
 * "events" sleeps on their channels at both ends. Between two turns both processes sleep. It ends with its standard input.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <infiniband/verbs.h>
#include <inttypes.h>
#include <rdma/rdma_cma.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { RECEIVES = 128, RECEIVE_BATCH = 32, SENDS = 128, SIGNAL_EVERY = 64, TIMEOUT_MS = 5000, MOST = 10000000 };
enum { MOST_INLINE = 1024, MOST_BYTES = 1 << 30, ALIGNMENT = 4096 };

struct place { /* where the peer writes, as rdma_cm's private data */
  uint64_t address;
  uint32_t key;
};

struct turn { /* what the echoing process is told */
  long round_trips;
  bool by_events;
};

struct end {
  struct rdma_cm_id *id;
  struct ibv_comp_channel *channel;
  struct ibv_cq *cq;
  struct ibv_mr *mr;
  struct place peer;
  struct ibv_recv_wr receives[RECEIVE_BATCH];
  unsigned send_flags;
  unsigned sent;
  unsigned received;
  bool armed;
  char *memory; /* what is sent, and after it what arrives */
  uint32_t bytes; /* of each */
};

static _Noreturn void die(const char *what, int error) {
  fprintf(stderr, "verbs_pingpong: %s: %s\n", what, strerror(error));
  exit(1);
}

static void require_zero(int error, const char *what) { /* of verbs that return an errno */
  if (error != 0) die(what, error);
}

static void require_done(int outcome, const char *what) { /* of calls that set errno */
  if (outcome < 0) die(what, errno);
}

static void *require_object(void *object, const char *what) {
  if (object == NULL) die(what, errno);
  return object;
}

static void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/* The next event, which must be of this type; acknowledged by the caller. */
static struct rdma_cm_event *await_event(struct rdma_event_channel *events, enum rdma_cm_event_type type) {
  struct rdma_cm_event *event;
  require_done(rdma_get_cm_event(events, &event), "rdma_get_cm_event");
  if (event->event != type || event->status != 0) {
    fprintf(stderr, "verbs_pingpong: %s with status %d instead of %s\n", rdma_event_str(event->event), event->status,
            rdma_event_str(type));
    exit(1);
  }
  return event;
}

static void acknowledge(struct rdma_cm_event *event) { require_done(rdma_ack_cm_event(event), "rdma_ack_cm_event"); }

static void take_place(struct end *end, const struct rdma_cm_event *event) {
  if (event->param.conn.private_data_len < sizeof end->peer) die("private data of the connection", EPROTO);
  memcpy(&end->peer, event->param.conn.private_data, sizeof end->peer);
}

static void post_receives(struct end *end) {
  struct ibv_recv_wr *bad;
  require_zero(ibv_post_recv(end->id->qp, end->receives, &bad), "ibv_post_recv");
}

/* Queue pair, memory and receives, for an id that has a device. */
static void prepare(struct end *end) {
  struct ibv_qp_init_attr how = {
      .qp_type = IBV_QPT_RC,
      .cap = {.max_send_wr = SENDS, .max_recv_wr = RECEIVES, .max_send_sge = 1, .max_recv_sge = 1}};
  bool inlined = end->bytes <= MOST_INLINE;
  size_t size = (2ul * end->bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  end->memory = require_object(aligned_alloc(ALIGNMENT, size), "aligned_alloc");
  memset(end->memory, 0, size); /* its pages are there before they are needed */
  struct ibv_pd *pd = require_object(ibv_alloc_pd(end->id->verbs), "ibv_alloc_pd");
  end->channel = require_object(ibv_create_comp_channel(end->id->verbs), "ibv_create_comp_channel");
  end->cq = require_object(ibv_create_cq(end->id->verbs, SENDS + RECEIVES, NULL, end->channel, 0), "ibv_create_cq");
  how.send_cq = how.recv_cq = end->cq;
  how.cap.max_inline_data = inlined ? end->bytes : 0;
  end->send_flags = inlined ? IBV_SEND_INLINE : 0;
  if (rdma_create_qp(end->id, pd, &how) != 0) {
    how.cap.max_inline_data = 0;
    end->send_flags = 0;
    require_done(rdma_create_qp(end->id, pd, &how), "rdma_create_qp");
  }
  end->mr = require_object(
      ibv_reg_mr(pd, end->memory, size, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE), "ibv_reg_mr");
  for (int i = 0; i + 1 < RECEIVE_BATCH; i++) end->receives[i].next = &end->receives[i + 1];
  for (int posted = 0; posted < RECEIVES; posted += RECEIVE_BATCH) post_receives(end);
}

static struct place own_place(const struct end *end) {
  return (struct place){.address = (uintptr_t)end->memory + end->bytes, .key = end->mr->rkey};
}

static struct rdma_conn_param connection(const struct place *own) {
  return (struct rdma_conn_param){
      .private_data = own, .private_data_len = sizeof *own, .retry_count = 7, .rnr_retry_count = 7};
}

static void connect_to(struct end *end, struct sockaddr_in address, uint16_t port) {
  struct rdma_event_channel *events = require_object(rdma_create_event_channel(), "rdma_create_event_channel");
  require_done(rdma_create_id(events, &end->id, NULL, RDMA_PS_TCP), "rdma_create_id");
  address.sin_port = port;
  require_done(rdma_resolve_addr(end->id, NULL, (struct sockaddr *)&address, TIMEOUT_MS), "rdma_resolve_addr");
  acknowledge(await_event(events, RDMA_CM_EVENT_ADDR_RESOLVED));
  require_done(rdma_resolve_route(end->id, TIMEOUT_MS), "rdma_resolve_route");
  acknowledge(await_event(events, RDMA_CM_EVENT_ROUTE_RESOLVED));
  prepare(end);
  struct place own = own_place(end);
  struct rdma_conn_param how = connection(&own);
  require_done(rdma_connect(end->id, &how), "rdma_connect");
  struct rdma_cm_event *event = await_event(events, RDMA_CM_EVENT_ESTABLISHED);
  take_place(end, event);
  acknowledge(event);
}

/* Tells its port to the descriptor, in network byte order. */
static void accept_one(struct end *end, struct sockaddr_in address, int port_to) {
  struct rdma_event_channel *events = require_object(rdma_create_event_channel(), "rdma_create_event_channel");
  struct rdma_cm_id *listener;
  require_done(rdma_create_id(events, &listener, NULL, RDMA_PS_TCP), "rdma_create_id");
  require_done(rdma_bind_addr(listener, (struct sockaddr *)&address), "rdma_bind_addr");
  require_done(rdma_listen(listener, 1), "rdma_listen");
  uint16_t port = rdma_get_src_port(listener);
  if (write(port_to, &port, sizeof port) != sizeof port) die("telling the port", errno);
  struct rdma_cm_event *event = await_event(events, RDMA_CM_EVENT_CONNECT_REQUEST);
  end->id = event->id;
  take_place(end, event);
  acknowledge(event);
  prepare(end);
  struct place own = own_place(end);
  struct rdma_conn_param how = connection(&own);
  require_done(rdma_accept(end->id, &how), "rdma_accept");
  acknowledge(await_event(events, RDMA_CM_EVENT_ESTABLISHED));
}

static void send_one(struct end *end) {
  struct ibv_sge from = {.addr = (uintptr_t)end->memory, .length = end->bytes, .lkey = end->mr->lkey};
  struct ibv_send_wr request = {
      .sg_list = &from,
      .num_sge = 1,
      .opcode = IBV_WR_RDMA_WRITE_WITH_IMM,
      .imm_data = htonl(end->sent),
      .send_flags = end->send_flags | (end->sent % SIGNAL_EVERY == 0 ? IBV_SEND_SIGNALED : 0),
      .wr.rdma = {.remote_addr = end->peer.address, .rkey = end->peer.key}};
  struct ibv_send_wr *bad;
  require_zero(ibv_post_send(end->id->qp, &request, &bad), "ibv_post_send");
  end->sent++;
}

/* Whether a message was there; a completion of one of the signalled sends is passed over. */
static bool poll_one(struct end *end) {
  struct ibv_wc done;
  int count = ibv_poll_cq(end->cq, 1, &done);
  if (count < 0) die("ibv_poll_cq", errno);
  if (count == 0) return false;
  if (done.status != IBV_WC_SUCCESS) {
    fprintf(stderr, "verbs_pingpong: %s\n", ibv_wc_status_str(done.status));
    exit(1);
  }
  if (done.opcode != IBV_WC_RECV_RDMA_WITH_IMM) return poll_one(end);
  if (ntohl(done.imm_data) != end->received) die("a message out of turn", EPROTO);
  if (++end->received % RECEIVE_BATCH == 0) post_receives(end);
  return true;
}

static void sleep_for_event(struct end *end) {
  struct ibv_cq *cq;
  void *context;
  require_done(ibv_get_cq_event(end->channel, &cq, &context), "ibv_get_cq_event");
  ibv_ack_cq_events(cq, 1);
  end->armed = false;
}

/* By events: looks once more after the queue was armed, and only then sleeps, so that nothing is missed. */
static void receive_one(struct end *end, bool by_events) {
  while (!poll_one(end)) {
    if (!by_events) {
      relax();
    } else if (end->armed) {
      sleep_for_event(end);
    } else {
      require_zero(ibv_req_notify_cq(end->cq, 0), "ibv_req_notify_cq");
      end->armed = true;
    }
  }
}

static void echo_ended(int signal) {
  static const char text[] = "verbs_pingpong: the echoing process ended\n";
  (void)signal;
  _exit(write(STDERR_FILENO, text, sizeof text - 1) < 0 ? 3 : 1);
}

static _Noreturn void echo(struct sockaddr_in address, uint32_t bytes, int port_to, int turns) {
  static struct end end;
  struct turn turn;
  end.bytes = bytes;
  require_done(prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl");
  accept_one(&end, address, port_to);
  while (read(turns, &turn, sizeof turn) == sizeof turn) {
    for (long i = 0; i < turn.round_trips; i++) {
      receive_one(&end, turn.by_events);
      send_one(&end);
    }
  }
  _exit(0);
}

static int64_t now_ns(void) {
  struct timespec now;
  require_done(clock_gettime(CLOCK_MONOTONIC, &now), "clock_gettime");
  return now.tv_sec * 1000000000L + now.tv_nsec;
}

static void take_turn(struct end *end, bool by_events, long warm_up, long count) {
  int64_t *times = require_object(calloc((size_t)count, sizeof *times), "calloc");
  for (long i = -warm_up; i < count; i++) {
    int64_t from = now_ns();
    send_one(end);
    receive_one(end, by_events);
    if (i >= 0) times[i] = now_ns() - from;
  }
  for (long i = 0; i < count; i++) printf(i + 1 < count ? "%" PRId64 " " : "%" PRId64 "\n", times[i]);
  if (fflush(stdout) != 0) die("writing the times", errno);
  free(times);
}

int main(int argc, char **argv) {
  static struct end end;
  struct sockaddr_in address = {.sin_family = AF_INET};
  int port_pipe[2], turn_pipe[2];
  uint16_t port;
  char line[64], mode[8];
  long warm_up, count;
  long bytes = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
  if (bytes < 1 || bytes > MOST_BYTES || inet_pton(AF_INET, argv[1], &address.sin_addr) != 1) {
    fprintf(stderr, "usage: verbs_pingpong IPV4-ADDRESS BYTES (1 to %d)\n", MOST_BYTES);
    return 2;
  }
  end.bytes = (uint32_t)bytes;
  require_done(pipe(port_pipe), "pipe");
  require_done(pipe(turn_pipe), "pipe");
  if (signal(SIGCHLD, echo_ended) == SIG_ERR) die("signal", errno);
  pid_t child = fork();
  require_done(child, "fork");
  if (child == 0) {
    require_done(close(turn_pipe[1]), "close");
    echo(address, end.bytes, port_pipe[1], turn_pipe[0]);
  }
  require_done(close(port_pipe[1]), "close");
  if (read(port_pipe[0], &port, sizeof port) != sizeof port) die("the echoing process said no port", EPIPE);
  connect_to(&end, address, port);
  printf("ready\n");
  if (fflush(stdout) != 0) die("writing", errno);
  while (fgets(line, sizeof line, stdin) != NULL) {
    if (sscanf(line, "%7s %ld %ld", mode, &warm_up, &count) != 3 || warm_up < 0 || warm_up > MOST || count < 1 || count > MOST) {
      fprintf(stderr, "verbs_pingpong: it takes poll|events WARM_UP COUNT, not %s", line);
      return 2;
    }
    struct turn turn = {.round_trips = warm_up + count, .by_events = strcmp(mode, "events") == 0};
    if (write(turn_pipe[1], &turn, sizeof turn) != sizeof turn) die("telling the echoing process", errno);
    take_turn(&end, turn.by_events, warm_up, count);
  }
  return 0;
}
