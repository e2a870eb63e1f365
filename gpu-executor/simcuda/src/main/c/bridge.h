/* The functions that Java gives; each catches whatever is thrown in it. */
#ifndef BRIDGE_H
#define BRIDGE_H

#include "sim.h"

struct bridge_upcalls {
  /* Describes what it loads by farwarp_sim_module_…, on the thread that calls. */
  CUresult (*load)(struct module *module, const void *image, uint64_t bytes, uint64_t limit_bytes, int driver, int architecture);
  void (*unload)(uint64_t module_id);
  CUresult (*launch)(struct launch_request *request);
  /* Where the thread of this name is that calls this function, for people. */
  void (*stack)(const char *thread, const char *function, char *text, uint64_t bytes);
};

#endif
