package io.farwarp.ptx;

/**
 * PTX text that cannot be loaded: malformed, over a limit, or using something that the PTX CPU
 * device does not support. The message names the line.
 */
public class PtxException extends Exception {
  private static final long serialVersionUID = 1L;

  private final int line;

  public PtxException(int line, String problem) {
    super("line " + line + ": " + problem);
    this.line = line;
  }

  /** The same, with the line of the source that the PTX was made from. */
  PtxException(PtxException problem, Object source) {
    super(problem.getMessage() + " (" + source + ")", problem.getCause());
    this.line = problem.line;
  }

  public PtxException(int line, String problem, Throwable cause) {
    super("line " + line + ": " + problem, cause);
    this.line = line;
  }

  /** The line of the text, from 1; 0 when the problem has no one line. */
  public int line() {
    return line;
  }
}
