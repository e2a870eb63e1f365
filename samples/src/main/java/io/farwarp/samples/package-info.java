/** Sample CUDA workloads as function packages, each with a reference on the CPU and a main. */
@NullMarked
package io.farwarp.samples;

import org.jspecify.annotations.NullMarked;
