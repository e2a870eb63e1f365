package io.farwarp.cli.run;

import io.farwarp.v1.ElementType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What a NumPy {@code .npy} file says of its content (NEP 1, format versions 1.0 to 3.0).
 *
 * @param type of the elements, little-endian
 * @param shape extents, outermost first, in C order; empty for a single value
 * @param dataOffset where the elements start in the file
 */
record NpyHeader(ElementType type, List<Long> shape, long dataOffset) {
  private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};

  /** Bytes of a file that hold every header we accept. */
  static final int MAX_BYTES = 64 * 1024;

  private static final int MAX_DIMENSIONS = 32;
  private static final int ALIGNMENT = 64;

  private static final Map<String, ElementType> TYPES =
      Map.ofEntries(
          Map.entry("|i1", ElementType.I8),
          Map.entry("|u1", ElementType.U8),
          Map.entry("|b1", ElementType.U8),
          Map.entry("<i2", ElementType.I16),
          Map.entry("<u2", ElementType.U16),
          Map.entry("<i4", ElementType.I32),
          Map.entry("<u4", ElementType.U32),
          Map.entry("<i8", ElementType.I64),
          Map.entry("<u8", ElementType.U64),
          Map.entry("<f2", ElementType.F16),
          Map.entry("<f4", ElementType.F32),
          Map.entry("<f8", ElementType.F64),
          // What ml_dtypes writes for bfloat16, which NumPy itself does not know.
          Map.entry("<V2", ElementType.BF16),
          Map.entry("|V2", ElementType.BF16));

  private static final Pattern DESCR = Pattern.compile("'descr'\\s*:\\s*'([^']*)'");
  private static final Pattern ORDER = Pattern.compile("'fortran_order'\\s*:\\s*(True|False)");
  private static final Pattern SHAPE = Pattern.compile("'shape'\\s*:\\s*\\(([0-9,\\sL]*)\\)");
  private static final Pattern DICTIONARY = Pattern.compile("\\s*\\{.*\\}\\s*", Pattern.DOTALL);

  NpyHeader {
    shape = List.copyOf(shape);
  }

  /** Number of elements. */
  long elements() {
    return shape.stream().reduce(1L, Math::multiplyExact);
  }

  /**
   * Reads the header at the start of a file.
   *
   * @param start the first bytes of the file, up to {@link #MAX_BYTES}
   * @throws NpyException if it is none, or of a content that we do not take
   */
  static NpyHeader read(byte[] start) throws NpyException {
    ByteBuffer bytes = ByteBuffer.wrap(start).order(ByteOrder.LITTLE_ENDIAN);
    if (start.length < 10 || !ByteBuffer.wrap(start, 0, 6).equals(ByteBuffer.wrap(MAGIC))) {
      throw new NpyException("not a .npy file (it does not start with \\x93NUMPY)");
    }
    int major = start[6];
    long length;
    int offset;
    if (major == 1) {
      length = bytes.getShort(8) & 0xFFFF;
      offset = 10;
    } else if ((major == 2 || major == 3) && start.length >= 12) {
      length = bytes.getInt(8) & 0xFFFF_FFFFL;
      offset = 12;
    } else {
      throw new NpyException(".npy format version " + major + "; this reads 1 to 3");
    }
    if (length > start.length - offset) {
      throw new NpyException(
          "its header of " + length + " bytes is truncated or larger than " + MAX_BYTES);
    }
    String text =
        new String(
            start,
            offset,
            (int) length,
            major == 3 ? StandardCharsets.UTF_8 : StandardCharsets.ISO_8859_1);
    return parse(text, offset + length);
  }

  private static NpyHeader parse(String text, long dataOffset) throws NpyException {
    if (!DICTIONARY.matcher(text).matches()) {
      throw new NpyException("its header is no dictionary");
    }
    Matcher descr = DESCR.matcher(text);
    if (!descr.find()) {
      throw new NpyException("its header has no plain 'descr'; records are not supported");
    }
    ElementType type = TYPES.get(descr.group(1).replace('=', '<'));
    if (type == null) {
      String hint =
          descr.group(1).startsWith(">")
              ? "big-endian; save it with .astype(a.dtype.newbyteorder('<'))"
              : "supported are "
                  + TYPES.keySet().stream().sorted().collect(Collectors.joining(" "));
      throw new NpyException("its type is '" + descr.group(1) + "': " + hint);
    }
    List<Long> shape = shape(text);
    Matcher order = ORDER.matcher(text);
    if (!order.find()) {
      throw new NpyException("its header does not say 'fortran_order'");
    }
    boolean oneWay = shape.stream().filter(extent -> extent != 1).count() <= 1;
    if (order.group(1).equals("True") && !oneWay) {
      throw new NpyException(
          "it is in Fortran order; save it with np.save(file, np.ascontiguousarray(a))");
    }
    return new NpyHeader(type, shape, dataOffset);
  }

  private static List<Long> shape(String text) throws NpyException {
    Matcher matcher = SHAPE.matcher(text);
    if (!matcher.find()) {
      throw new NpyException("its header has no 'shape'");
    }
    List<Long> shape = new ArrayList<>();
    long elements = 1;
    for (String part : matcher.group(1).split(",", -1)) {
      String extent = part.replace("L", "").strip();
      if (extent.isEmpty()) {
        continue;
      }
      try {
        shape.add(Long.parseLong(extent));
        elements = Math.multiplyExact(elements, Math.max(1, shape.getLast()));
      } catch (NumberFormatException | ArithmeticException e) {
        throw new NpyException("its shape (" + matcher.group(1) + ") is too large", e);
      }
    }
    if (shape.size() > MAX_DIMENSIONS || elements > Long.MAX_VALUE / 8) {
      throw new NpyException("its shape (" + matcher.group(1) + ") is too large");
    }
    return shape;
  }

  /** The bytes that go before the elements of a file like this, of format 1.0, padded to 64. */
  static byte[] write(ElementType type, List<Long> shape) {
    String extents = shape.stream().map(String::valueOf).collect(Collectors.joining(", "));
    String text =
        "{'descr': '%s', 'fortran_order': False, 'shape': (%s%s), }"
            .formatted(descr(type), extents, shape.size() == 1 ? "," : "");
    int total = (10 + text.length() + 1 + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    String padded = text + " ".repeat(total - 10 - text.length() - 1) + "\n";
    ByteBuffer bytes = ByteBuffer.allocate(total).order(ByteOrder.LITTLE_ENDIAN);
    bytes.put(MAGIC).put((byte) 1).put((byte) 0).putShort((short) padded.length());
    return bytes.put(padded.getBytes(StandardCharsets.US_ASCII)).array();
  }

  /** NumPy's name of a type. */
  static String descr(ElementType type) {
    return switch (type) {
      case I8 -> "|i1";
      case U8 -> "|u1";
      case I16 -> "<i2";
      case U16 -> "<u2";
      case I32 -> "<i4";
      case U32 -> "<u4";
      case I64 -> "<i8";
      case U64 -> "<u8";
      case F16 -> "<f2";
      case BF16 -> "<V2";
      case F32 -> "<f4";
      case F64 -> "<f8";
      case ELEMENT_TYPE_UNSPECIFIED, UNRECOGNIZED ->
          throw new IllegalArgumentException("element type " + type);
    };
  }
}
