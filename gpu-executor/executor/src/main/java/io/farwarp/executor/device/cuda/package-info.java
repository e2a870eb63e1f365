/**
 * NVIDIA GPUs as devices, by the CUDA driver API through JCuda; nothing else in Farwarp knows
 * JCuda.
 */
@NullMarked
package io.farwarp.executor.device.cuda;

import org.jspecify.annotations.NullMarked;
