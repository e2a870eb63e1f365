package io.farwarp.system;

import java.time.Duration;

/**
 * How long tests wait for what takes a moment: {@code -Dfarwarp.test.patience=N} times as long as
 * on an ordinary host, in an emulated one.
 */
final class Patience {
  private static final int FACTOR = Integer.getInteger("farwarp.test.patience", 1);

  private Patience() {}

  static long seconds(long ordinary) {
    return FACTOR * ordinary;
  }

  static Duration of(Duration ordinary) {
    return ordinary.multipliedBy(FACTOR);
  }
}
