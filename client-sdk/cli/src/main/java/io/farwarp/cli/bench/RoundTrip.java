package io.farwarp.cli.bench;

import java.io.IOException;
import org.HdrHistogram.Histogram;

/** One thing to time, over and over, on the calling thread. */
interface RoundTrip extends Timed {
  /** Wakes the peer before a turn. */
  void resume() throws IOException;

  /** There and back, once. */
  void once() throws IOException;

  /** Nanoseconds of the last {@link #once} that do not count (a kernel's own time). */
  default long excludedNs() {
    return 0;
  }

  /** Sends the peer to sleep after a turn. */
  void pause() throws IOException;

  @Override
  default void warmUp(int roundTrips) throws IOException {
    resume();
    for (int i = 0; i < roundTrips; i++) {
      once();
    }
    pause();
  }

  @Override
  default void turn(int leadIn, int roundTrips, Histogram into) throws IOException {
    resume();
    for (int i = 0; i < leadIn; i++) {
      once();
    }
    for (int i = 0; i < roundTrips; i++) {
      long start = System.nanoTime();
      once();
      into.recordValue(Math.max(1, System.nanoTime() - start - excludedNs()));
    }
    pause();
  }
}
