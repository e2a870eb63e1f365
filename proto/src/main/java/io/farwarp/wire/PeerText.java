package io.farwarp.wire;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Arrays;
import java.util.regex.Pattern;

/** Text that crosses from one process to another for people to read: why something has ended. */
public final class PeerText {
  private static final Pattern UNPRINTABLE = Pattern.compile("[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]");

  private PeerText() {}

  /**
   * {@code text} with a space for each line's end and tab, and a '?' for each other control or
   * format character, so that its author writes into no terminal or log but this text.
   */
  public static String printable(String text) {
    return UNPRINTABLE
        .matcher(text)
        .replaceAll(found -> Character.isWhitespace(found.group().codePointAt(0)) ? " " : "?");
  }

  /** {@code text} in UTF-8, cut at {@link Wire#MAX_DETAIL_BYTES} on a character's edge. */
  public static byte[] encode(String text) {
    byte[] bytes = text.getBytes(UTF_8);
    if (bytes.length <= Wire.MAX_DETAIL_BYTES) {
      return bytes;
    }
    int end = Wire.MAX_DETAIL_BYTES;
    while (end > 0 && (bytes[end] & 0xC0) == 0x80) {
      end--;
    }
    return Arrays.copyOf(bytes, end);
  }

  /** A peer's one line of UTF-8, {@link #printable}; bytes that are not UTF-8 become U+FFFD. */
  public static String decode(byte[] bytes) {
    return printable(new String(bytes, UTF_8)).strip();
  }
}
