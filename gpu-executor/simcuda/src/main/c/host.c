/* Host memory that the device can reach: registered, or allocated page-locked. */
#include "sim.h"

#define KNOWN_FLAGS 0xfu /* PORTABLE, DEVICEMAP, IOMEMORY, READ_ONLY */

static CUresult allocate(void **result, size_t bytes, unsigned flags) {
  struct allocation *allocation;
  if (result == NULL || bytes == 0 || (flags & ~7u) != 0) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  CUresult error = arena_allocate(context_current(), HOST_MEMORY, bytes, &allocation);
  if (error == CUDA_SUCCESS) {
    allocation->flags = flags | CU_MEMHOST_DEVICEMAP; /* with unified addressing all of it is mapped */
    *result = (void *)allocation->address;
  }
  return error;
}

EXPORT CUresult cuMemAllocHost_v2(void **result, size_t bytes) {
  ENTER(NEEDS_CONTEXT, "(%p, %zu)", (void *)result, bytes);
  LEAVE(allocate(result, bytes, 0));
}

EXPORT CUresult cuMemHostAlloc(void **result, size_t bytes, unsigned flags) {
  ENTER(NEEDS_CONTEXT, "(%p, %zu, %u)", (void *)result, bytes, flags);
  LEAVE(allocate(result, bytes, flags));
}

/* Ends a use of host memory that streams may still have. */
static void await_unused(struct allocation *allocation) {
  if (allocation->uses > 0) {
    sim_violation("a stream has work that uses the memory: synchronise first");
  }
  allocation->dying = true;
  while (allocation->uses > 0) {
    pthread_cond_wait(&sim_progress, &sim_lock);
  }
}

EXPORT CUresult cuMemFreeHost(void *pointer) {
  ENTER(NEEDS_CONTEXT, "(%p)", pointer);
  struct allocation *allocation = allocation_at((uint64_t)pointer, 1);
  if (allocation == NULL || allocation->address != (uint64_t)pointer || allocation->memory != HOST_MEMORY || allocation->dying) {
    sim_violation("there is no page-locked memory to free at %p: %s", pointer, allocation_history((uint64_t)pointer));
    LEAVE(CUDA_ERROR_INVALID_VALUE);
  }
  await_unused(allocation);
  arena_free(allocation);
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuMemHostRegister_v2(void *pointer, size_t bytes, unsigned flags) {
  ENTER(NEEDS_CONTEXT, "(%p, %zu, %u)", pointer, bytes, flags);
  uint64_t address = (uint64_t)pointer;
  if (pointer == NULL || bytes == 0 || (flags & ~KNOWN_FLAGS) != 0 || address + bytes < address) {
    LEAVE(CUDA_ERROR_INVALID_VALUE);
  }
  if (allocation_touching(address, bytes) != NULL) {
    sim_violation("%zu bytes at %p are registered or allocated already, in part or all", bytes, pointer);
    LEAVE(CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED);
  }
  if (arena_holds(address) || !range_is_mapped(address, bytes)) {
    sim_violation("%zu bytes at %p are not all this process's memory", bytes, pointer);
    LEAVE(CUDA_ERROR_INVALID_VALUE);
  }
  allocation_add(REGISTERED_MEMORY, address, bytes, context_current())->flags = flags;
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuMemHostUnregister(void *pointer) {
  ENTER(NEEDS_CONTEXT, "(%p)", pointer);
  struct allocation *allocation = allocation_at((uint64_t)pointer, 1);
  if (allocation == NULL || allocation->address != (uint64_t)pointer || allocation->memory != REGISTERED_MEMORY || allocation->dying) {
    sim_violation("no registered memory begins at %p: %s", pointer, allocation_history((uint64_t)pointer));
    LEAVE(CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED);
  }
  await_unused(allocation);
  allocation_remove(allocation);
  LEAVE(CUDA_SUCCESS);
}

static struct allocation *host_allocation(void *pointer) {
  struct allocation *allocation = allocation_at((uint64_t)pointer, 1);
  return allocation == NULL || (allocation->memory != HOST_MEMORY && allocation->memory != REGISTERED_MEMORY) ? NULL : allocation;
}

EXPORT CUresult cuMemHostGetDevicePointer_v2(CUdeviceptr *result, void *pointer, unsigned flags) {
  ENTER(NEEDS_CONTEXT, "(%p, %p, %u)", (void *)result, pointer, flags);
  struct allocation *allocation = host_allocation(pointer);
  if (result == NULL || flags != 0 || allocation == NULL || (allocation->flags & CU_MEMHOST_DEVICEMAP) == 0) {
    LEAVE(CUDA_ERROR_INVALID_VALUE);
  }
  if (allocation->context != context_current() && (allocation->flags & CU_MEMHOST_PORTABLE) == 0) {
    sim_violation("%p was registered in context %p alone", pointer, (void *)allocation->context);
    LEAVE(CUDA_ERROR_INVALID_VALUE);
  }
  *result = (uint64_t)pointer;
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuMemHostGetFlags(unsigned *flags, void *pointer) {
  ENTER(NEEDS_CONTEXT, "(%p, %p)", (void *)flags, pointer);
  struct allocation *allocation = host_allocation(pointer);
  if (flags == NULL || allocation == NULL) {
    LEAVE(CUDA_ERROR_INVALID_VALUE);
  }
  *flags = allocation->flags;
  LEAVE(CUDA_SUCCESS);
}
