package io.farwarp.wire;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What an NVIDIA GPU can run, as a number: 10 times the major version plus the minor one, as in
 * {@code sm_90}; 0 for none. People write "9.0".
 */
public final class ComputeCapability {
  public static final int MAX = 999;

  private static final Pattern FORM = Pattern.compile("([1-9][0-9]?)\\.([0-9])");

  private ComputeCapability() {}

  /** The number of "9.0"; throws {@link IllegalArgumentException} if it is none like it. */
  public static int parse(String text) {
    Matcher matcher = FORM.matcher(text);
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          "compute capability '%s' is none like 9.0".formatted(PeerText.printable(text)));
    }
    return 10 * Integer.parseInt(matcher.group(1)) + Integer.parseInt(matcher.group(2));
  }

  /** "9.0" of 90. */
  public static String text(int number) {
    return number / 10 + "." + number % 10;
  }
}
