package io.farwarp.ptx;

/**
 * What kernels print: the text of their {@code printf} calls, each call's whole, in the order in
 * which they were made. It keeps up to a limit between two calls of {@link #take}; what goes beyond
 * is counted and dropped. Any thread.
 */
public final class PtxOutput {
  /** As CUDA's buffer for the same purpose. */
  public static final int DEFAULT_MAX_CHARS = 1 << 20;

  private final int maxChars;
  private StringBuilder text = new StringBuilder();
  private long droppedCalls;

  /** Spares a lock where nothing is printed, which is nearly everywhere. */
  private volatile boolean empty = true;

  private PtxOutput(int maxChars) {
    this.maxChars = maxChars;
  }

  /** An output that keeps up to {@code maxChars} characters. */
  public static PtxOutput ofAtMost(int maxChars) {
    if (maxChars < 0) {
      throw new IllegalArgumentException("maxChars: " + maxChars + ", must not be negative");
    }
    return new PtxOutput(maxChars);
  }

  /** Adds what one call prints, whole or, if there is no room for it, not at all. */
  public synchronized void print(String printed) {
    if (printed.isEmpty()) {
      return;
    }
    empty = false;
    if (droppedCalls > 0 || printed.length() > maxChars - text.length()) {
      droppedCalls++;
    } else {
      text.append(printed);
    }
  }

  /** The text since the last call; a last line says how many calls were dropped, if any were. */
  public String take() {
    return empty ? "" : takeAll();
  }

  private synchronized String takeAll() {
    if (droppedCalls > 0) {
      String newLine = text.isEmpty() || text.charAt(text.length() - 1) == '\n' ? "" : "\n";
      text.append(newLine)
          .append("[the output of ")
          .append(droppedCalls)
          .append(" printf calls was dropped: the limit is ")
          .append(maxChars)
          .append(" characters]\n");
    }
    String taken = text.toString();
    text = new StringBuilder();
    droppedCalls = 0;
    empty = true;
    return taken;
  }
}
