/**
 * The gateway: the control plane that registers functions and executors and grants leases. No
 * tensor byte passes through it.
 */
@NullMarked
package io.farwarp.gateway;

import org.jspecify.annotations.NullMarked;
