/* Modules, their variables, and linking. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FATBIN_MAGIC 0xba55ed50u
#define FATBIN_WRAPPER_MAGIC 0x466243b1u
#define MAX_IMAGE (1u << 30)

/* ---- what Java tells of a module while it loads it ---- */

EXPORT void farwarp_sim_module_loaded(struct module *module, uint64_t id, uint64_t memory_bytes) {
  module->id = id;
  module->memory_bytes = memory_bytes;
}

EXPORT void farwarp_sim_module_log(struct module *module, const char *text) {
  free(module->log);
  module->log = strdup(text);
}

EXPORT void farwarp_sim_module_kernel(struct module *module, const char *name, uint64_t id, int max_threads, int static_shared_bytes,
                                      int parameter_count, const int *offsets, const int *sizes) {
  struct kernel *kernel = calloc(1, sizeof *kernel);
  module->kernels = realloc(module->kernels, (module->kernel_count + 1) * sizeof *module->kernels);
  kernel->module = module;
  kernel->name = strdup(name);
  kernel->id = id;
  kernel->max_threads = max_threads;
  kernel->static_shared_bytes = static_shared_bytes;
  kernel->max_dynamic_bytes = (48 << 10) - static_shared_bytes > 0 ? (48 << 10) - static_shared_bytes : 0;
  kernel->parameter_count = parameter_count;
  kernel->offsets = malloc(parameter_count * sizeof(int) + 1);
  kernel->sizes = malloc(parameter_count * sizeof(int) + 1);
  for (int i = 0; i < parameter_count; i++) {
    kernel->offsets[i] = offsets[i];
    kernel->sizes[i] = sizes[i];
    kernel->parameter_bytes = offsets[i] + sizes[i];
  }
  module->kernels[module->kernel_count++] = kernel;
}

EXPORT void farwarp_sim_module_variable(struct module *module, const char *name, uint64_t address, uint64_t bytes) {
  pthread_mutex_lock(&sim_lock);
  module->variables = realloc(module->variables, (module->variable_count + 1) * sizeof *module->variables);
  module->variable_names = realloc(module->variable_names, (module->variable_count + 1) * sizeof *module->variable_names);
  struct allocation *variable = allocation_add(MODULE_MEMORY, address, bytes, module->object.context);
  variable->module = module;
  module->variables[module->variable_count] = variable;
  module->variable_names[module->variable_count++] = strdup(name);
  pthread_mutex_unlock(&sim_lock);
}

/* ---- loading ---- */

/* The bytes of an image by what it says of itself; 0: neither PTX nor a fatbin. */
static size_t image_bytes(const void **image) {
  uint32_t magic;
  memcpy(&magic, *image, 1); /* an image may be as short as an empty text */
  if (*(const char *)*image == '\0') {
    return 0;
  }
  memcpy(&magic, *image, sizeof magic);
  if (magic == FATBIN_WRAPPER_MAGIC) { /* magic, version, address */
    memcpy(image, (const char *)*image + 8, sizeof *image);
    memcpy(&magic, *image, sizeof magic);
  }
  if (magic == FATBIN_MAGIC) { /* magic, version, header's bytes, bytes behind it */
    uint16_t header;
    uint64_t rest;
    memcpy(&header, (const char *)*image + 6, sizeof header);
    memcpy(&rest, (const char *)*image + 8, sizeof rest);
    return rest > MAX_IMAGE ? 0 : header + rest;
  }
  return strnlen(*image, MAX_IMAGE);
}

static void free_kernels(struct module *module) {
  for (size_t i = 0; i < module->kernel_count; i++) {
    struct kernel *kernel = module->kernels[i];
    if (kernel->object.kind == KERNEL) { /* a handle, which may still be asked about */
      object_end(kernel);
      continue;
    }
    free(kernel->name);
    free(kernel->offsets);
    free(kernel->sizes);
    free(kernel);
  }
  free(module->kernels);
  module->kernels = NULL;
  module->kernel_count = 0;
}

static void free_variables(struct module *module) {
  for (size_t i = 0; i < module->variable_count; i++) {
    allocation_remove(module->variables[i]);
    free(module->variable_names[i]);
  }
  free(module->variables);
  free(module->variable_names);
  module->variable_count = 0;
}

/* Turns what Java described into handles. */
static void adopt_kernels(struct module *module) {
  for (size_t i = 0; i < module->kernel_count; i++) {
    struct kernel *described = module->kernels[i];
    struct kernel *kernel = object_new(KERNEL, sizeof *kernel, module->object.context);
    struct object header = kernel->object;
    *kernel = *described;
    kernel->object = header;
    free(described);
    module->kernels[i] = kernel;
  }
}

CUresult module_load(const void *image, size_t bytes, struct module **result) {
  struct context *context = context_current();
  if (memcmp(image, "\177ELF", 4) == 0) {
    return CUDA_ERROR_NO_BINARY_FOR_GPU; /* a cubin is code for a GPU */
  }
  bytes = bytes == 0 ? image_bytes(&image) : bytes;
  if (bytes == 0) {
    return CUDA_ERROR_INVALID_IMAGE;
  }
  struct module *module = object_new(MODULE, sizeof *module, context);
  uint64_t left = context->device->memory_bytes - context->device->used_bytes;
  pthread_mutex_unlock(&sim_lock);
  CUresult error = bridge_load(module, image, bytes, left);
  pthread_mutex_lock(&sim_lock);
  *result = module;
  if (error != CUDA_SUCCESS) {
    free_variables(module);
    free_kernels(module);
    return error;
  }
  context->device->used_bytes += module->memory_bytes;
  adopt_kernels(module);
  return CUDA_SUCCESS;
}

static bool is_used(struct module *module) {
  for (struct stream *stream = object_after(NULL, STREAM); stream != NULL; stream = object_after(stream, STREAM)) {
    if (stream->running != NULL && stream->running->work.kind == LAUNCH_WORK && stream->running->work.launch.kernel->module == module) {
      return true;
    }
    for (struct item *item = stream->first; item != NULL; item = item->next) {
      if (item->work.kind == LAUNCH_WORK && item->work.launch.kernel->module == module) {
        return true;
      }
    }
  }
  return false;
}

void module_unload(struct module *module) {
  if (is_used(module)) {
    sim_violation("a stream still has launches of the module's kernels");
    while (is_used(module)) {
      pthread_cond_wait(&sim_progress, &sim_lock);
    }
  }
  free_variables(module);
  free_kernels(module);
  module->object.context->device->used_bytes -= module->memory_bytes;
  uint64_t id = module->id;
  free(module->log);
  module->log = NULL;
  object_end(module);
  pthread_mutex_unlock(&sim_lock);
  bridge_unload(id);
  pthread_mutex_lock(&sim_lock);
}

/* ---- the API ---- */

static void fill_log(const char *text, unsigned count, const int *options, void **values, int buffer_option, int size_option) {
  char *buffer = NULL;
  size_t bytes = 0;
  for (unsigned i = 0; i < count; i++) {
    buffer = options[i] == buffer_option ? values[i] : buffer;
    bytes = options[i] == size_option ? (size_t)(uintptr_t)values[i] & 0xffffffff : bytes;
  }
  if (buffer == NULL || bytes == 0) {
    return;
  }
  int length = snprintf(buffer, bytes, "%s", text);
  size_t written = length < (int)bytes ? (size_t)length : bytes - 1;
  for (unsigned i = 0; i < count; i++) {
    if (options[i] == size_option) {
      values[i] = (void *)(uintptr_t)written;
    }
  }
}

static CUresult load(CUmodule *result, const void *image, size_t bytes, unsigned count, const int *options, void **values) {
  struct module *module = NULL;
  if (result == NULL || image == NULL) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  CUresult error = module_load(image, bytes, &module);
  const char *log = module == NULL || module->log == NULL ? "" : module->log;
  fill_log(error == CUDA_SUCCESS ? log : "", count, options, values, CU_JIT_INFO_LOG_BUFFER, CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES);
  fill_log(error == CUDA_SUCCESS ? "" : log, count, options, values, CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES);
  if (error == CUDA_SUCCESS) {
    *result = module;
  } else if (module != NULL) {
    object_end(module);
  }
  return error;
}

EXPORT CUresult cuModuleLoadData(CUmodule *result, const void *image) {
  ENTER(NEEDS_CONTEXT, "(%p, %p)", (void *)result, image);
  LEAVE(load(result, image, 0, 0, NULL, NULL));
}

EXPORT CUresult cuModuleLoadDataEx(CUmodule *result, const void *image, unsigned count, int *options, void **values) {
  ENTER(NEEDS_CONTEXT, "(%p, %p, %u, %p, %p)", (void *)result, image, count, (void *)options, (void *)values);
  LEAVE(count > 0 && (options == NULL || values == NULL) ? CUDA_ERROR_INVALID_VALUE : load(result, image, 0, count, options, values));
}

EXPORT CUresult cuModuleLoadFatBinary(CUmodule *result, const void *image) {
  ENTER(NEEDS_CONTEXT, "(%p, %p)", (void *)result, image);
  LEAVE(load(result, image, 0, 0, NULL, NULL));
}

EXPORT CUresult cuModuleLoad(CUmodule *result, const char *path) {
  ENTER(NEEDS_CONTEXT, "(%p, %s)", (void *)result, path);
  FILE *file = path == NULL ? NULL : fopen(path, "re");
  if (file == NULL) {
    LEAVE(CUDA_ERROR_FILE_NOT_FOUND);
  }
  fseek(file, 0, SEEK_END);
  long bytes = ftell(file);
  rewind(file);
  char *image = calloc(1, bytes < 0 ? 8 : (size_t)bytes + 8);
  bool is_read = image != NULL && bytes > 0 && fread(image, 1, bytes, file) == (size_t)bytes;
  fclose(file);
  CUresult error = is_read ? load(result, image, 0, 0, NULL, NULL) : CUDA_ERROR_INVALID_IMAGE;
  free(image);
  LEAVE(error);
}

static struct module *module_of(CUmodule handle) {
  struct module *module = object_of(handle, MODULE);
  if (module != NULL && module->object.context != context_current()) {
    sim_violation("module %p belongs to context %p; %p is current", (void *)handle, (void *)module->object.context, (void *)context_current());
    return NULL;
  }
  return module;
}

EXPORT CUresult cuModuleUnload(CUmodule handle) {
  ENTER(NEEDS_CONTEXT, "(%p)", (void *)handle);
  struct module *module = module_of(handle);
  if (module == NULL) {
    LEAVE(CUDA_ERROR_INVALID_HANDLE);
  }
  module_unload(module);
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuModuleGetFunction(CUfunction *result, CUmodule handle, const char *name) {
  ENTER(NEEDS_CONTEXT, "(%p, %p, %s)", (void *)result, (void *)handle, name);
  struct module *module = module_of(handle);
  if (module == NULL || result == NULL || name == NULL) {
    LEAVE(module == NULL ? CUDA_ERROR_INVALID_HANDLE : CUDA_ERROR_INVALID_VALUE);
  }
  for (size_t i = 0; i < module->kernel_count; i++) {
    if (strcmp(module->kernels[i]->name, name) == 0) {
      *result = module->kernels[i];
      LEAVE(CUDA_SUCCESS);
    }
  }
  LEAVE(CUDA_ERROR_NOT_FOUND);
}

EXPORT CUresult cuModuleGetFunctionCount(unsigned *count, CUmodule handle) {
  ENTER(NEEDS_CONTEXT, "(%p, %p)", (void *)count, (void *)handle);
  struct module *module = module_of(handle);
  if (module == NULL || count == NULL) {
    LEAVE(module == NULL ? CUDA_ERROR_INVALID_HANDLE : CUDA_ERROR_INVALID_VALUE);
  }
  *count = (unsigned)module->kernel_count;
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuModuleEnumerateFunctions(CUfunction *functions, unsigned count, CUmodule handle) {
  ENTER(NEEDS_CONTEXT, "(%p, %u, %p)", (void *)functions, count, (void *)handle);
  struct module *module = module_of(handle);
  if (module == NULL || functions == NULL) {
    LEAVE(module == NULL ? CUDA_ERROR_INVALID_HANDLE : CUDA_ERROR_INVALID_VALUE);
  }
  for (size_t i = 0; i < count && i < module->kernel_count; i++) {
    functions[i] = module->kernels[i];
  }
  LEAVE(CUDA_SUCCESS);
}

EXPORT CUresult cuModuleGetGlobal_v2(CUdeviceptr *address, size_t *bytes, CUmodule handle, const char *name) {
  ENTER(NEEDS_CONTEXT, "(%p, %p, %p, %s)", (void *)address, (void *)bytes, (void *)handle, name);
  struct module *module = module_of(handle);
  if (module == NULL || name == NULL) {
    LEAVE(module == NULL ? CUDA_ERROR_INVALID_HANDLE : CUDA_ERROR_INVALID_VALUE);
  }
  for (size_t i = 0; i < module->variable_count; i++) {
    if (strcmp(module->variable_names[i], name) == 0) {
      if (address != NULL) {
        *address = module->variables[i]->address;
      }
      if (bytes != NULL) {
        *bytes = module->variables[i]->bytes;
      }
      LEAVE(CUDA_SUCCESS);
    }
  }
  LEAVE(CUDA_ERROR_NOT_FOUND);
}

EXPORT CUresult cuModuleGetLoadingMode(int *mode) {
  ENTER(NEEDS_INIT, "(%p)", (void *)mode);
  const char *wanted = getenv("CUDA_MODULE_LOADING");
  *mode = wanted != NULL && strcmp(wanted, "EAGER") == 0 ? 1 : 2;
  LEAVE(CUDA_SUCCESS);
}
