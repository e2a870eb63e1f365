/* Which devices a process sees, by the configuration and CUDA_VISIBLE_DEVICES; the management library sees them all. */
#ifndef VISIBLE_H
#define VISIBLE_H

#include "config.h"

#include <stddef.h>

/* A whole device, or one MIG instance of it. */
struct place {
  int device;
  int instance; /* -1: the whole device */
};

/* "GPU-…" or "MIG-…" of a place; instance -1 is the device itself. */
void place_uuid_text(struct place place, char text[48]);
void place_uuid(struct place place, unsigned char bytes[16]);
void place_bus_id(int device, char *text, size_t bytes);
/* How many places the process sees, of at most so many. As CUDA does, no more than one where MIG is on. */
int places_visible(struct place *places, int limit);

#endif
