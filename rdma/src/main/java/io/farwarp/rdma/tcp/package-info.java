/**
 * The {@code tcp} transport, for hosts without RDMA: one socket per queue pair, on which writes are
 * framed; the receiving side reads their payload straight into the registered memory.
 */
@NullMarked
package io.farwarp.rdma.tcp;

import org.jspecify.annotations.NullMarked;
