/* All ranges that the driver knows, by address, and a memory of those that are gone. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEPT 1024

uint64_t allocations_generation = 1;

static struct allocation **table; /* by address; no two overlap */
static size_t count, room;
static uint64_t next_id = 1;

static struct {
  uint64_t address;
  size_t bytes;
  char call[128];
} gone[KEPT];
static size_t next_gone;

/* The first allocation that ends after the address. */
static size_t first_after(uint64_t address) {
  size_t low = 0;
  size_t high = count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (table[middle]->address + table[middle]->bytes > address) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

struct allocation *allocation_at(uint64_t address, size_t bytes) {
  size_t index = first_after(address);
  if (index == count || address < table[index]->address || bytes > table[index]->address + table[index]->bytes - address) {
    return NULL;
  }
  return table[index];
}

struct allocation *allocation_touching(uint64_t address, size_t bytes) {
  size_t index = first_after(address);
  return index < count && table[index]->address < address + bytes ? table[index] : NULL;
}

size_t allocation_count(void) {
  return count;
}

struct allocation *allocation_number(size_t index) {
  return table[index];
}

struct allocation *allocation_add(enum memory memory, uint64_t address, size_t bytes, struct context *context) {
  struct allocation *added = calloc(1, sizeof *added);
  if (count == room) {
    room = room == 0 ? 64 : room * 2;
    table = realloc(table, room * sizeof *table);
  }
  if (added == NULL || table == NULL) {
    abort();
  }
  added->memory = memory;
  added->address = address;
  added->bytes = bytes;
  added->context = context;
  added->id = next_id++;
  size_t index = first_after(address);
  memmove(&table[index + 1], &table[index], (count - index) * sizeof *table);
  table[index] = added;
  count++;
  allocations_generation++;
  return added;
}

void allocation_remove(struct allocation *allocation) {
  size_t index = first_after(allocation->address);
  memmove(&table[index], &table[index + 1], (count - index - 1) * sizeof *table);
  count--;
  allocations_generation++;
  gone[next_gone].address = allocation->address;
  gone[next_gone].bytes = allocation->bytes;
  snprintf(gone[next_gone].call, sizeof gone[next_gone].call, "%s", sim_current_call());
  next_gone = (next_gone + 1) % KEPT;
  free(allocation);
}

const char *allocation_history(uint64_t address) {
  static char text[256];
  for (size_t i = 1; i <= KEPT; i++) { /* the latest first */
    size_t at = (next_gone + KEPT - i) % KEPT;
    if (gone[at].bytes > 0 && address - gone[at].address < gone[at].bytes) {
      snprintf(text, sizeof text, "it lay in %zu bytes at 0x%llx that %s has freed", gone[at].bytes, (unsigned long long)gone[at].address,
               gone[at].call[0] == '\0' ? "a stream" : gone[at].call);
      return text;
    }
  }
  struct allocation *near = allocation_touching(address, 1);
  if (near != NULL) {
    snprintf(text, sizeof text, "the %zu bytes at 0x%llx end before the range does", near->bytes, (unsigned long long)near->address);
    return text;
  }
  return arena_holds(address) ? "no allocation is there" : "the driver does not know it";
}

void allocations_forget(void) {
  memset(gone, 0, sizeof gone);
}
