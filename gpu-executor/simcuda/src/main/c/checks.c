#include "checks.h"
#include "faults.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t report_lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t violations;
static char texts[1 << 16];
static size_t texts_used;

static void append(const char *path, const char *text, size_t length) {
  int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0 || write(file, text, length) != (ssize_t)length) {
    fprintf(stderr, "simulated CUDA driver: %s cannot be written\n", path);
  }
  if (file >= 0) {
    close(file);
  }
}

void report_violation(const char *call, const char *text, const char *stack) {
  char line[16384];
  int length = snprintf(line, sizeof line, "simulated CUDA driver: violation (process %d): %s%s%s\n%s", getpid(), call,
                        call[0] == '\0' ? "" : ": ", text, stack);
  length = length < (int)sizeof line ? length : (int)sizeof line - 1;
  pthread_mutex_lock(&report_lock);
  violations++;
  fwrite(line, 1, length, stderr);
  if (config.report[0] != '\0') {
    append(config.report, line, length);
  }
  if (texts_used + length < sizeof texts) {
    memcpy(texts + texts_used, line, length);
    texts_used += length;
  }
  pthread_mutex_unlock(&report_lock);
}

static const char *memory_name(enum memory memory) {
  switch (memory) {
    case DEVICE_MEMORY: return "device memory";
    case STREAM_MEMORY: return "stream-ordered memory";
    case HOST_MEMORY: return "page-locked host memory";
    case REGISTERED_MEMORY: return "registered host memory";
    case MODULE_MEMORY: return "a variable of a module";
  }
  return "";
}

static int objects_left(struct context *context, enum kind kind) {
  int left = 0;
  for (struct object *object = object_after(NULL, kind); object != NULL; object = object_after(object, kind)) {
    left += object->context == context;
  }
  return left;
}

void check_leaks(struct context *context) {
  if (!config.leaks || context->error != CUDA_SUCCESS || faults_excuse_leaks()) {
    return; /* nothing can be given back to a context that is lost */
  }
  for (size_t i = 0; i < allocation_count(); i++) {
    struct allocation *left = allocation_number(i);
    if (left->context == context && left->memory != MODULE_MEMORY) {
      sim_violation("leak: context %p ends with %zu bytes of %s at 0x%llx", (void *)context, left->bytes, memory_name(left->memory),
                    (unsigned long long)left->address);
    }
  }
  static const enum kind kinds[] = {STREAM, EVENT, MODULE, LINK};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    int left = objects_left(context, kinds[i]);
    if (kinds[i] == STREAM) { /* its own */
      left -= (context->default_stream != NULL) + (context->thread_stream != NULL);
    }
    if (left > 0) {
      sim_violation("leak: context %p ends with %d handle(s) of kind %s", (void *)context, left, kind_name(kinds[i]));
    }
  }
}

/* A process that ends in good order has given everything back. */
__attribute__((destructor)) static void at_exit(void) {
  for (int tries = 0; pthread_mutex_trylock(&sim_lock) != 0; tries++) {
    if (tries == 1000) {
      return;
    }
    usleep(1000);
  }
  for (struct context *context = object_after(NULL, CONTEXT); context != NULL; context = object_after(context, CONTEXT)) {
    if (context->active && context->error == CUDA_SUCCESS && config.leaks && !faults_excuse_leaks()) {
      sim_violation("leak: the process ends with context %p", (void *)context);
      check_leaks(context);
    }
  }
  pthread_mutex_unlock(&sim_lock);
}

EXPORT uint64_t farwarp_sim_violations(void) {
  pthread_mutex_lock(&report_lock);
  uint64_t count = violations;
  pthread_mutex_unlock(&report_lock);
  return count;
}

/* The violations' text, one after the other; answers the bytes written. They are then forgotten. */
EXPORT uint64_t farwarp_sim_take_violations(char *text, uint64_t bytes) {
  pthread_mutex_lock(&report_lock);
  uint64_t taken = texts_used < bytes ? texts_used : bytes;
  memcpy(text, texts, taken);
  texts_used = 0;
  violations = 0;
  pthread_mutex_unlock(&report_lock);
  return taken;
}

/* Changes the configuration as the agent's argument does; -1 and a line on stderr if it is not understood. */
EXPORT int farwarp_sim_configure(const char *text) {
  pthread_mutex_lock(&sim_lock);
  const char *problem = config_read(text);
  if (problem != NULL) {
    fprintf(stderr, "simulated CUDA driver: %s\n", problem);
  }
  pthread_mutex_unlock(&sim_lock);
  return problem == NULL ? 0 : -1;
}

/* As a process that has not called cuInit, with the default configuration and this; contexts that are left are ended. */
EXPORT int farwarp_sim_reset(const char *text) {
  pthread_mutex_lock(&sim_lock);
  faults_reset();
  contexts_forget();
  devices_reset();
  faults_reset();
  sim_initialised = false;
  char report[CONFIG_PATH];
  strcpy(report, config.report);
  config_defaults();
  strcpy(config.report, report);
  pthread_mutex_unlock(&sim_lock);
  return farwarp_sim_configure(text);
}
