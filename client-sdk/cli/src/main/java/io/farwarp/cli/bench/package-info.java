/**
 * {@code farwarp bench}: Farwarp's paths, interleaved in one run with raw baselines that hold
 * nothing of Farwarp's.
 */
@NullMarked
package io.farwarp.cli.bench;

import org.jspecify.annotations.NullMarked;
