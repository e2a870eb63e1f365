/** {@code farwarp run}: calls any function with tensors from and to files. */
@NullMarked
package io.farwarp.cli.run;

import org.jspecify.annotations.NullMarked;
