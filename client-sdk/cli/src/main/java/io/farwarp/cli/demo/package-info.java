/** {@code farwarp demo}: the main job, measured and verified. */
@NullMarked
package io.farwarp.cli.demo;

import org.jspecify.annotations.NullMarked;
