package io.farwarp.ptx;

import org.jspecify.annotations.Nullable;

/**
 * A launch that did not complete. What it had written so far stays written; the executor, the
 * module and the launch remain usable.
 */
public final class PtxFault extends Exception {
  private static final long serialVersionUID = 1L;

  /** Why a launch ended. */
  public enum Kind {
    /** An access outside every allocation of the launch and the module's own memory. */
    ILLEGAL_ADDRESS,
    /** An access whose address is not a multiple of its size. */
    MISALIGNED_ADDRESS,
    /** The {@link StopSignal} was set. */
    STOPPED,
    /** Grid, block or parameters are outside the limits; nothing ran. */
    INVALID_LAUNCH,
    /** Calls went deeper than the local memory or the thread's stack. */
    STACK_OVERFLOW,
    /** Every thread that is left of a block waits, at barriers or for lanes that do not come. */
    DEADLOCK,
    /** A barrier's number is not 0 to 15, or its count no positive multiple of 32. */
    INVALID_BARRIER,
    /** The kernel executed {@code trap}. */
    TRAP,
    /** An {@code assert} of the kernel did not hold; the message has its text. */
    ASSERTION,
    /** A branch or a call through a register went to no known place. */
    INVALID_TARGET,
    /** A fault of this library; the cause tells more. */
    INTERNAL
  }

  /** Three coordinates, of a block in a grid or of a thread in a block. */
  public record Index(int x, int y, int z) {
    @Override
    public String toString() {
      return "(" + x + "," + y + "," + z + ")";
    }
  }

  private final Kind kind;
  private final String kernel;
  private final transient @Nullable Index block;
  private final transient @Nullable Index thread;
  private final int line;
  private final String source;
  private final long address;

  PtxFault(
      Kind kind,
      String kernel,
      String problem,
      @Nullable Index block,
      @Nullable Index thread,
      int line,
      String source,
      long address,
      @Nullable Throwable cause) {
    super(problem, cause);
    this.kind = kind;
    this.kernel = kernel;
    this.block = block;
    this.thread = thread;
    this.line = line;
    this.source = source;
    this.address = address;
  }

  static PtxFault invalidLaunch(String kernel, String problem) {
    return new PtxFault(
        Kind.INVALID_LAUNCH,
        kernel,
        "kernel '" + kernel + "' cannot be launched: " + problem,
        null,
        null,
        0,
        "",
        0,
        null);
  }

  public Kind kind() {
    return kind;
  }

  public String kernel() {
    return kernel;
  }

  /** The block that was executing, or null when none was. */
  public @Nullable Index block() {
    return block;
  }

  /** The thread that was executing, or null when none was. */
  public @Nullable Index thread() {
    return thread;
  }

  /** The line of the PTX text, or 0 when it is not known. */
  public int line() {
    return line;
  }

  /** The line of the source, {@code kernel.cu:12}, where the PTX tells it; else empty. */
  public String source() {
    return source;
  }

  /** The faulting address, or 0 when there is none. */
  public long address() {
    return address;
  }
}
