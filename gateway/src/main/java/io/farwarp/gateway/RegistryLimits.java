package io.farwarp.gateway;

import java.util.concurrent.TimeUnit;

/**
 * What one caller may keep in the function registry, and have under way with it.
 *
 * @param functions versions of functions of a tenant
 * @param bytes bytes of a tenant's packages together
 * @param transfers packages that a tenant pushes at a time, and that a tenant or an agent
 *     credential fetches at a time
 * @param idleNs how long a transfer may make no progress; as a whole it may take twenty times that
 */
public record RegistryLimits(int functions, long bytes, int transfers, long idleNs) {
  public static final RegistryLimits DEFAULT =
      new RegistryLimits(1_000, 4L << 30, 64, TimeUnit.SECONDS.toNanos(30));
}
