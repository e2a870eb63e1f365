#include "faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_FAULTS 64

static struct {
  char function[64];
  uint64_t calls_left;
  CUresult error;
} faults[MAX_FAULTS];
static int fault_count;
static uint64_t launches_left, calls_before, calls_seen;
static uint64_t hangs_begun, hangs_released;
static bool lost, leaks_excused;

/* "FUNCTION:N:ERROR": the nth call from now fails. */
static bool add(const char *text) {
  char name[64];
  unsigned long long nth;
  int error;
  if (sscanf(text, "%63[^:]:%llu:%d", name, &nth, &error) != 3 || nth == 0 || fault_count == MAX_FAULTS) {
    return false;
  }
  function_base_name(name, faults[fault_count].function);
  faults[fault_count].calls_left = nth;
  faults[fault_count].error = error;
  fault_count++;
  return true;
}

__attribute__((constructor)) static void begin(void) {
  config_fault = add;
}

static bool gives_back(const char *function) {
  static const char *const words[] = {"Free", "Destroy", "Unregister", "Unload", "Release"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    if (strstr(function, words[i]) != NULL) {
      return true;
    }
  }
  return false;
}

CUresult fault_injected(const char *function) {
  CUresult error = CUDA_SUCCESS;
  if (lost && strcmp(function, "cuInit") != 0 && strncmp(function, "cuGetError", 10) != 0) {
    return CUDA_ERROR_DEVICE_UNAVAILABLE;
  }
  for (int i = 0; i < fault_count; i++) {
    if (faults[i].calls_left > 0 && strcmp(faults[i].function, function) == 0 && --faults[i].calls_left == 0) {
      error = faults[i].error;
      leaks_excused |= gives_back(function);
    }
  }
  return error;
}

void fault_may_lose_device(uint64_t calls) {
  calls_seen = calls;
  if (config.lost_call != 0 && !lost && calls - calls_before >= config.lost_call) {
    lost = true;
    for (struct context *context = object_after(NULL, CONTEXT); context != NULL; context = object_after(context, CONTEXT)) {
      context_fail(context, CUDA_ERROR_DEVICE_UNAVAILABLE);
    }
  }
}

bool device_is_lost(void) {
  return lost;
}

bool faults_excuse_leaks(void) {
  return leaks_excused || lost;
}

bool fault_hangs_launch(void) {
  if (config.hang_launch != 0) {
    launches_left = config.hang_launch;
    config.hang_launch = 0;
  }
  return launches_left > 0 && --launches_left == 0;
}

uint64_t faults_hang_begins(void) {
  return ++hangs_begun;
}

bool faults_hang_is_over(uint64_t hang) {
  return hang <= hangs_released;
}

/* Without the lock. */
void fault_slows_copy(size_t bytes) {
  if (config.copy_bytes_per_s == 0) {
    return;
  }
  uint64_t ns = (uint64_t)((double)bytes * 1e9 / (double)config.copy_bytes_per_s);
  struct timespec pause = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
  nanosleep(&pause, NULL);
}

void faults_reset(void) {
  fault_count = 0;
  launches_left = 0;
  calls_before = calls_seen;
  lost = leaks_excused = false;
  hangs_released = hangs_begun;
  pthread_cond_broadcast(&sim_progress);
}

/* Lets every launch go on that hangs. */
EXPORT void farwarp_sim_release_hangs(void) {
  pthread_mutex_lock(&sim_lock);
  hangs_released = hangs_begun;
  pthread_cond_broadcast(&sim_progress);
  pthread_mutex_unlock(&sim_lock);
}

/* How many launches have been made to hang. */
EXPORT uint64_t farwarp_sim_hangs(void) {
  pthread_mutex_lock(&sim_lock);
  uint64_t hangs = hangs_begun;
  pthread_mutex_unlock(&sim_lock);
  return hangs;
}
