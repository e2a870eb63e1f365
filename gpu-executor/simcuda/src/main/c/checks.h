/* Violations: what a caller did that the API does not allow, or that a test shall not let pass. */
#ifndef CHECKS_H
#define CHECKS_H

#include "sim.h"

/* With the lock held: what a context that ends still holds. */
void check_leaks(struct context *context);

#endif
