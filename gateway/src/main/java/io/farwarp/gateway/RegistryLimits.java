package io.farwarp.gateway;

/**
 * What one tenant may keep in the function registry.
 *
 * @param functions versions of functions
 * @param bytes bytes of their packages together
 */
public record RegistryLimits(int functions, long bytes) {
  public static final RegistryLimits DEFAULT = new RegistryLimits(1_000, 4L << 30);
}
