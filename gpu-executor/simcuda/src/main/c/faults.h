/* Faults that a test asks for. All with the lock held. */
#ifndef FAULTS_H
#define FAULTS_H

#include "sim.h"

/* What this call of the function has to fail with, or CUDA_SUCCESS. Counts. */
CUresult fault_injected(const char *function);
/* Takes the device away once so many calls have been made. */
void fault_may_lose_device(uint64_t calls);
bool device_is_lost(void);
/* Whether a function that gives something back was made to fail, so that what is left is not the caller's fault. */
bool faults_excuse_leaks(void);
void faults_reset(void);
void function_base_name(const char *name, char base[64]);

#endif
