/**
 * The typed form of a function: checked instructions over virtual registers, basic blocks, liveness
 * and the provenance of addresses.
 */
@NullMarked
package io.farwarp.ptx.ir;

import org.jspecify.annotations.NullMarked;
