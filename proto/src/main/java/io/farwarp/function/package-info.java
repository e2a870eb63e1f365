/** Functions as they are shipped: the package file, and the manifest checked and compiled. */
@NullMarked
package io.farwarp.function;

import org.jspecify.annotations.NullMarked;
