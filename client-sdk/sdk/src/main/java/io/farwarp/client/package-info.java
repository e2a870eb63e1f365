/**
 * The client SDK: lease a slice of a GPU host, lay tensors out in its window, invoke functions on
 * its worker. {@link io.farwarp.client.Farwarp} is the door.
 */
@NullMarked
package io.farwarp.client;

import org.jspecify.annotations.NullMarked;
