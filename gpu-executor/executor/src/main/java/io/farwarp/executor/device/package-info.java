/**
 * What a worker runs kernels on: the {@link io.farwarp.executor.device.Device} interface and the
 * choice of a device. One package below it for each device.
 */
@NullMarked
package io.farwarp.executor.device;

import org.jspecify.annotations.NullMarked;
