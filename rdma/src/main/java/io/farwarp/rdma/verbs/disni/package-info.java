/**
 * The {@code verbs} transport itself: one reliable queue pair for each connection, connected by
 * rdma_cm; docs/protocol.md gives what it puts on the wire. The only place that names DiSNI's
 * classes; it is loaded beside them.
 */
@NullMarked
package io.farwarp.rdma.verbs.disni;

import org.jspecify.annotations.NullMarked;
