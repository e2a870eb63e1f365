package io.farwarp.function;

import io.farwarp.v1.ElementType;
import java.util.Locale;

/** What the element types of tensors and scalars are: sizes, signs, names, values from text. */
public final class ElementTypes {
  private ElementTypes() {}

  /** Bytes of one element, 1 to 8. */
  public static int bytes(ElementType type) {
    return switch (type) {
      case I8, U8 -> 1;
      case I16, U16, F16, BF16 -> 2;
      case I32, U32, F32 -> 4;
      case I64, U64, F64 -> 8;
      case ELEMENT_TYPE_UNSPECIFIED, UNRECOGNIZED ->
          throw new IllegalArgumentException("element type " + type + " has no size");
    };
  }

  /** True for a type that this version knows. */
  public static boolean isKnown(ElementType type) {
    return type != ElementType.UNRECOGNIZED && type != ElementType.ELEMENT_TYPE_UNSPECIFIED;
  }

  public static boolean isInteger(ElementType type) {
    return switch (type) {
      case I8, U8, I16, U16, I32, U32, I64, U64 -> true;
      case F16, BF16, F32, F64, ELEMENT_TYPE_UNSPECIFIED, UNRECOGNIZED -> false;
    };
  }

  /** The name that people read and write: "f32". */
  public static String label(ElementType type) {
    return isKnown(type) ? type.name().toLowerCase(Locale.ROOT) : "unknown";
  }

  /**
   * The value of an integer scalar's bits, sign- or zero-extended. A U64 above 2^63-1 comes out
   * negative.
   */
  static long integerValue(ElementType type, long bits) {
    return switch (type) {
      case I8 -> (byte) bits;
      case U8 -> bits & 0xFFL;
      case I16 -> (short) bits;
      case U16 -> bits & 0xFFFFL;
      case I32 -> (int) bits;
      case U32 -> bits & 0xFFFF_FFFFL;
      case I64, U64 -> bits;
      case F16, BF16, F32, F64, ELEMENT_TYPE_UNSPECIFIED, UNRECOGNIZED -> 0;
    };
  }

  /**
   * The bits, zero-extended to 64, of a scalar written as text.
   *
   * @throws NumberFormatException if the text is no number of this type or lies outside its range
   */
  public static long parseBits(ElementType type, String text) {
    String number = text.strip();
    return switch (type) {
      case I8 -> range(number, Byte.MIN_VALUE, Byte.MAX_VALUE) & 0xFFL;
      case U8 -> range(number, 0, 0xFFL);
      case I16 -> range(number, Short.MIN_VALUE, Short.MAX_VALUE) & 0xFFFFL;
      case U16 -> range(number, 0, 0xFFFFL);
      case I32 -> range(number, Integer.MIN_VALUE, Integer.MAX_VALUE) & 0xFFFF_FFFFL;
      case U32 -> range(number, 0, 0xFFFF_FFFFL);
      case I64 -> Long.parseLong(number);
      case U64 -> Long.parseUnsignedLong(number);
      case F16 -> Float.floatToFloat16(Float.parseFloat(number)) & 0xFFFFL;
      case BF16 -> bfloat16(Float.parseFloat(number));
      case F32 -> Float.floatToRawIntBits(Float.parseFloat(number)) & 0xFFFF_FFFFL;
      case F64 -> Double.doubleToRawLongBits(Double.parseDouble(number));
      case ELEMENT_TYPE_UNSPECIFIED, UNRECOGNIZED ->
          throw new NumberFormatException("element type " + type + " has no values");
    };
  }

  private static long range(String number, long least, long most) {
    long value = Long.parseLong(number);
    if (value < least || value > most) {
      throw new NumberFormatException(value + " is outside " + least + " to " + most);
    }
    return value;
  }

  /** Round to nearest even, as CUDA's {@code __float2bfloat16} does. */
  private static long bfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return 0x7FFF;
    }
    return ((bits + 0x7FFF + ((bits >>> 16) & 1)) >>> 16) & 0xFFFFL;
  }
}
