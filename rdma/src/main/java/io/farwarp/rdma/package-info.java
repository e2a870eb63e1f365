/**
 * Data-plane transports behind one interface: one-sided writes into registered memory, and small
 * ordered messages, on a reliable connection between two processes. Knows nothing of leases,
 * tensors or GPUs.
 */
@NullMarked
package io.farwarp.rdma;

import org.jspecify.annotations.NullMarked;
