/* What every entry point begins and ends with: the lock, counting, injected faults, the current context's state. */
#include "checks.h"
#include "faults.h"
#include "sim.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_FUNCTIONS 1024

pthread_mutex_t sim_lock = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t sim_progress = PTHREAD_COND_INITIALIZER;
bool sim_initialised;

struct function {
  char name[64];
  uint64_t calls;
};

static struct function functions[MAX_FUNCTIONS];
static int function_count;
static uint64_t all_calls;

/* The call that this thread is in. */
static __thread struct {
  const char *function;
  char text[384];
  char violations[4096];
} current;

uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000ull + now.tv_nsec;
}

/* Without the suffix of a later version, which callers do not see. */
void function_base_name(const char *name, char base[64]) {
  snprintf(base, 64, "%s", name);
  char *suffix = strrchr(base, '_');
  if (suffix != NULL && suffix[1] == 'v' && suffix[2] >= '2' && suffix[2] <= '9' && suffix[3] == '\0') {
    *suffix = '\0';
  }
}

static struct function *find_function(const char *base) {
  for (int i = 0; i < function_count; i++) {
    if (strcmp(functions[i].name, base) == 0) {
      return &functions[i];
    }
  }
  if (function_count == MAX_FUNCTIONS) {
    abort(); /* the driver API has far fewer */
  }
  struct function *added = &functions[function_count++];
  snprintf(added->name, sizeof added->name, "%s", base);
  return added;
}

struct function *sim_function(const char *name) {
  char base[64];
  function_base_name(name, base);
  pthread_mutex_lock(&sim_lock);
  struct function *found = find_function(base);
  pthread_mutex_unlock(&sim_lock);
  return found;
}

const char *sim_current_call(void) {
  return current.function == NULL ? "" : current.text;
}

const char *sim_current_function(void) {
  return current.function == NULL ? "" : current.function;
}

static CUresult state_error(enum needs needs) {
  if (needs == NEEDS_NOTHING) {
    return CUDA_SUCCESS;
  }
  if (!sim_initialised) {
    return CUDA_ERROR_NOT_INITIALIZED;
  }
  if (needs == NEEDS_INIT) {
    return CUDA_SUCCESS;
  }
  struct context *context = context_current();
  if (context == NULL) {
    return CUDA_ERROR_INVALID_CONTEXT;
  }
  if (!context->object.alive || !context->active) {
    sim_violation("the current context has been destroyed");
    return CUDA_ERROR_CONTEXT_IS_DESTROYED;
  }
  return needs == NEEDS_CONTEXT_EVEN_LOST ? CUDA_SUCCESS : context->error;
}

CUresult sim_enter(struct function *function, enum needs needs, const char *format, ...) {
  int length = snprintf(current.text, sizeof current.text, "%s", function->name);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(current.text + length, sizeof current.text - length, format, arguments);
  va_end(arguments);
  pthread_mutex_lock(&sim_lock);
  current.function = function->name;
  current.violations[0] = '\0';
  function->calls++;
  all_calls++;
  fault_may_lose_device(all_calls);
  CUresult injected = fault_injected(function->name);
  if (injected != CUDA_SUCCESS) {
    struct context *context = context_current();
    if (context != NULL && error_is_sticky(injected)) {
      context_fail(context, injected);
    }
    return injected;
  }
  return state_error(needs);
}

CUresult sim_leave(CUresult result) {
  char violations[sizeof current.violations];
  char call[sizeof current.text];
  bool has_violations = current.violations[0] != '\0';
  if (has_violations) {
    strcpy(violations, current.violations);
    strcpy(call, current.text);
  }
  pthread_mutex_unlock(&sim_lock);
  if (config.trace) {
    fprintf(stderr, "simulated CUDA driver: %s = %d\n", current.text, result);
  }
  if (has_violations) {
    char stack[4096] = "";
    bridge_stack(stack, sizeof stack);
    report_violation(call, violations, stack);
  }
  current.function = NULL;
  return result;
}

void sim_violation(const char *format, ...) {
  char text[1024];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (current.function == NULL) {
    report_violation("", text, "");
    return;
  }
  size_t used = strlen(current.violations);
  snprintf(current.violations + used, sizeof current.violations - used, "%s%s", used == 0 ? "" : "; ", text);
}

/* What the library exports and does not simulate; the stubs are generated from the list of symbols. */
CUresult sim_unsimulated(const char *name) {
  struct function *function = sim_function(name);
  CUresult entered = sim_enter(function, NEEDS_NOTHING, "(...)");
  if (entered == CUDA_SUCCESS) {
    fprintf(stderr, "simulated CUDA driver: %s is not simulated: CUDA_ERROR_NOT_SUPPORTED\n", name);
    entered = CUDA_ERROR_NOT_SUPPORTED;
  }
  return sim_leave(entered);
}

EXPORT uint64_t farwarp_sim_calls(const char *name) {
  char base[64];
  function_base_name(name, base);
  pthread_mutex_lock(&sim_lock);
  uint64_t calls = name[0] == '\0' ? all_calls : find_function(base)->calls;
  pthread_mutex_unlock(&sim_lock);
  return calls;
}

/* For each function that was called "NAME COUNT\n", in the order of their first calls; answers the bytes written. */
EXPORT uint64_t farwarp_sim_all_calls(char *text, uint64_t bytes) {
  uint64_t used = 0;
  pthread_mutex_lock(&sim_lock);
  for (int i = 0; i < function_count; i++) {
    int length = functions[i].calls == 0
                     ? 0
                     : snprintf(text + used, bytes - used, "%s %llu\n", functions[i].name, (unsigned long long)functions[i].calls);
    if (length < 0 || (uint64_t)length >= bytes - used) {
      break;
    }
    used += length;
  }
  pthread_mutex_unlock(&sim_lock);
  return used;
}
