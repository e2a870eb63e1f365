package io.farwarp.ptx.runtime;

import io.farwarp.ptx.PtxFault;
import java.nio.charset.StandardCharsets;

/** The functions that the device brings: {@code vprintf} and {@code __assertfail}. */
final class SystemCalls {
  /** Longest format, string argument or text of an assertion that is read. */
  private static final int MAX_CHARS = 1 << 14;

  private SystemCalls() {}

  /** The bytes at a generic address up to a zero, one character each; a fault if unreadable. */
  private static String text(BlockContext context, long address, int line) {
    if (address == 0) {
      return "(null)";
    }
    StringBuilder text = new StringBuilder();
    for (long at = address; text.length() < MAX_CHARS; at++) {
      byte next = context.loadByte(at, line);
      if (next == 0) {
        break;
      }
      text.append((char) (next & 0xFF));
    }
    return text.toString();
  }

  private static String decode(String bytes) {
    return new String(bytes.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
  }

  /** Prints, and gives the number of arguments; -1 without a format. */
  static int print(BlockContext context, long format, long buffer, int line) {
    if (format == 0) {
      return -1;
    }
    PrintFormat.Arguments arguments =
        new PrintFormat.Arguments() {
          private long at = buffer;

          @Override
          public long next(int sizeBytes) {
            at = (at + sizeBytes - 1) & -sizeBytes;
            long here = at;
            at += sizeBytes;
            return sizeBytes == 8 ? context.loadLong(here, line) : context.loadInt(here, line);
          }

          @Override
          public String text(long address) {
            return SystemCalls.text(context, address, line);
          }
        };
    PrintFormat.Printed printed = PrintFormat.print(text(context, format, line), arguments);
    context.output.print(printed.text());
    return printed.arguments();
  }

  /** The fault of an assertion that does not hold, with the text that CUDA gives it. */
  static DeviceTrap assertion(
      BlockContext context, long message, long file, int fileLine, long function, int line) {
    String problem =
        decode(text(context, file, line))
            + ":"
            + Integer.toUnsignedString(fileLine)
            + ": "
            + decode(text(context, function, line))
            + ": Assertion `"
            + decode(text(context, message, line))
            + "` failed.";
    return new DeviceTrap(PtxFault.Kind.ASSERTION, line, 0, problem);
  }
}
