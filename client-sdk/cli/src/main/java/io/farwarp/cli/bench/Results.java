package io.farwarp.cli.bench;

import io.farwarp.cli.CommandException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Holds what a kernel has computed against what its loop in C has. */
final class Results {
  private Results() {}

  static void requireEqual(String what, MemorySegment ours, MemorySegment inC) {
    long at = ours.mismatch(inC);
    if (at >= 0) {
      throw new CommandException(
          what + ": the kernel's results differ from those of C, from byte " + at + " on");
    }
  }

  /** Floats that agree to {@code tolerance}, relative above 1 and absolute below. */
  static void requireClose(String what, MemorySegment ours, MemorySegment inC, double tolerance) {
    for (long i = 0; i < ours.byteSize() / Float.BYTES; i++) {
      float a = ours.getAtIndex(ValueLayout.JAVA_FLOAT, i);
      float b = inC.getAtIndex(ValueLayout.JAVA_FLOAT, i);
      // Written so that a NaN fails.
      if (!(Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(b)))) {
        throw new CommandException(
            "%s: element %d is %s by the kernel and %s in C".formatted(what, i, a, b));
      }
    }
  }
}
