package io.farwarp.ptx;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * A line of PTX and what it must give, checked over all combinations of edge values and over seeded
 * random ones.
 */
final class Conformance {
  /** The expected bits of the result from the bits of the operands. */
  interface Reference {
    long apply(long a, long b, long c, long e);
  }

  record Case(String code, PtxType result, List<PtxType> operands, Reference reference) {
    @Override
    public String toString() {
      return code;
    }
  }

  private static final int RANDOM_ROWS = 200;

  private Conformance() {}

  static void check(Case test) throws Exception {
    List<long[]> rows = rows(test);
    long[] results = OneInstruction.run(test.code(), test.result(), test.operands(), rows);
    Disagreement first = firstDisagreement(test, rows, results, 0);
    if (first != null) {
      assertEquals(
          Long.toHexString(first.expected()), Long.toHexString(first.actual()), first.where());
    }
  }

  /** All combinations of edge values, then random ones. */
  static List<long[]> rows(Case test) {
    List<long[]> rows = OneInstruction.combinations(test.operands());
    Random random = new Random(test.code().hashCode());
    for (int i = 0; i < RANDOM_ROWS && !test.operands().isEmpty(); i++) {
      rows.add(test.operands().stream().mapToLong(t -> OneInstruction.random(t, random)).toArray());
    }
    return rows;
  }

  /** A row whose result is not the one that the case states. */
  record Disagreement(String where, long expected, long actual) {}

  /** {@code tolerance} is relative to what is expected; 0: every bit counts. */
  static @Nullable Disagreement firstDisagreement(
      Case test, List<long[]> rows, long[] results, double tolerance) {
    for (int i = 0; i < results.length; i++) {
      long[] row = Arrays.copyOf(rows.get(i), 4);
      long expected =
          canonical(test.result(), test.reference().apply(row[0], row[1], row[2], row[3]));
      long actual = canonical(test.result(), results[i]);
      if (expected != actual && !isNear(test.result(), expected, actual, tolerance)) {
        return new Disagreement(test.code() + describe(rows.get(i)), expected, actual);
      }
    }
    return null;
  }

  private static boolean isNear(PtxType type, long expected, long actual, double tolerance) {
    double x = type == PtxType.F64 ? f64(expected) : f32(expected);
    double y = type == PtxType.F64 ? f64(actual) : f32(actual);
    double smallest = type == PtxType.F64 ? Double.MIN_NORMAL : Float.MIN_NORMAL;
    return tolerance > 0 && Math.abs(x - y) <= Math.max(smallest, tolerance * Math.abs(x));
  }

  private static String describe(long[] row) {
    StringBuilder text = new StringBuilder(" of");
    for (long value : row) {
      text.append(" 0x").append(Long.toHexString(value));
    }
    return text.toString();
  }

  /** Bits beyond the type do not count, and all NaNs are alike. */
  private static long canonical(PtxType type, long bits) {
    return switch (type) {
      case F32 ->
          Float.isNaN(Float.intBitsToFloat((int) bits)) ? 0x7FC0_0000L : bits & 0xFFFF_FFFFL;
      case F64 ->
          Double.isNaN(Double.longBitsToDouble(bits)) ? Double.doubleToLongBits(Double.NaN) : bits;
      case F16, BF16 -> HalfFormat.of(type).isNan(bits) ? HalfFormat.NAN : bits & 0xFFFF;
      case F16X2, BF16X2 ->
          canonical(type.element(), bits & 0xFFFF)
              | (canonical(type.element(), (bits >>> 16) & 0xFFFF) << 16);
      case PRED -> bits;
      default -> type.sizeBytes() == 8 ? bits : bits & ((1L << (type.sizeBytes() * 8)) - 1);
    };
  }

  /** Reads bits as a signed or unsigned number of a type. */
  static long number(PtxType type, long bits) {
    int unused = 64 - type.sizeBytes() * 8;
    return type.isSigned() ? bits << unused >> unused : bits << unused >>> unused;
  }

  static float f32(long bits) {
    return Float.intBitsToFloat((int) bits);
  }

  static double f64(long bits) {
    return Double.longBitsToDouble(bits);
  }

  static long bits(float value) {
    return Float.floatToRawIntBits(value) & 0xFFFF_FFFFL;
  }

  static long bits(double value) {
    return Double.doubleToRawLongBits(value);
  }
}
