package io.farwarp.executor.agent;

import java.io.IOException;
import java.io.Reader;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Consumer;

/** The last lines of a worker's log, each cut, whatever the worker writes there. Any thread. */
final class LogTail {
  static final int MAX_LINE = 300;
  private static final int KEPT_LINES = 20;
  private static final int TOLD_LINES = 3;

  private final Deque<String> lines = new ArrayDeque<>();

  /**
   * Reads to the end.
   *
   * @param each takes every line, cut to {@link #MAX_LINE} characters
   */
  void read(Reader log, Consumer<String> each) throws IOException {
    StringBuilder line = new StringBuilder();
    for (int next = log.read(); next >= 0; next = log.read()) {
      if (next == '\n') {
        keep(line.toString(), each);
        line.setLength(0);
      } else if (line.length() < MAX_LINE) {
        line.append((char) next);
      }
    }
    if (!line.isEmpty()) {
      keep(line.toString(), each);
    }
  }

  private void keep(String line, Consumer<String> each) {
    each.accept(line);
    synchronized (lines) {
      if (lines.size() == KEPT_LINES) {
        lines.removeFirst();
      }
      lines.addLast(line);
    }
  }

  /** The last three, for people. */
  String last() {
    synchronized (lines) {
      return lines.stream()
          .skip(Math.max(0, lines.size() - TOLD_LINES))
          .reduce((a, b) -> a + " | " + b)
          .orElse("");
    }
  }
}
