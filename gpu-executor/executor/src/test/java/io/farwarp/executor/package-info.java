/**
 * What the tests of this module share: functions, leases, and a client that speaks the protocol.
 */
@NullMarked
package io.farwarp.executor;

import org.jspecify.annotations.NullMarked;
