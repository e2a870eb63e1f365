package io.farwarp.gateway.simulation;

/**
 * A host's monotonic clock: it begins anywhere, and runs a little fast or slow. Wall clocks are
 * read by gateways only, when they start.
 */
final class HostClock {
  private static final int MOST_PPM = 100;

  private final World world;
  private final long offsetNs;
  private final long ppm;

  HostClock(World world) {
    this.world = world;
    this.offsetNs = world.between(-1_000_000 * World.S, 1_000_000 * World.S);
    this.ppm = world.between(-MOST_PPM, MOST_PPM);
  }

  long nowNs() {
    long trueNs = world.nowNs();
    return offsetNs + trueNs + trueNs / 1_000_000 * ppm;
  }

  /** How long it takes in the world until this clock has advanced by that. */
  long worldNs(long ns) {
    return Math.max(0, ns - Math.floorDiv(ns, 1_000_000) * ppm) + 1_000;
  }
}
