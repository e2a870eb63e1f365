/*
 * The way into Java. A thread of the simulator's own makes the upcalls that a caller waits for, so that none is made in the
 * frame of a JNI call that may hold heap arrays; launches are upcalls of the streams' threads. No lock of the simulator is
 * held meanwhile.
 */
#include "bridge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct bridge_upcalls java;
static bool is_bound;

enum job_kind { LOAD_JOB, UNLOAD_JOB, STACK_JOB };

struct job {
  enum job_kind kind;
  struct module *module;
  const void *image;
  uint64_t bytes, limit_bytes, module_id;
  char *text;
  const char *thread, *function;
  CUresult result;
  bool done;
  struct job *next;
};

static pthread_mutex_t job_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t job_added = PTHREAD_COND_INITIALIZER;
static pthread_cond_t job_done = PTHREAD_COND_INITIALIZER;
static struct job *first_job, *last_job;

static void run_job(struct job *job) {
  switch (job->kind) {
    case LOAD_JOB:
      job->result = java.load(job->module, job->image, job->bytes, job->limit_bytes, config.driver, config.cc_major * 10 + config.cc_minor);
      break;
    case UNLOAD_JOB: java.unload(job->module_id); break;
    case STACK_JOB: java.stack(job->thread, job->function, job->text, job->bytes); break;
  }
}

static void *bridge_main(void *argument) {
  (void)argument;
  pthread_mutex_lock(&job_lock);
  while (true) {
    while (first_job == NULL) {
      pthread_cond_wait(&job_added, &job_lock);
    }
    struct job *job = first_job;
    first_job = job->next;
    pthread_mutex_unlock(&job_lock);
    run_job(job);
    pthread_mutex_lock(&job_lock);
    job->done = true;
    pthread_cond_broadcast(&job_done);
  }
  return NULL;
}

static void run(struct job *job) {
  pthread_mutex_lock(&job_lock);
  if (first_job == NULL) {
    first_job = job;
  } else {
    last_job->next = job;
  }
  last_job = job;
  pthread_cond_signal(&job_added);
  while (!job->done) {
    pthread_cond_wait(&job_done, &job_lock);
  }
  pthread_mutex_unlock(&job_lock);
}

/* Java's upcalls; once for a process. */
EXPORT int farwarp_sim_bind(const struct bridge_upcalls *upcalls) {
  pthread_t thread;
  if (is_bound) {
    return -1;
  }
  java = *upcalls;
  is_bound = pthread_create(&thread, NULL, bridge_main, NULL) == 0 && pthread_detach(thread) == 0;
  return is_bound ? 0 : -1;
}

CUresult bridge_launch(struct launch_request *request) {
  return is_bound ? java.launch(request) : CUDA_ERROR_NOT_SUPPORTED;
}

CUresult bridge_load(struct module *module, const void *image, size_t bytes, uint64_t limit_bytes) {
  struct job job = {.kind = LOAD_JOB, .module = module, .image = image, .bytes = bytes, .limit_bytes = limit_bytes};
  if (!is_bound) {
    return CUDA_ERROR_NOT_SUPPORTED;
  }
  run(&job);
  return job.result;
}

void bridge_unload(uint64_t module_id) {
  struct job job = {.kind = UNLOAD_JOB, .module_id = module_id};
  if (is_bound) {
    run(&job);
  }
}

void bridge_stack(char *buffer, size_t bytes) {
  char name[16] = "";
  struct job job = {.kind = STACK_JOB, .text = buffer, .bytes = bytes, .thread = name, .function = sim_current_function()};
  pthread_getname_np(pthread_self(), name, sizeof name);
  if (is_bound) {
    run(&job);
  }
}
