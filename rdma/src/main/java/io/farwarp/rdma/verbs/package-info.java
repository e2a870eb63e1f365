/**
 * The {@code verbs} transport's way to the machine: unpacks libdisni and loads DiSNI's classes, and
 * those of {@link io.farwarp.rdma.verbs.disni} that use them, with a class loader of their own.
 */
@NullMarked
package io.farwarp.rdma.verbs;

import org.jspecify.annotations.NullMarked;
