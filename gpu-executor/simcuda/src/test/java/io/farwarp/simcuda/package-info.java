/** The simulated driver, called as a program calls the real one. */
@NullMarked
package io.farwarp.simcuda;

import org.jspecify.annotations.NullMarked;
