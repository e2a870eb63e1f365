/*
 * Memory of devices and page-locked memory of the host: pages at real addresses. Before and behind each allocation lie red
 * zones full of a pattern that is checked when it is freed; what is fresh is full of another pattern, not of zeros.
 */
#include "sim.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE 4096ull
#define RED_ZONE 0xfd
#define FRESH 0xcb

static uint64_t rounded(size_t bytes) {
  return (bytes + PAGE - 1) & ~(PAGE - 1);
}

/* Room of so many bytes between allocations, looked for from where the last one was found; 0: none. */
static uint64_t find_room(struct device *device, uint64_t bytes) {
  uint64_t begin = (uint64_t)device->arena + PAGE;
  uint64_t end = (uint64_t)device->arena + device->arena_bytes;
  for (int round = 0; round < 2; round++) {
    uint64_t at = round == 0 ? begin + device->arena_next : begin;
    while (at < end && bytes <= end - at) {
      /* a neighbour's red zones are a page before and a page behind it */
      struct allocation *next = allocation_touching(at - PAGE, bytes + 2 * PAGE);
      if (next == NULL) {
        return at;
      }
      at = rounded(next->address + next->bytes) + PAGE;
    }
  }
  return 0;
}

static void prepare(struct allocation *allocation) {
  uint8_t *data = (uint8_t *)allocation->address;
  memset(data - PAGE, RED_ZONE, PAGE);
  memset(data, FRESH, allocation->bytes);
  memset(data + allocation->bytes, RED_ZONE, rounded(allocation->bytes) - allocation->bytes + PAGE);
}

CUresult arena_allocate(struct context *context, enum memory memory, size_t bytes, struct allocation **result) {
  struct device *device = context->device;
  uint64_t needed = rounded(bytes) + 2 * PAGE;
  uint8_t *pages;
  if (memory == HOST_MEMORY) {
    pages = mmap(NULL, needed, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pages == MAP_FAILED) {
      return CUDA_ERROR_OUT_OF_MEMORY;
    }
  } else {
    if (bytes > device->memory_bytes - device->used_bytes) {
      return CUDA_ERROR_OUT_OF_MEMORY;
    }
    pages = (uint8_t *)find_room(device, needed);
    if (pages == NULL || mprotect(pages, needed, PROT_READ | PROT_WRITE) != 0) {
      return CUDA_ERROR_OUT_OF_MEMORY;
    }
    device->used_bytes += bytes;
    device->arena_next = (uint64_t)pages + needed - PAGE - (uint64_t)device->arena; /* begins at the second page */
  }
  *result = allocation_add(memory, (uint64_t)pages + PAGE, bytes, context);
  prepare(*result);
  return CUDA_SUCCESS;
}

static bool is_red(const uint8_t *from, size_t bytes) {
  for (size_t i = 0; i < bytes; i++) {
    if (from[i] != RED_ZONE) {
      return false;
    }
  }
  return true;
}

void arena_check(struct allocation *allocation) {
  const uint8_t *data = (const uint8_t *)allocation->address;
  if (!is_red(data - PAGE, PAGE)) {
    sim_violation("something wrote before the %zu bytes at %p", allocation->bytes, (const void *)data);
  }
  if (!is_red(data + allocation->bytes, rounded(allocation->bytes) - allocation->bytes + PAGE)) {
    sim_violation("something wrote behind the %zu bytes at %p", allocation->bytes, (const void *)data);
  }
}

void arena_free(struct allocation *allocation) {
  uint8_t *pages = (uint8_t *)allocation->address - PAGE;
  uint64_t bytes = rounded(allocation->bytes) + 2 * PAGE;
  arena_check(allocation);
  if (allocation->memory == HOST_MEMORY) {
    munmap(pages, bytes);
  } else {
    allocation->context->device->used_bytes -= allocation->bytes;
    madvise(pages, bytes, MADV_DONTNEED);
    mprotect(pages, bytes, PROT_NONE);
  }
  allocation_remove(allocation);
}

bool arena_holds(uint64_t address) {
  for (int i = 0; i < device_count(); i++) {
    struct device *device = device_at(i);
    if (address - (uint64_t)device->arena < device->arena_bytes) {
      return true;
    }
  }
  return false;
}

bool range_is_mapped(uint64_t address, size_t bytes) {
  unsigned char state[1024];
  uint64_t at = address & ~(PAGE - 1);
  uint64_t end = address + bytes;
  while (at < end) {
    uint64_t part = rounded(end - at);
    part = part < sizeof state * PAGE ? part : sizeof state * PAGE;
    if (end < address || mincore((void *)at, part, state) != 0) {
      return false;
    }
    at += part;
  }
  return true;
}
