/* What stands in streams, and how it is done. */
#include "faults.h"
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const char *work_name(const struct work *work) {
  return work->kind == LAUNCH_WORK ? work->launch.kernel->name : "work";
}

CUresult work_copy(struct work *to, const struct work *from) {
  *to = *from;
  if (from->kind == LAUNCH_WORK) {
    size_t bytes = from->launch.kernel->parameter_bytes + 8;
    to->launch.parameters = malloc(bytes);
    if (to->launch.parameters == NULL) {
      return CUDA_ERROR_OUT_OF_MEMORY;
    }
    memcpy(to->launch.parameters, from->launch.parameters, bytes);
  }
  return CUDA_SUCCESS;
}

void work_clear(struct work *work) {
  if (work->kind == LAUNCH_WORK) {
    free(work->launch.parameters);
    work->launch.parameters = NULL;
  }
}

static void use(struct item *item, uint64_t address, size_t bytes) {
  struct allocation *allocation = bytes == 0 ? NULL : allocation_touching(address, bytes);
  for (int i = 0; allocation != NULL && i < item->use_count; i++) {
    if (item->uses[i] == allocation) {
      return;
    }
  }
  if (allocation == NULL) {
    return;
  }
  item->uses = realloc(item->uses, (item->use_count + 1) * sizeof *item->uses);
  if (item->uses == NULL) {
    abort();
  }
  item->uses[item->use_count++] = allocation;
  allocation->uses++;
}

/* Every word of a launch's parameters that is an address of an allocation counts as a use of it. */
static void use_parameters(struct item *item) {
  const uint8_t *parameters = item->work.launch.parameters;
  for (int at = 0; at + 8 <= item->work.launch.kernel->parameter_bytes; at += 8) {
    uint64_t word;
    memcpy(&word, parameters + at, sizeof word);
    use(item, word, 1);
  }
}

void work_collect_uses(struct item *item) {
  struct work *work = &item->work;
  switch (work->kind) {
    case COPY_WORK:
      use(item, work->copy.to, copy_extent(work->copy.width, work->copy.height, work->copy.depth, work->copy.to_pitch, work->copy.to_slice));
      use(item, work->copy.from,
          copy_extent(work->copy.width, work->copy.height, work->copy.depth, work->copy.from_pitch, work->copy.from_slice));
      break;
    case SET_WORK: use(item, work->set.to, copy_extent(work->set.width * work->set.element_bytes, work->set.height, 1, work->set.pitch, 0)); break;
    case LAUNCH_WORK: use_parameters(item); break;
    case VALUE_WRITE_WORK:
    case VALUE_WAIT_WORK: use(item, work->value.address, work->value.bytes); break;
    case HOST_WORK:
    case CALLBACK_WORK:
    case RECORD_WORK:
    case WAIT_WORK:
    case EMPTY_WORK:
    case FREE_WORK: break;
  }
}

static void run_copy(const struct work *work) {
  for (size_t z = 0; z < work->copy.depth; z++) {
    for (size_t y = 0; y < work->copy.height; y++) {
      memmove((uint8_t *)work->copy.to + z * work->copy.to_slice + y * work->copy.to_pitch,
              (const uint8_t *)work->copy.from + z * work->copy.from_slice + y * work->copy.from_pitch, work->copy.width);
    }
  }
  fault_slows_copy(work->copy.width * work->copy.height * work->copy.depth);
}

static void run_set(const struct work *work) {
  size_t step = work->set.element_bytes;
  for (size_t y = 0; y < work->set.height; y++) {
    uint8_t *row = (uint8_t *)work->set.to + y * work->set.pitch;
    for (size_t x = 0; x < work->set.width; x++) {
      memcpy(row + x * step, &work->set.value, step); /* little-endian, as the GPU */
    }
  }
}

static bool value_is_there(const struct work *work) {
  uint64_t found = work->value.bytes == 4 ? *(volatile uint32_t *)work->value.address : *(volatile uint64_t *)work->value.address;
  uint64_t wanted = work->value.value;
  switch (work->value.flags & 3) {
    case 0: return work->value.bytes == 4 ? (int32_t)((uint32_t)found - (uint32_t)wanted) >= 0 : (int64_t)(found - wanted) >= 0;
    case 1: return found == wanted;
    case 2: return (found & wanted) != 0;
    default: return (~(found | wanted) & (work->value.bytes == 4 ? 0xffffffffu : ~0ull)) != 0;
  }
}

static void await_value(struct context *context, const struct work *work) {
  while (context->error == CUDA_SUCCESS && !value_is_there(work)) {
    pthread_mutex_unlock(&sim_lock);
    struct timespec pause = {.tv_nsec = 50000};
    nanosleep(&pause, NULL);
    pthread_mutex_lock(&sim_lock);
  }
}

/* A launch that does not end of itself: until the watchdog, the loss of the device or a test ends it. */
static void hang(struct context *context) {
  uint64_t number = faults_hang_begins();
  struct timespec deadline;
  clock_gettime(CLOCK_REALTIME, &deadline);
  uint64_t ms = config.watchdog_ms == 0 ? 1ull << 40 : config.watchdog_ms;
  deadline.tv_sec += ms / 1000;
  deadline.tv_nsec += ms % 1000 * 1000000;
  deadline.tv_sec += deadline.tv_nsec / 1000000000;
  deadline.tv_nsec %= 1000000000;
  int waited = 0;
  pthread_cond_broadcast(&sim_progress);
  while (context->error == CUDA_SUCCESS && !faults_hang_is_over(number) && waited == 0) {
    waited = pthread_cond_timedwait(&sim_progress, &sim_lock, &deadline);
  }
  if (waited != 0) {
    context_fail(context, CUDA_ERROR_LAUNCH_TIMEOUT);
  }
}

/* All that kernels of this context may touch; those of its own module Java knows. */
static uint64_t *reachable(struct context *context, struct module *module, uint64_t *count) {
  uint64_t *ranges = malloc((allocation_count() + 1) * 2 * sizeof *ranges);
  if (ranges == NULL) {
    abort();
  }
  *count = 0;
  for (size_t i = 0; i < allocation_count(); i++) {
    struct allocation *allocation = allocation_number(i);
    bool is_host = allocation->memory == HOST_MEMORY || allocation->memory == REGISTERED_MEMORY;
    bool is_ours = allocation->context == context || (is_host && (allocation->flags & CU_MEMHOST_PORTABLE) != 0);
    if (is_ours && (!is_host || (allocation->flags & CU_MEMHOST_DEVICEMAP) != 0) && allocation->module != module) {
      ranges[2 * *count] = allocation->address;
      ranges[2 * *count + 1] = allocation->bytes;
      ++*count;
    }
  }
  return ranges;
}

static void run_launch(struct context *context, const struct work *work) {
  if (fault_hangs_launch()) {
    hang(context);
    return;
  }
  char detail[1024] = "";
  struct launch_request request = {
      .kernel = work->launch.kernel->id,
      .shared_bytes = work->launch.shared_bytes,
      .parameters = work->launch.parameters,
      .generation = allocations_generation,
      .timeout_ms = config.watchdog_ms,
      .detail = detail,
      .detail_bytes = sizeof detail,
  };
  memcpy(request.grid, work->launch.grid, sizeof request.grid);
  memcpy(request.block, work->launch.block, sizeof request.block);
  uint64_t *ranges = reachable(context, work->launch.kernel->module, &request.range_count);
  request.ranges = ranges;
  pthread_mutex_unlock(&sim_lock);
  CUresult error = bridge_launch(&request);
  if (error != CUDA_SUCCESS) {
    fprintf(stderr, "simulated CUDA driver: a launch of %s failed with error %d: %s\n", work->launch.kernel->name, error, detail);
  }
  pthread_mutex_lock(&sim_lock);
  free(ranges);
  if (error != CUDA_SUCCESS) {
    context_fail(context, error);
  }
}

static void run_unlocked(struct context *context, const struct work *work) {
  CUresult error = context->error;
  pthread_mutex_unlock(&sim_lock);
  switch (work->kind) {
    case COPY_WORK: run_copy(work); break;
    case SET_WORK: run_set(work); break;
    case HOST_WORK: work->host.function(work->host.data); break;
    case CALLBACK_WORK: work->host.callback(work->host.stream, error, work->host.data); break;
    default: break;
  }
  pthread_mutex_lock(&sim_lock);
}

void work_run(struct stream *stream, struct item *item) {
  struct context *context = stream->object.context;
  struct work *work = &item->work;
  if (context->error != CUDA_SUCCESS && work->kind != CALLBACK_WORK && work->kind != FREE_WORK) {
    return; /* nothing is done any more for a context that is lost */
  }
  switch (work->kind) {
    case COPY_WORK:
    case SET_WORK:
    case HOST_WORK:
    case CALLBACK_WORK: run_unlocked(context, work); break;
    case LAUNCH_WORK: run_launch(context, work); break;
    case RECORD_WORK:
      if (work->event.event->stream == stream && work->event.event->sequence == item->sequence) {
        work->event.event->recorded_ns = now_ns();
      }
      break;
    case WAIT_WORK:
      while (work->event.stream->completed < work->event.sequence && context->error == CUDA_SUCCESS) {
        pthread_cond_wait(&sim_progress, &sim_lock);
      }
      break;
    case VALUE_WRITE_WORK: memcpy((void *)work->value.address, &work->value.value, work->value.bytes); break;
    case VALUE_WAIT_WORK: await_value(context, work); break;
    case FREE_WORK:
      while (work->freed->uses > 0) {
        pthread_cond_wait(&sim_progress, &sim_lock);
      }
      arena_free(work->freed);
      break;
    case EMPTY_WORK: break;
  }
}
