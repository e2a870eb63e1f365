/** The PTX CPU device (no GPU): function packages run by {@code io.farwarp.ptx}. */
@NullMarked
package io.farwarp.executor.device.ptx;

import org.jspecify.annotations.NullMarked;
