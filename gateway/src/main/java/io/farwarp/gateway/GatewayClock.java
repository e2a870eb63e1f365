package io.farwarp.gateway;

import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * The gateway's two views of one time: nanoseconds that never go back, and Unix milliseconds that
 * were read once at start and advance with them. So a step of the host's wall clock moves no
 * deadline.
 */
final class GatewayClock {
  private final LongSupplier ticker;
  private final long startNs;
  private final long startUnixMs;

  private GatewayClock(LongSupplier ticker, long startUnixMs) {
    this.ticker = ticker;
    this.startNs = ticker.getAsLong();
    this.startUnixMs = startUnixMs;
  }

  static GatewayClock system() {
    return of(System::nanoTime, System.currentTimeMillis());
  }

  /** A clock that {@code ticker} turns, in nanoseconds. */
  static GatewayClock of(LongSupplier ticker, long startUnixMs) {
    return new GatewayClock(ticker, startUnixMs);
  }

  /** Nanoseconds since the start of the gateway, 1 and up. */
  long nowNs() {
    return ticker.getAsLong() - startNs + 1;
  }

  long unixMs(long ns) {
    return startUnixMs + TimeUnit.NANOSECONDS.toMillis(ns);
  }

  /** The inverse of {@link #unixMs}; less than 0 for a time before the start. */
  long ns(long unixMs) {
    return TimeUnit.MILLISECONDS.toNanos(unixMs - startUnixMs);
  }
}
