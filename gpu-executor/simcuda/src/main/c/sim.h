/*
 * What the parts of the simulated driver share. One lock guards all state; it is never held while a kernel runs, bytes
 * move, a caller's function runs or Java is called. "progress" is signalled whenever a stream has done something.
 */
#ifndef SIM_H
#define SIM_H

#include "config.h"
#include "cuda_api.h"

#include <pthread.h>
#include <stdbool.h>

#define MAX_DEVICES 16
#define MAX_NAME 512

/* ---- calls (calls.c) ---- */

struct function; /* an entry point: how often it was called, and when it fails */

enum needs { NEEDS_NOTHING, NEEDS_INIT, NEEDS_CONTEXT, NEEDS_CONTEXT_EVEN_LOST };

struct function *sim_function(const char *name);
CUresult sim_enter(struct function *function, enum needs needs, const char *format, ...) __attribute__((format(printf, 3, 4)));
CUresult sim_leave(CUresult result);
const char *sim_current_call(void);
const char *sim_current_function(void);
void sim_violation(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Begins an entry point: takes the lock, counts, and answers at once what the call has to fail with. */
#define ENTER(needs, ...)                                                                                                      \
  static struct function *self;                                                                                                \
  if (self == NULL) {                                                                                                          \
    self = sim_function(__func__);                                                                                             \
  }                                                                                                                            \
  CUresult entered = sim_enter(self, needs, __VA_ARGS__);                                                                      \
  if (entered != CUDA_SUCCESS) {                                                                                               \
    return sim_leave(entered);                                                                                                 \
  }

#define LEAVE(result) return sim_leave(result)

/* ---- handles (objects.c) ---- */

enum kind { CONTEXT = 1, STREAM, EVENT, MODULE, KERNEL, GRAPH, NODE, GRAPH_EXEC, LINK };

struct object {
  enum kind kind;
  bool alive;
  struct object *next;
  struct context *context;
};

void *object_new(enum kind kind, size_t bytes, struct context *context);
/* The object, or NULL and a violation that names the call. */
void *object_of(void *handle, enum kind kind);
void object_end(void *handle);
/* Walks all living objects of a kind; start with NULL. */
void *object_after(void *previous, enum kind kind);
const char *kind_name(enum kind kind);

/* ---- devices and contexts (device.c, context.c) ---- */

struct device {
  int ordinal;
  char name[128];
  CUuuid uuid;
  uint64_t memory_bytes, used_bytes;
  uint8_t *arena; /* addresses that this device's memory has, reserved for it alone */
  size_t arena_bytes, arena_next;
  struct context *primary;
  unsigned primary_flags;
};

struct context {
  struct object object;
  struct device *device;
  unsigned flags;
  bool primary, active;
  int references;
  CUresult error; /* sticky */
  struct stream *default_stream, *thread_stream;
  uint64_t id;
  size_t limits[16];
  int cache_config, shared_config;
};

extern pthread_mutex_t sim_lock;
extern pthread_cond_t sim_progress;
extern bool sim_initialised;

int device_count(void);
struct device *device_at(CUdevice ordinal);
void devices_init(void);
void devices_reset(void);
struct context *context_current(void);
struct context *context_new(struct device *device, unsigned flags);
void context_fail(struct context *context, CUresult error);
bool error_is_sticky(CUresult error);
CUresult context_drain(struct context *context);
void contexts_forget(void);

/* ---- memory (arena.c, memory.c, host.c) ---- */

enum memory { DEVICE_MEMORY, STREAM_MEMORY, HOST_MEMORY, REGISTERED_MEMORY, MODULE_MEMORY };

struct allocation {
  uint64_t address;
  size_t bytes;
  enum memory memory;
  struct context *context;
  struct module *module;
  unsigned flags;
  int uses;     /* work in streams that has not ended and may touch it */
  bool dying;   /* being freed by its stream */
  bool sync_memops;
  uint64_t id;
};

extern uint64_t allocations_generation; /* changes with the set of allocations */

struct allocation *allocation_at(uint64_t address, size_t bytes);
struct allocation *allocation_touching(uint64_t address, size_t bytes);
size_t allocation_count(void);
struct allocation *allocation_number(size_t index);
struct allocation *allocation_add(enum memory memory, uint64_t address, size_t bytes, struct context *context);
/* Takes it out of the table and keeps its range in mind, to tell of uses after free. */
void allocation_remove(struct allocation *allocation);
/* What is known of a range that nothing lives in, for messages. */
const char *allocation_history(uint64_t address);
void allocations_forget(void);

CUresult arena_allocate(struct context *context, enum memory memory, size_t bytes, struct allocation **result);
void arena_free(struct allocation *allocation);
bool arena_holds(uint64_t address);
void arena_check(struct allocation *allocation);
bool range_is_mapped(uint64_t address, size_t bytes);
void memory_release_all(struct context *context);

/* ---- work and streams (work.c, stream.c) ---- */

enum work_kind { COPY_WORK, SET_WORK, LAUNCH_WORK, HOST_WORK, CALLBACK_WORK, RECORD_WORK, WAIT_WORK, EMPTY_WORK, VALUE_WRITE_WORK,
                 VALUE_WAIT_WORK, FREE_WORK };

struct work {
  enum work_kind kind;
  struct {
    uint64_t to, from;
    size_t width, height, depth, to_pitch, from_pitch, to_slice, from_slice;
    bool to_host, from_host;
  } copy;
  struct {
    uint64_t to;
    size_t width, height, pitch; /* in elements, rows, bytes */
    unsigned value, element_bytes;
  } set;
  struct {
    struct kernel *kernel;
    unsigned grid[3], block[3], shared_bytes;
    void *parameters; /* owned */
  } launch;
  struct {
    CUhostFn function;
    CUstreamCallback callback;
    CUstream stream;
    void *data;
  } host;
  struct {
    struct event *event;
    struct stream *stream;
    uint64_t sequence;
  } event;
  struct {
    uint64_t address, value;
    unsigned flags;
    int bytes;
  } value;
  struct allocation *freed;
};

struct item { /* work in a queue */
  struct work work;
  struct item *next;
  uint64_t sequence;
  struct allocation **uses;
  int use_count;
};

struct stream {
  struct object object;
  pthread_t thread;
  bool started, closing;
  unsigned flags;
  int priority;
  uint64_t id;
  pthread_cond_t wake;
  struct item *first, *last, *running;
  uint64_t submitted, completed;
  struct capture *capture;
  struct node **tail; /* in a capture: what the next node comes behind */
  size_t tail_count;
};

struct event {
  struct object object;
  unsigned flags;
  struct stream *stream; /* where it was recorded last, or NULL */
  uint64_t sequence;
  uint64_t recorded_ns; /* of the record that ended last */
  struct capture *capture; /* the capture that it was recorded in last */
  struct node **captured;
  size_t captured_count;
};

struct stream *stream_new(struct context *context, unsigned flags, int priority);
struct stream *stream_of(CUstream handle);
void stream_close(struct stream *stream);
bool stream_is_busy(struct stream *stream);
CUresult stream_drain(struct stream *stream);
CUresult stream_await(struct stream *stream, uint64_t sequence, struct context *context);
/* Queues work, or adds it to the graph that the stream captures; takes what the work owns. */
CUresult stream_submit(struct stream *stream, struct work *work);
/* The same without regard to default streams and captures. */
void stream_push(struct stream *stream, struct work *work);

CUresult work_copy(struct work *to, const struct work *from);
void work_clear(struct work *work);
void work_collect_uses(struct item *item);
/* With the lock held; lets go of it while the work lasts. */
void work_run(struct stream *stream, struct item *item);
const char *work_name(const struct work *work);

/* Checks what the copy touches and says what is wrong with it. */
CUresult copy_check(const struct work *work, bool is_async);
CUresult copy3d_work(struct work *work, const CUDA_MEMCPY3D *copy);
CUresult set_work(struct work *work, uint64_t to, size_t pitch, unsigned value, unsigned element_bytes, size_t width, size_t height);
uint64_t copy_extent(size_t width, size_t height, size_t depth, size_t pitch, size_t slice);
CUresult launch_work(struct work *work, CUfunction function, const unsigned grid[3], const unsigned block[3], unsigned shared_bytes,
                     void **parameters, void **extra);

/* ---- modules (module.c) ---- */

struct kernel {
  struct object object;
  struct module *module;
  char *name;
  uint64_t id; /* Java's */
  int max_threads, static_shared_bytes, max_dynamic_bytes;
  int parameter_count, parameter_bytes;
  int *sizes, *offsets;
  unsigned block[3]; /* of the oldest launch interface */
};

struct module {
  struct object object;
  uint64_t id; /* Java's */
  uint64_t memory_bytes;
  struct kernel **kernels;
  size_t kernel_count;
  struct allocation **variables;
  char **variable_names;
  size_t variable_count;
  char *log;
};

CUresult module_load(const void *image, size_t bytes, struct module **result);
void module_unload(struct module *module);

/* ---- captures and graphs (capture.c, graph.c) ---- */

CUresult capture_add(struct stream *stream, struct work *work);
CUresult capture_record(struct stream *stream, struct event *event);
CUresult capture_wait(struct stream *stream, struct event *event);
/* Whether the call is refused since the stream captures; the capture is then of no use any more. */
bool capture_forbids(struct stream *stream);
bool context_is_capturing(struct context *context);

/* ---- Java (bridge.c) ---- */

struct launch_request { /* as io.farwarp.simcuda.LaunchRequest reads it */
  uint64_t kernel;
  uint32_t grid[3], block[3];
  uint64_t shared_bytes;
  const void *parameters;
  const uint64_t *ranges; /* address and bytes of each */
  uint64_t range_count, generation, timeout_ms;
  char *detail;
  uint64_t detail_bytes;
};

CUresult bridge_launch(struct launch_request *request);
CUresult bridge_load(struct module *module, const void *image, size_t bytes, uint64_t limit_bytes);
void bridge_unload(uint64_t module_id);
void bridge_stack(char *buffer, size_t bytes);

/* ---- faults and checks (faults.c, checks.c) ---- */

bool fault_hangs_launch(void);
bool faults_hang_is_over(uint64_t hang);
uint64_t faults_hang_begins(void);
void fault_slows_copy(size_t bytes);
void report_violation(const char *call, const char *text, const char *stack);

uint64_t now_ns(void);

#endif
