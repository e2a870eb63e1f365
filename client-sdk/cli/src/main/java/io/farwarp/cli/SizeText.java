package io.farwarp.cli;

import io.farwarp.client.ByteSize;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * Bytes on the command line: {@code 4096}, {@code 512M}, {@code 64G} or {@code 64GiB}; units are
 * powers of 1024.
 */
public final class SizeText implements ITypeConverter<Long> {
  private static final Pattern FORM = Pattern.compile("([0-9]{1,7})(?:([KMGT])(?:i?B)?)?");

  @Override
  public Long convert(String text) {
    Matcher matcher = FORM.matcher(text.strip());
    if (!matcher.matches()) {
      throw new TypeConversionException("'" + text + "' is no size like 4096, 512M or 64G");
    }
    long count = Long.parseLong(matcher.group(1));
    return switch (matcher.group(2)) {
      case null -> count;
      case "K" -> ByteSize.KIB.of(count);
      case "M" -> ByteSize.MIB.of(count);
      case "G" -> ByteSize.GIB.of(count);
      default -> ByteSize.TIB.of(count);
    };
  }
}
