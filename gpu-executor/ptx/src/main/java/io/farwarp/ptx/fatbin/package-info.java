/** Fatbin containers, and the two compressed formats that they hold PTX in. */
@NullMarked
package io.farwarp.ptx.fatbin;

import org.jspecify.annotations.NullMarked;
