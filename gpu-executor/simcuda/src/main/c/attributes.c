/* cuDeviceGetAttribute: a table by CUdevice_attribute. What is not in it is 0, as for a device that lacks it. */
#include "sim.h"
#include "visible.h"

#include <stdlib.h>

enum {
  MULTIPROCESSOR_COUNT = 16,
  KERNEL_EXEC_TIMEOUT = 17,
  PCI_BUS_ID = 33,
  COMPUTE_CAPABILITY_MAJOR = 75,
  COMPUTE_CAPABILITY_MINOR = 76,
  CAN_FLUSH_REMOTE_WRITES = 98,
  GPU_DIRECT_RDMA_SUPPORTED = 116,
  GPU_DIRECT_RDMA_FLUSH_WRITES_OPTIONS = 117,
  DMA_BUF_SUPPORTED = 124,
  MPS_ENABLED = 133,
  ATTRIBUTES = 148
};

static const int values[ATTRIBUTES] = {
    [1] = 1024,          /* MAX_THREADS_PER_BLOCK */
    [2] = 1024,          /* MAX_BLOCK_DIM_X */
    [3] = 1024,          /* MAX_BLOCK_DIM_Y */
    [4] = 64,            /* MAX_BLOCK_DIM_Z */
    [5] = 2147483647,    /* MAX_GRID_DIM_X */
    [6] = 65535,         /* MAX_GRID_DIM_Y */
    [7] = 65535,         /* MAX_GRID_DIM_Z */
    [8] = 48 << 10,      /* MAX_SHARED_MEMORY_PER_BLOCK */
    [9] = 64 << 10,      /* TOTAL_CONSTANT_MEMORY */
    [10] = 32,           /* WARP_SIZE */
    [11] = 2147483647,   /* MAX_PITCH */
    [12] = 65536,        /* MAX_REGISTERS_PER_BLOCK */
    [13] = 1000000,      /* CLOCK_RATE, kHz */
    [14] = 512,          /* TEXTURE_ALIGNMENT */
    [15] = 1,            /* GPU_OVERLAP */
    [16] = 16,           /* MULTIPROCESSOR_COUNT */
    [19] = 1,            /* CAN_MAP_HOST_MEMORY */
    [31] = 1,            /* CONCURRENT_KERNELS */
    [36] = 1000000,      /* MEMORY_CLOCK_RATE, kHz */
    [37] = 256,          /* GLOBAL_MEMORY_BUS_WIDTH */
    [38] = 4 << 20,      /* L2_CACHE_SIZE */
    [39] = 2048,         /* MAX_THREADS_PER_MULTIPROCESSOR */
    [40] = 2,            /* ASYNC_ENGINE_COUNT */
    [41] = 1,            /* UNIFIED_ADDRESSING */
    [78] = 1,            /* STREAM_PRIORITIES_SUPPORTED */
    [81] = 228 << 10,    /* MAX_SHARED_MEMORY_PER_MULTIPROCESSOR */
    [82] = 65536,        /* MAX_REGISTERS_PER_MULTIPROCESSOR */
    [87] = 2,            /* SINGLE_TO_DOUBLE_PRECISION_PERF_RATIO */
    [91] = 1,            /* CAN_USE_HOST_POINTER_FOR_REGISTERED_MEM */
    [95] = 1,            /* COOPERATIVE_LAUNCH */
    [97] = 227 << 10,    /* MAX_SHARED_MEMORY_PER_BLOCK_OPTIN */
    [99] = 1,            /* HOST_REGISTER_SUPPORTED */
    [106] = 32,          /* MAX_BLOCKS_PER_MULTIPROCESSOR */
    [111] = 1024,        /* RESERVED_SHARED_MEMORY_PER_BLOCK */
    [115] = 1,           /* MEMORY_POOLS_SUPPORTED */
    [122] = 1,           /* CAN_USE_64_BIT_STREAM_MEM_OPS */
    [123] = 1,           /* CAN_USE_STREAM_WAIT_VALUE_NOR */
    [129] = 1,           /* UNIFIED_FUNCTION_POINTERS */
};

/* A client of MPS sees so many multiprocessors as its share has. */
static int multiprocessors(void) {
  const char *percentage = getenv("CUDA_MPS_ACTIVE_THREAD_PERCENTAGE");
  int all = values[MULTIPROCESSOR_COUNT] / (config.mig > 0 ? config.mig : 1);
  int percent = config.mps && percentage != NULL ? atoi(percentage) : 100;
  int share = (all * percent + 99) / 100;
  return share < 1 ? 1 : share > all ? all : share;
}

static int attribute_of(int attribute) {
  switch (attribute) {
    case MULTIPROCESSOR_COUNT: return multiprocessors();
    case KERNEL_EXEC_TIMEOUT: return config.watchdog_ms > 0;
    case PCI_BUS_ID: return 1;
    case COMPUTE_CAPABILITY_MAJOR: return config.cc_major;
    case COMPUTE_CAPABILITY_MINOR: return config.cc_minor;
    case CAN_FLUSH_REMOTE_WRITES:
    case GPU_DIRECT_RDMA_SUPPORTED:
    case GPU_DIRECT_RDMA_FLUSH_WRITES_OPTIONS: return config.gpudirect;
    case DMA_BUF_SUPPORTED: return 0;
    case MPS_ENABLED: return config.mps;
    default: return values[attribute];
  }
}

EXPORT CUresult cuDeviceGetAttribute(int *value, int attribute, CUdevice device) {
  ENTER(NEEDS_INIT, "(%p, %d, %d)", (void *)value, attribute, device);
  if (value == NULL || attribute < 1 || attribute >= ATTRIBUTES) {
    LEAVE(CUDA_ERROR_INVALID_VALUE);
  }
  if (device_at(device) == NULL) {
    LEAVE(CUDA_ERROR_INVALID_DEVICE);
  }
  *value = attribute_of(attribute);
  LEAVE(CUDA_SUCCESS);
}
