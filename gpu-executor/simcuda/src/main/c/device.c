#include "sim.h"
#include "visible.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static struct device devices[MAX_DEVICES];
static int count;

int device_count(void) {
  return count;
}

struct device *device_at(CUdevice ordinal) {
  return ordinal >= 0 && ordinal < count ? &devices[ordinal] : NULL;
}

void devices_init(void) {
  struct place places[MAX_DEVICES];
  count = places_visible(places, MAX_DEVICES);
  for (int i = 0; i < count; i++) {
    struct device *device = &devices[i];
    memset(device, 0, sizeof *device);
    device->ordinal = i;
    device->memory_bytes = config.memory_bytes;
    place_uuid(places[i], (unsigned char *)device->uuid.bytes);
    snprintf(device->name, sizeof device->name, "Simulated CUDA device (simulated CUDA driver)%s", places[i].instance < 0 ? "" : " MIG 1g");
    /* Thrice the memory, so that addresses are not used again soon. */
    device->arena_bytes = (device->memory_bytes * 3 + (64ull << 20) + 4095) & ~4095ull;
    device->arena = mmap(NULL, device->arena_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (device->arena == MAP_FAILED) {
      perror("simulated CUDA driver: no addresses for the device's memory");
      abort();
    }
  }
}

void devices_reset(void) {
  for (int i = 0; i < count; i++) {
    munmap(devices[i].arena, devices[i].arena_bytes);
  }
  count = 0;
}

EXPORT CUresult cuInit(unsigned int flags) {
  ENTER(NEEDS_NOTHING, "(%u)", flags);
  if (flags != 0) {
    LEAVE(CUDA_ERROR_INVALID_VALUE);
  }
  if (!sim_initialised) {
    devices_init();
    sim_initialised = count > 0;
  }
  LEAVE(sim_initialised ? CUDA_SUCCESS : CUDA_ERROR_NO_DEVICE);
}

EXPORT CUresult cuDriverGetVersion(int *version) {
  ENTER(NEEDS_NOTHING, "(%p)", (void *)version);
  if (version == NULL) {
    LEAVE(CUDA_ERROR_INVALID_VALUE);
  }
  *version = config.driver;
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuDeviceGet(CUdevice *device, int ordinal) {
  ENTER(NEEDS_INIT, "(%p, %d)", (void *)device, ordinal);
  if (device == NULL) {
    LEAVE(CUDA_ERROR_INVALID_VALUE);
  }
  if (device_at(ordinal) == NULL) {
    LEAVE(CUDA_ERROR_INVALID_DEVICE);
  }
  *device = ordinal;
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuDeviceGetCount(int *result) {
  ENTER(NEEDS_INIT, "(%p)", (void *)result);
  if (result == NULL) {
    LEAVE(CUDA_ERROR_INVALID_VALUE);
  }
  *result = count;
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuDeviceGetName(char *name, int bytes, CUdevice device) {
  ENTER(NEEDS_INIT, "(%p, %d, %d)", (void *)name, bytes, device);
  if (name == NULL || bytes < 1) {
    LEAVE(CUDA_ERROR_INVALID_VALUE);
  }
  if (device_at(device) == NULL) {
    LEAVE(CUDA_ERROR_INVALID_DEVICE);
  }
  snprintf(name, bytes, "%s", devices[device].name);
  LEAVE(CUDA_SUCCESS);
}

static CUresult uuid(CUuuid *result, CUdevice device, struct place place) {
  if (result == NULL) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  if (device_at(device) == NULL) {
    return CUDA_ERROR_INVALID_DEVICE;
  }
  place_uuid(place, (unsigned char *)result->bytes);
  return CUDA_SUCCESS;
}

static struct place place_of(CUdevice device) {
  struct place places[MAX_DEVICES] = {{0, -1}};
  places_visible(places, MAX_DEVICES);
  return device >= 0 && device < MAX_DEVICES ? places[device] : places[0];
}

/* The older call gives a MIG instance its parent's. */
EXPORT CUresult cuDeviceGetUuid(CUuuid *result, CUdevice device) {
  ENTER(NEEDS_INIT, "(%p, %d)", (void *)result, device);
  LEAVE(uuid(result, device, (struct place){place_of(device).device, -1}));
}

EXPORT CUresult cuDeviceGetUuid_v2(CUuuid *result, CUdevice device) {
  ENTER(NEEDS_INIT, "(%p, %d)", (void *)result, device);
  LEAVE(uuid(result, device, place_of(device)));
}

EXPORT CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice device) {
  ENTER(NEEDS_INIT, "(%p, %d)", (void *)bytes, device);
  if (bytes == NULL) {
    LEAVE(CUDA_ERROR_INVALID_VALUE);
  }
  if (device_at(device) == NULL) {
    LEAVE(CUDA_ERROR_INVALID_DEVICE);
  }
  *bytes = devices[device].memory_bytes;
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuDeviceComputeCapability(int *major, int *minor, CUdevice device) {
  ENTER(NEEDS_INIT, "(%p, %p, %d)", (void *)major, (void *)minor, device);
  if (major == NULL || minor == NULL) {
    LEAVE(CUDA_ERROR_INVALID_VALUE);
  }
  if (device_at(device) == NULL) {
    LEAVE(CUDA_ERROR_INVALID_DEVICE);
  }
  *major = config.cc_major;
  *minor = config.cc_minor;
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuDeviceGetPCIBusId(char *text, int bytes, CUdevice device) {
  ENTER(NEEDS_INIT, "(%p, %d, %d)", (void *)text, bytes, device);
  if (text == NULL || bytes < 13) {
    LEAVE(CUDA_ERROR_INVALID_VALUE);
  }
  if (device_at(device) == NULL) {
    LEAVE(CUDA_ERROR_INVALID_DEVICE);
  }
  place_bus_id(place_of(device).device, text, bytes);
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuDeviceGetByPCIBusId(CUdevice *device, const char *text) {
  ENTER(NEEDS_INIT, "(%p, %s)", (void *)device, text);
  for (int i = 0; i < count; i++) {
    char own[16];
    place_bus_id(place_of(i).device, own, sizeof own);
    if (strcmp(own, text) == 0) {
      *device = i;
      LEAVE(CUDA_SUCCESS);
    }
  }
  LEAVE(CUDA_ERROR_INVALID_DEVICE);
}

EXPORT CUresult cuDeviceCanAccessPeer(int *can, CUdevice device, CUdevice peer) {
  ENTER(NEEDS_INIT, "(%p, %d, %d)", (void *)can, device, peer);
  if (can == NULL || device_at(device) == NULL || device_at(peer) == NULL) {
    LEAVE(can == NULL ? CUDA_ERROR_INVALID_VALUE : CUDA_ERROR_INVALID_DEVICE);
  }
  *can = 0;
  LEAVE(CUDA_SUCCESS);
}

/* CUdriverProcAddressQueryResult: 0 found, 1 no such symbol. */
static CUresult address_of(const char *symbol, void **function, int *status) {
  static const char *const suffixes[] = {"_v3", "_v2", ""};
  char name[128];
  *function = NULL;
  for (size_t i = 0; *function == NULL && i < sizeof suffixes / sizeof *suffixes; i++) {
    snprintf(name, sizeof name, "%s%s", symbol, suffixes[i]);
    *function = dlsym(dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD), name);
  }
  if (status != NULL) {
    *status = *function == NULL;
  }
  return *function == NULL ? CUDA_ERROR_NOT_FOUND : CUDA_SUCCESS;
}

EXPORT CUresult cuGetProcAddress(const char *symbol, void **function, int version, uint64_t flags) {
  ENTER(NEEDS_NOTHING, "(%s, %p, %d, %llu)", symbol, (void *)function, version, (unsigned long long)flags);
  LEAVE(address_of(symbol, function, NULL));
}

EXPORT CUresult cuGetProcAddress_v2(const char *symbol, void **function, int version, uint64_t flags, int *status) {
  ENTER(NEEDS_NOTHING, "(%s, %p, %d, %llu, %p)", symbol, (void *)function, version, (unsigned long long)flags, (void *)status);
  LEAVE(address_of(symbol, function, status));
}
