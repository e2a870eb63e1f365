package io.farwarp.rdma;

import java.lang.foreign.MemorySegment;
import java.util.OptionalInt;

/**
 * Memory that a listener opens to its peer for one-sided writes. Outlives every queue pair that
 * exposes it.
 *
 * @param memory native memory, any size
 * @param descriptor the sealed memfd behind it, where there is one: what {@code shm} hands to the
 *     peer
 */
public record ExposedMemory(MemorySegment memory, OptionalInt descriptor) {}
