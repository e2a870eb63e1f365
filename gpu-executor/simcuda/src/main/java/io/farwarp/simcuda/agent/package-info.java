/**
 * What a JVM loads by {@code -javaagent}: as little as brings the simulated driver in, on a class
 * path of its own.
 */
@NullMarked
package io.farwarp.simcuda.agent;

import org.jspecify.annotations.NullMarked;
