/**
 * Where the threads of a block cannot run one after the other to their end: the points at which
 * they stop, and the regions between those points, each of which becomes a method.
 */
@NullMarked
package io.farwarp.ptx.regions;

import org.jspecify.annotations.NullMarked;
