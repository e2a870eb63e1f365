/*
 * The raw shared-memory ping-pong in C: two processes, one 64-byte line in each direction, sequence last, spinning.
 * Prints the median round trip in nanoseconds. Usage: pingpong ROUND_TRIPS
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

struct line {
  uint64_t payload[7];
  _Atomic uint64_t sequence;
} __attribute__((aligned(256)));

static void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static void post(struct line *line, uint64_t sequence) {
  for (int i = 0; i < 7; i++) line->payload[i] = sequence;
  atomic_store_explicit(&line->sequence, sequence, memory_order_release);
}

static void await(struct line *line, uint64_t sequence) {
  while (atomic_load_explicit(&line->sequence, memory_order_acquire) != sequence) relax();
}

static int ascending(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  long count = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
  if (count < 1 || count > 100000000) {
    fprintf(stderr, "usage: pingpong ROUND_TRIPS (1 to 100000000)\n");
    return 2;
  }
  struct line *lines =
      mmap(NULL, 2 * sizeof(struct line), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  uint32_t *times = malloc((size_t)count * sizeof(uint32_t));
  if (lines == MAP_FAILED || times == NULL) {
    fprintf(stderr, "pingpong: no memory: %s\n", strerror(errno));
    return 1;
  }
  pid_t child = fork();
  if (child < 0) {
    fprintf(stderr, "pingpong: fork: %s\n", strerror(errno));
    return 1;
  }
  if (child == 0) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) _exit(1);
    for (long i = 1; i <= count; i++) {
      await(&lines[0], (uint64_t)i);
      post(&lines[1], (uint64_t)i);
    }
    _exit(0);
  }
  for (long i = 1; i <= count; i++) {
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    post(&lines[0], (uint64_t)i);
    await(&lines[1], (uint64_t)i);
    clock_gettime(CLOCK_MONOTONIC, &to);
    times[i - 1] = (uint32_t)((to.tv_sec - from.tv_sec) * 1000000000L + (to.tv_nsec - from.tv_nsec));
  }
  int status;
  if (waitpid(child, &status, 0) != child || status != 0) {
    fprintf(stderr, "pingpong: the echoing process failed\n");
    return 1;
  }
  qsort(times, (size_t)count, sizeof(uint32_t), ascending);
  printf("%u\n", times[count / 2]);
  return 0;
}
