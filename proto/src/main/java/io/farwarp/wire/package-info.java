/** The data plane's wire layouts: every constant of the protocol, once. */
@NullMarked
package io.farwarp.wire;

import org.jspecify.annotations.NullMarked;
