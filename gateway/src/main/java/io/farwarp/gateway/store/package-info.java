/**
 * What a gateway keeps over restarts: an interface after etcd's key-value API, and the embedded
 * store behind it.
 */
@NullMarked
package io.farwarp.gateway.store;

import org.jspecify.annotations.NullMarked;
