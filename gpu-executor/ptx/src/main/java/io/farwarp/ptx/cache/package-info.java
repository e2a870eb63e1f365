/** Compiled modules on disk, so that a process need not compile what another one has. */
@NullMarked
package io.farwarp.ptx.cache;

import org.jspecify.annotations.NullMarked;
