#include "visible.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void place_uuid(struct place place, unsigned char bytes[16]) {
  static const unsigned char base[16] = {0xfa, 0x12, 0x3a, 0x12, 0x51, 0x4d, 0x4c, 0xda, 0x80, 0x00, 0x51, 0x4d, 0, 0, 0, 0};
  memcpy(bytes, base, 16);
  bytes[13] = (unsigned char)(place.instance + 1);
  bytes[15] = (unsigned char)place.device;
}

void place_uuid_text(struct place place, char text[48]) {
  unsigned char b[16];
  place_uuid(place, b);
  snprintf(text, 48, "%s%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", place.instance < 0 ? "GPU-" : "MIG-", b[0],
           b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

void place_bus_id(int device, char *text, size_t bytes) {
  snprintf(text, bytes, "0000:%02X:00.0", device + 1);
}

static bool find(const char *name, struct place *found) {
  char *end;
  long index = strtol(name, &end, 10);
  if (end != name && *end == '\0' && index >= 0 && index < config.devices) {
    *found = (struct place){(int)index, config.mig > 0 ? 0 : -1};
    return true;
  }
  for (int device = 0; device < config.devices; device++) {
    for (int instance = -1; instance < config.mig; instance++) {
      char text[48];
      struct place place = {device, instance};
      place_uuid_text(place, text);
      if (strncmp(text, name, strlen(name)) == 0 && strlen(name) > 4) {
        *found = place;
        found->instance = instance < 0 && config.mig > 0 ? 0 : instance;
        return true;
      }
    }
  }
  return false;
}

int places_visible(struct place *places, int limit) {
  const char *wanted = getenv("CUDA_VISIBLE_DEVICES");
  int count = 0;
  if (wanted == NULL) {
    for (; count < config.devices && count < limit; count++) {
      places[count] = (struct place){count, config.mig > 0 ? 0 : -1};
    }
  } else {
    char names[1024];
    char *rest;
    snprintf(names, sizeof names, "%s", wanted);
    /* The first name that means nothing ends the list. */
    for (char *name = strtok_r(names, ",", &rest); name != NULL && count < limit && find(name, &places[count]);
         name = strtok_r(NULL, ",", &rest)) {
      count++;
    }
  }
  return config.mig > 0 && count > 1 ? 1 : count;
}
