package io.farwarp.gateway.simulation;

import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/**
 * The gateway logs a defect that it meets, and goes on; here that is the end of the history. What
 * else it logs, thousands of times a second, is dropped.
 */
final class Defects {
  private static final Logger GATEWAY = Logger.getLogger("io.farwarp.gateway");
  private static final Logger BOOK = Logger.getLogger("io.farwarp.gateway.BookThread");

  private Defects() {}

  static synchronized void areFailures() {
    GATEWAY.setLevel(Level.OFF);
    BOOK.setLevel(Level.SEVERE);
    BOOK.setUseParentHandlers(false);
    if (BOOK.getHandlers().length == 0) {
      BOOK.addHandler(new Failing());
    }
  }

  private static final class Failing extends Handler {
    @Override
    public void publish(LogRecord entry) {
      throw new AssertionError(entry.getMessage(), entry.getThrown());
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}
  }
}
