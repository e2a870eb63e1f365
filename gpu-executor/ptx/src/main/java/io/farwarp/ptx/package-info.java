/**
 * Runs NVIDIA PTX on this host's processor cores: text in, modules, kernels and launches out.
 *
 * <p>This is the PTX CPU device (no GPU). A {@link io.farwarp.ptx.PtxModule} is parsed, verified
 * and turned into JVM bytecode once; a {@link io.farwarp.ptx.PtxLaunch} is prepared once and run
 * many times by a {@link io.farwarp.ptx.PtxExecutor}.
 */
@NullMarked
package io.farwarp.ptx;

import org.jspecify.annotations.NullMarked;
