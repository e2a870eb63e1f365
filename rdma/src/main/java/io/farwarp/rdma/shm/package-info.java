/**
 * The {@code shm} transport, for two processes on one host: the peer's window is mapped, messages
 * go through rings in shared pages, waiting is a futex, and a Unix socket tells of the peer's
 * death.
 */
@NullMarked
package io.farwarp.rdma.shm;

import org.jspecify.annotations.NullMarked;
