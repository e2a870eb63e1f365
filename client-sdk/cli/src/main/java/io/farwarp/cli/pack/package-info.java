/** {@code farwarp package}: makes function packages out of CUDA source, PTX and manifests. */
@NullMarked
package io.farwarp.cli.pack;

import org.jspecify.annotations.NullMarked;
