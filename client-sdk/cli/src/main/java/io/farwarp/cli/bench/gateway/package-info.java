/** {@code farwarp bench gateway}: the gateway under load, with agents that have no workers. */
@NullMarked
package io.farwarp.cli.bench.gateway;

import org.jspecify.annotations.NullMarked;
