package io.farwarp.cli.bench;

import java.io.IOException;

/**
 * One thing to time, over and over, on the calling thread. Between two bursts its peer must leave
 * the cores alone.
 */
interface RoundTrip extends AutoCloseable {
  /** Wakes the peer before a burst. */
  void resume() throws IOException;

  /** There and back, once. */
  void once() throws IOException;

  /** Nanoseconds of the last {@link #once} that do not count (a kernel's own time). */
  default long excludedNs() {
    return 0;
  }

  /** Sends the peer to sleep after a burst. */
  void pause() throws IOException;

  @Override
  void close() throws IOException;
}
