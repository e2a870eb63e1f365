/**
 * A simulated CUDA driver, for tests: {@code libcuda.so.1} in C keeps contexts, memory, streams,
 * modules and graphs, and this package runs its launches on the PTX CPU device (no GPU).
 */
@NullMarked
package io.farwarp.simcuda;

import org.jspecify.annotations.NullMarked;
