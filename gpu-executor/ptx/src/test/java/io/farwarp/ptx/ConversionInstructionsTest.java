package io.farwarp.ptx;

import static io.farwarp.ptx.Conformance.bits;
import static io.farwarp.ptx.Conformance.f32;
import static io.farwarp.ptx.Conformance.f64;
import static io.farwarp.ptx.Conformance.number;

import io.farwarp.ptx.Conformance.Case;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** {@code cvt} between all integer and float types, at edge values. */
final class ConversionInstructionsTest {
  private static final List<PtxType> INTEGERS =
      List.of(
          PtxType.U8,
          PtxType.S8,
          PtxType.U16,
          PtxType.S16,
          PtxType.U32,
          PtxType.S32,
          PtxType.U64,
          PtxType.S64);
  private static final List<PtxType> FLOATS =
      List.of(PtxType.F16, PtxType.BF16, PtxType.F32, PtxType.F64);

  private static BigInteger big(PtxType type, long bits) {
    BigInteger value = BigInteger.valueOf(number(type, bits));
    return type.isSigned() || value.signum() >= 0 ? value : value.add(BigInteger.TWO.pow(64));
  }

  private static BigInteger clamp(PtxType type, BigInteger value) {
    int bits = type.sizeBytes() * 8;
    BigInteger low = type.isSigned() ? BigInteger.TWO.pow(bits - 1).negate() : BigInteger.ZERO;
    BigInteger high =
        BigInteger.TWO.pow(type.isSigned() ? bits - 1 : bits).subtract(BigInteger.ONE);
    return value.max(low).min(high);
  }

  static List<Case> integers() {
    List<Case> cases = new ArrayList<>();
    for (PtxType to : INTEGERS) {
      for (PtxType from : INTEGERS) {
        String types = "." + to.keyword() + "." + from.keyword() + " d, a;";
        cases.add(new Case("cvt" + types, to, List.of(from), (a, b, c, e) -> number(from, a)));
        cases.add(
            new Case(
                "cvt.sat" + types,
                to,
                List.of(from),
                (a, b, c, e) -> clamp(to, big(from, a)).longValue()));
      }
    }
    // The destination register may be wider than the type.
    cases.add(
        new Case("cvt.s8.s32 d, a;", PtxType.S32, List.of(PtxType.S32), (a, b, c, e) -> (byte) a));
    cases.add(
        new Case(
            "cvt.u16.u32 d, a;", PtxType.U64, List.of(PtxType.U32), (a, b, c, e) -> a & 0xFFFF));
    return cases;
  }

  private static double value(PtxType type, long bits) {
    return switch (type) {
      case F16, BF16 -> HalfFormat.of(type).value(bits);
      case F32 -> f32(bits);
      default -> f64(bits);
    };
  }

  static List<Case> floatToInteger() {
    List<Case> cases = new ArrayList<>();
    for (PtxType to : INTEGERS) {
      for (PtxType from : FLOATS) {
        for (String rounding : new String[] {"rni", "rzi", "rmi", "rpi"}) {
          cases.add(
              new Case(
                  "cvt." + rounding + "." + to.keyword() + "." + from.keyword() + " d, a;",
                  to,
                  List.of(from),
                  (a, b, c, e) -> integral(to, from, value(from, a), rounding)));
        }
      }
    }
    return cases;
  }

  private static long integral(PtxType to, PtxType from, double value, String rounding) {
    if (Double.isNaN(value)) {
      // The rule of the PTX ISA: 0 only between types of at most 32 bits.
      return from == PtxType.F64 || to.sizeBytes() == 8 ? 1L << (to.sizeBytes() * 8 - 1) : 0;
    }
    if (Double.isInfinite(value)) {
      return clamp(to, BigInteger.TWO.pow(80).multiply(BigInteger.valueOf(value > 0 ? 1 : -1)))
          .longValue();
    }
    RoundingMode mode =
        switch (rounding.charAt(1)) {
          case 'n' -> RoundingMode.HALF_EVEN;
          case 'z' -> RoundingMode.DOWN;
          case 'm' -> RoundingMode.FLOOR;
          default -> RoundingMode.CEILING;
        };
    return clamp(to, new BigDecimal(value).setScale(0, mode).toBigInteger()).longValue();
  }

  static List<Case> integerToFloat() {
    List<Case> cases = new ArrayList<>();
    for (PtxType from : INTEGERS) {
      for (char mode : new char[] {'n', 'z', 'm', 'p'}) {
        String suffix = "." + from.keyword() + " d, a;";
        cases.add(
            new Case(
                "cvt.r" + mode + ".f32" + suffix,
                PtxType.F32,
                List.of(from),
                (a, b, c, e) -> bits(Rounding.toFloat(new BigDecimal(big(from, a)), mode))));
        cases.add(
            new Case(
                "cvt.r" + mode + ".f64" + suffix,
                PtxType.F64,
                List.of(from),
                (a, b, c, e) -> bits(Rounding.toDouble(new BigDecimal(big(from, a)), mode))));
      }
      for (HalfFormat f : HalfFormat.values()) {
        for (char mode : new char[] {'n', 'z', 'm', 'p'}) {
          cases.add(
              new Case(
                  "cvt.r" + mode + "." + f.type.keyword() + "." + from.keyword() + " d, a;",
                  f.type,
                  List.of(from),
                  (a, b, c, e) ->
                      f.round(big(from, a).signum(), new BigDecimal(big(from, a)), mode)));
        }
      }
    }
    return cases;
  }

  static List<Case> floatToFloat() {
    List<Case> cases = new ArrayList<>();
    PtxType f32 = PtxType.F32;
    PtxType f64 = PtxType.F64;
    PtxType f16 = PtxType.F16;
    cases.add(
        new Case("cvt.f64.f32 d, a;", f64, List.of(f32), (a, b, c, e) -> bits((double) f32(a))));
    cases.add(
        new Case(
            "cvt.f32.f16 d, a;",
            f32,
            List.of(f16),
            (a, b, c, e) -> bits(Float.float16ToFloat((short) a))));
    for (char mode : new char[] {'n', 'z', 'm', 'p'}) {
      cases.add(
          new Case(
              "cvt.r" + mode + ".f32.f64 d, a;",
              f32,
              List.of(f64),
              (a, b, c, e) ->
                  bits(
                      Double.isFinite(f64(a)) && f64(a) != 0
                          ? Rounding.toFloat(new BigDecimal(f64(a)), mode)
                          : (float) f64(a))));
    }
    cases.add(
        new Case(
            "cvt.rn.f16.f32 d, a;",
            f16,
            List.of(f32),
            (a, b, c, e) -> Float.floatToFloat16(f32(a))));
    cases.add(
        new Case(
            "cvt.sat.f32.f32 d, a;",
            f32,
            List.of(f32),
            (a, b, c, e) -> bits(Float.isNaN(f32(a)) ? 0f : Math.max(0f, Math.min(1f, f32(a))))));
    cases.add(
        new Case(
            "cvt.rni.f32.f32 d, a;",
            f32,
            List.of(f32),
            (a, b, c, e) -> bits((float) Math.rint(f32(a)))));
    cases.add(
        new Case(
            "cvt.rmi.f64.f64 d, a;", f64, List.of(f64), (a, b, c, e) -> bits(Math.floor(f64(a)))));
    cases.add(
        new Case(
            "cvt.rzi.f32.f32 d, a;",
            f32,
            List.of(f32),
            (a, b, c, e) -> bits((float) (f32(a) < 0 ? Math.ceil(f32(a)) : Math.floor(f32(a))))));
    return cases;
  }

  @ParameterizedTest
  @MethodSource({"integers", "floatToInteger", "integerToFloat", "floatToFloat"})
  void conversion_agrees_with_exact_arithmetic(Case test) throws Exception {
    Conformance.check(test);
  }
}
