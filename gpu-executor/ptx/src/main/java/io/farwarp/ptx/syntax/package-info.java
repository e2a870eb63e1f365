/** PTX text to a syntax tree, with line numbers; no meaning is given to instructions here. */
@NullMarked
package io.farwarp.ptx.syntax;

import org.jspecify.annotations.NullMarked;
