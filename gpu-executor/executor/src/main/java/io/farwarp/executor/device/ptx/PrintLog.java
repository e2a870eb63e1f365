package io.farwarp.executor.device.ptx;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Brings what kernels print into the worker's log, marked line by line so that nothing printed can
 * pass for a line of the worker's own. A worker logs up to {@value #MAX_CHARS} characters in its
 * life; results go on to carry what is printed.
 */
final class PrintLog {
  private static final Logger LOG = System.getLogger(PrintLog.class.getName());
  private static final long MAX_CHARS = 16 << 20;

  private final AtomicLong left = new AtomicLong(MAX_CHARS);

  void log(String function, String printed) {
    long before = left.getAndAdd(-printed.length());
    if (before >= printed.length()) {
      LOG.log(Level.INFO, "{0} printed:{1}", function, marked(printed));
    } else if (before >= 0) {
      LOG.log(
          Level.WARNING,
          "{0} printed {1} characters; this worker has logged its limit of {2} and logs no more",
          function,
          printed.length(),
          MAX_CHARS);
      left.set(-1);
    } else {
      left.set(-1);
    }
  }

  private static String marked(String printed) {
    StringBuilder text = new StringBuilder();
    printed
        .lines()
        .forEach(line -> {
          text.append("\n  | ");
          line.codePoints()
              .map(c -> Character.isISOControl(c) && c != '\t' ? '?' : c)
              .forEach(text::appendCodePoint);
        });
    return text.toString();
  }
}
