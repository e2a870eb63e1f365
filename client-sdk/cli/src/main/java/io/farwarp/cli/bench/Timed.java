package io.farwarp.cli.bench;

import java.io.IOException;
import org.HdrHistogram.Histogram;

/**
 * What an {@link Alternation} times in turn with others. Between two turns it and its peer must
 * leave the cores alone.
 */
interface Timed extends AutoCloseable {
  /** Round trips before anything is counted. */
  void warmUp(int roundTrips) throws IOException;

  /**
   * One turn.
   *
   * @param leadIn round trips at its start that do not count
   * @param into takes the nanoseconds of each of the {@code roundTrips} after them
   */
  void turn(int leadIn, int roundTrips, Histogram into) throws IOException;

  @Override
  void close() throws IOException;
}
