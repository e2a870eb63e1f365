/* A simulated management library (NVML): what Farwarp asks it. */
#include "config.h"
#include "visible.h"

#include <stdio.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

enum { NVML_SUCCESS = 0, NVML_ERROR_UNINITIALIZED = 1, NVML_ERROR_INVALID_ARGUMENT = 2, NVML_ERROR_NOT_SUPPORTED = 3,
       NVML_ERROR_NOT_FOUND = 6, NVML_ERROR_INSUFFICIENT_SIZE = 7 };

struct nvml_memory {
  unsigned long long total, free, used;
};

static int initialised;
static struct place handles[16][8]; /* [device][0]: the device; [device][i]: its instance i - 1 */

EXPORT int farwarp_sim_nvml_configure(const char *text) {
  config_defaults();
  return config_read(text) == NULL ? 0 : -1;
}

EXPORT int nvmlInit_v2(void) {
  for (int device = 0; device < 16; device++) {
    for (int instance = -1; instance < 7; instance++) {
      handles[device][instance + 1] = (struct place){device, instance};
    }
  }
  initialised++;
  return NVML_SUCCESS;
}

EXPORT int nvmlInitWithFlags(unsigned flags) {
  (void)flags;
  return nvmlInit_v2();
}

EXPORT int nvmlShutdown(void) {
  if (initialised == 0) {
    return NVML_ERROR_UNINITIALIZED;
  }
  initialised--;
  return NVML_SUCCESS;
}

EXPORT const char *nvmlErrorString(int error) {
  static const char *const texts[] = {"success", "not initialised", "invalid argument", "not supported", "no permission", "already initialised",
                                      "not found", "insufficient size"};
  return error >= 0 && error < 8 ? texts[error] : "unknown error";
}

static int text(char *result, unsigned bytes, const char *value) {
  if (initialised == 0) {
    return NVML_ERROR_UNINITIALIZED;
  }
  if (result == NULL) {
    return NVML_ERROR_INVALID_ARGUMENT;
  }
  return snprintf(result, bytes, "%s", value) < (int)bytes ? NVML_SUCCESS : NVML_ERROR_INSUFFICIENT_SIZE;
}

EXPORT int nvmlSystemGetDriverVersion(char *version, unsigned bytes) {
  char value[64];
  snprintf(value, sizeof value, "%d.%d (simulated CUDA driver)", config.driver / 1000, config.driver % 1000 / 10);
  return text(version, bytes, value);
}

EXPORT int nvmlSystemGetNVMLVersion(char *version, unsigned bytes) {
  return nvmlSystemGetDriverVersion(version, bytes);
}

EXPORT int nvmlSystemGetCudaDriverVersion_v2(int *version) {
  if (initialised == 0 || version == NULL) {
    return initialised == 0 ? NVML_ERROR_UNINITIALIZED : NVML_ERROR_INVALID_ARGUMENT;
  }
  *version = config.driver;
  return NVML_SUCCESS;
}

EXPORT int nvmlDeviceGetCount_v2(unsigned *count) {
  if (initialised == 0 || count == NULL) {
    return initialised == 0 ? NVML_ERROR_UNINITIALIZED : NVML_ERROR_INVALID_ARGUMENT;
  }
  *count = config.devices;
  return NVML_SUCCESS;
}

EXPORT int nvmlDeviceGetHandleByIndex_v2(unsigned index, struct place **device) {
  if (initialised == 0 || device == NULL || index >= (unsigned)config.devices) {
    return initialised == 0 ? NVML_ERROR_UNINITIALIZED : NVML_ERROR_INVALID_ARGUMENT;
  }
  *device = &handles[index][0];
  return NVML_SUCCESS;
}

EXPORT int nvmlDeviceGetHandleByUUID(const char *uuid, struct place **device) {
  for (int i = 0; initialised > 0 && uuid != NULL && device != NULL && i < config.devices; i++) {
    for (int instance = -1; instance < config.mig; instance++) {
      char own[48];
      place_uuid_text(handles[i][instance + 1], own);
      if (strcmp(own, uuid) == 0) {
        *device = &handles[i][instance + 1];
        return NVML_SUCCESS;
      }
    }
  }
  return initialised == 0 ? NVML_ERROR_UNINITIALIZED : uuid == NULL || device == NULL ? NVML_ERROR_INVALID_ARGUMENT : NVML_ERROR_NOT_FOUND;
}

EXPORT int nvmlDeviceGetHandleByPciBusId_v2(const char *bus_id, struct place **device) {
  for (int i = 0; initialised > 0 && bus_id != NULL && device != NULL && i < config.devices; i++) {
    char own[16];
    place_bus_id(i, own, sizeof own);
    if (strcmp(own, bus_id) == 0) {
      *device = &handles[i][0];
      return NVML_SUCCESS;
    }
  }
  return initialised == 0 ? NVML_ERROR_UNINITIALIZED : NVML_ERROR_NOT_FOUND;
}

static int check(const struct place *device, const void *result) {
  const struct place *first = &handles[0][0];
  if (initialised == 0) {
    return NVML_ERROR_UNINITIALIZED;
  }
  return device < first || device > &handles[15][7] || result == NULL ? NVML_ERROR_INVALID_ARGUMENT : NVML_SUCCESS;
}

EXPORT int nvmlDeviceGetName(const struct place *device, char *name, unsigned bytes) {
  int error = check(device, name);
  return error != NVML_SUCCESS ? error
                               : text(name, bytes, device->instance < 0 ? "Simulated CUDA device (simulated CUDA driver)"
                                                                        : "Simulated CUDA device (simulated CUDA driver) MIG 1g");
}

EXPORT int nvmlDeviceGetUUID(const struct place *device, char *uuid, unsigned bytes) {
  char own[48];
  int error = check(device, uuid);
  if (error != NVML_SUCCESS) {
    return error;
  }
  place_uuid_text(*device, own);
  return text(uuid, bytes, own);
}

EXPORT int nvmlDeviceGetIndex(const struct place *device, unsigned *index) {
  int error = check(device, index);
  if (error == NVML_SUCCESS) {
    *index = device->instance < 0 ? device->device : device->instance;
  }
  return error;
}

EXPORT int nvmlDeviceGetMemoryInfo(const struct place *device, struct nvml_memory *memory) {
  int error = check(device, memory);
  if (error == NVML_SUCCESS) {
    int parts = device->instance < 0 && config.mig > 0 ? config.mig : 1;
    *memory = (struct nvml_memory){config.memory_bytes * parts, config.memory_bytes * parts, 0};
  }
  return error;
}

EXPORT int nvmlDeviceGetCudaComputeCapability(const struct place *device, int *major, int *minor) {
  int error = minor == NULL ? NVML_ERROR_INVALID_ARGUMENT : check(device, major);
  if (error == NVML_SUCCESS) {
    *major = config.cc_major;
    *minor = config.cc_minor;
  }
  return error;
}

EXPORT int nvmlDeviceGetMigMode(const struct place *device, unsigned *now, unsigned *pending) {
  int error = pending == NULL ? NVML_ERROR_INVALID_ARGUMENT : check(device, now);
  if (error == NVML_SUCCESS) {
    *now = *pending = config.mig > 0;
  }
  return error;
}

EXPORT int nvmlDeviceGetMaxMigDeviceCount(const struct place *device, unsigned *count) {
  int error = check(device, count);
  if (error == NVML_SUCCESS) {
    *count = 7;
  }
  return error;
}

EXPORT int nvmlDeviceGetMigDeviceHandleByIndex(const struct place *device, unsigned index, struct place **instance) {
  int error = check(device, instance);
  if (error != NVML_SUCCESS) {
    return error;
  }
  if (device->instance >= 0 || index >= 7) {
    return NVML_ERROR_INVALID_ARGUMENT;
  }
  if (index >= (unsigned)config.mig) {
    return NVML_ERROR_NOT_FOUND;
  }
  *instance = &handles[device->device][index + 1];
  return NVML_SUCCESS;
}

EXPORT int nvmlDeviceIsMigDeviceHandle(const struct place *device, unsigned *is_mig) {
  int error = check(device, is_mig);
  if (error == NVML_SUCCESS) {
    *is_mig = device->instance >= 0;
  }
  return error;
}

EXPORT int nvmlDeviceGetDeviceHandleFromMigDeviceHandle(const struct place *instance, struct place **device) {
  int error = check(instance, device);
  if (error == NVML_SUCCESS) {
    *device = &handles[instance->device][0];
  }
  return error;
}

/* Kinds of clocks: 0 graphics, 1 SM, 2 memory, 3 video. A GPU that is simulated has none; this is what its attributes say. */
static int clock_of(const struct place *device, int kind, unsigned *mhz) {
  int error = check(device, mhz);
  if (error == NVML_SUCCESS && (kind < 0 || kind > 3)) {
    error = NVML_ERROR_INVALID_ARGUMENT;
  }
  if (error == NVML_SUCCESS) {
    *mhz = 1000;
  }
  return error;
}

EXPORT int nvmlDeviceGetClockInfo(const struct place *device, int kind, unsigned *mhz) {
  return clock_of(device, kind, mhz);
}

EXPORT int nvmlDeviceGetMaxClockInfo(const struct place *device, int kind, unsigned *mhz) {
  return clock_of(device, kind, mhz);
}

EXPORT int nvmlDeviceGetComputeMode(const struct place *device, int *mode) {
  int error = check(device, mode);
  if (error == NVML_SUCCESS) {
    *mode = config.mps ? 3 : 0; /* EXCLUSIVE_PROCESS, as a server of MPS has it; DEFAULT */
  }
  return error;
}
