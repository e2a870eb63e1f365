package io.farwarp.ptx;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.ptx.Conformance.Case;
import io.farwarp.ptx.Conformance.Reference;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Arithmetic and comparisons in f16 and bf16, alone and packed, against exact arithmetic. */
final class HalfInstructionsTest {
  private static final String[] ARGUMENTS = {"", " d, a;", " d, a, b;", " d, a, b, c;"};

  private interface Operation {
    double apply(double a, double b, double c);
  }

  private interface Exact {
    BigDecimal apply(BigDecimal a, BigDecimal b, BigDecimal c);
  }

  /** The scalar instruction and the packed one, which is the scalar one for each half. */
  private static void add(List<Case> cases, String name, HalfFormat f, int n, Reference scalar) {
    cases.add(
        new Case(
            name + "." + f.type.keyword() + ARGUMENTS[n],
            f.type,
            Collections.nCopies(n, f.type),
            scalar));
    cases.add(
        new Case(
            name + "." + f.packed.keyword() + ARGUMENTS[n],
            f.packed,
            Collections.nCopies(n, f.packed),
            packed(scalar)));
  }

  private static Reference packed(Reference scalar) {
    return (a, b, c, e) ->
        (scalar.apply(a & 0xFFFF, b & 0xFFFF, c & 0xFFFF, e) & 0xFFFF)
            | (scalar.apply(a >>> 16, b >>> 16, c >>> 16, e) << 16);
  }

  private static Reference rounded(HalfFormat f, Operation plain, Exact exact) {
    return (a, b, c, e) ->
        f.round(
            plain.apply(f.value(a), f.value(b), f.value(c)),
            exact.apply(big(f.value(a)), big(f.value(b)), big(f.value(c))),
            'n');
  }

  private static BigDecimal big(double x) {
    return Double.isFinite(x) ? new BigDecimal(x) : BigDecimal.ZERO;
  }

  private static long flush(long a) {
    return HalfFormat.F16.isSubnormal(a) ? a & 0x8000 : a;
  }

  private static Reference flushed(Reference plain) {
    return (a, b, c, e) -> flush(plain.apply(flush(a), flush(b), flush(c), e));
  }

  private static Reference saturated(Reference plain) {
    return (a, b, c, e) -> {
      double result = HalfFormat.F16.value(plain.apply(a, b, c, e));
      double clamped = result > 0 ? Math.min(1, result) : 0;
      return HalfFormat.F16.round(clamped, 'n');
    };
  }

  private static Reference relu(HalfFormat f, Reference plain) {
    return (a, b, c, e) -> {
      long result = plain.apply(a, b, c, e);
      return f.isNan(result) ? HalfFormat.NAN : (result & 0x8000) != 0 ? 0 : result;
    };
  }

  static List<Case> arithmetic() {
    List<Case> cases = new ArrayList<>();
    for (HalfFormat f : HalfFormat.values()) {
      Reference sum = rounded(f, (a, b, c) -> a + b, (a, b, c) -> a.add(b));
      Reference difference = rounded(f, (a, b, c) -> a - b, (a, b, c) -> a.subtract(b));
      Reference product = rounded(f, (a, b, c) -> a * b, (a, b, c) -> a.multiply(b));
      Reference fused = rounded(f, Math::fma, (a, b, c) -> a.multiply(b).add(c));
      for (String rn : new String[] {"", ".rn"}) {
        add(cases, "add" + rn, f, 2, sum);
        add(cases, "sub" + rn, f, 2, difference);
        add(cases, "mul" + rn, f, 2, product);
      }
      add(cases, "fma.rn", f, 3, fused);
      add(cases, "fma.rn.relu", f, 3, relu(f, fused));
      add(cases, "neg", f, 1, (a, b, c, e) -> a ^ 0x8000);
      add(cases, "abs", f, 1, (a, b, c, e) -> a & 0x7FFF);
      if (f == HalfFormat.F16) {
        add(cases, "add.ftz", f, 2, flushed(sum));
        add(cases, "sub.ftz", f, 2, flushed(difference));
        add(cases, "mul.rn.ftz", f, 2, flushed(product));
        add(cases, "fma.rn.ftz", f, 3, flushed(fused));
        add(cases, "add.sat", f, 2, saturated(sum));
        add(cases, "sub.rn.sat", f, 2, saturated(difference));
        add(cases, "mul.ftz.sat", f, 2, saturated(flushed(product)));
        add(cases, "fma.rn.sat", f, 3, saturated(fused));
        add(cases, "fma.rn.ftz.relu", f, 3, relu(f, flushed(fused)));
        add(cases, "neg.ftz", f, 1, (a, b, c, e) -> flush(a) ^ 0x8000);
        add(cases, "abs.ftz", f, 1, (a, b, c, e) -> flush(a) & 0x7FFF);
      }
    }
    return cases;
  }

  private static Reference choice(HalfFormat f, boolean least, boolean nan, boolean signs) {
    return (a, b, c, e) -> {
      boolean nanA = f.isNan(a);
      boolean nanB = f.isNan(b);
      if ((nanA && nanB) || (nan && (nanA || nanB))) {
        return HalfFormat.NAN;
      }
      long x = signs ? a & 0x7FFF : a;
      long y = signs ? b & 0x7FFF : b;
      long sign = signs ? (a ^ b) & 0x8000 : 0;
      if (nanA || nanB) {
        return sign | (nanA ? y : x);
      }
      double chosen = least ? Math.min(f.value(x), f.value(y)) : Math.max(f.value(x), f.value(y));
      return sign | f.round(chosen, 'n');
    };
  }

  static List<Case> choices() {
    List<Case> cases = new ArrayList<>();
    for (HalfFormat f : HalfFormat.values()) {
      for (int flags = 0; flags < 8; flags++) {
        boolean nan = (flags & 1) != 0;
        boolean signs = (flags & 2) != 0;
        boolean ftz = (flags & 4) != 0;
        if (ftz && f == HalfFormat.BF16) {
          continue;
        }
        String suffix = (ftz ? ".ftz" : "") + (nan ? ".NaN" : "") + (signs ? ".xorsign.abs" : "");
        for (boolean least : new boolean[] {true, false}) {
          Reference plain = choice(f, least, nan, signs);
          add(cases, (least ? "min" : "max") + suffix, f, 2, ftz ? flushed(plain) : plain);
        }
      }
    }
    return cases;
  }

  private static final String[] COMPARISONS = {
    "eq", "ne", "lt", "le", "gt", "ge", "equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan"
  };

  private static boolean holds(String comparison, double a, double b) {
    boolean unordered = Double.isNaN(a) || Double.isNaN(b);
    return switch (comparison) {
      case "num" -> !unordered;
      case "nan" -> unordered;
      default ->
          unordered
              ? comparison.length() == 3
              : switch (comparison.substring(0, 2)) {
                case "eq" -> a == b;
                case "ne" -> a != b;
                case "lt" -> a < b;
                case "le" -> a <= b;
                case "gt" -> a > b;
                default -> a >= b;
              };
    };
  }

  private static final String BOTH =
      " p|q, a, b; selp.u32 d, 1, 0, p; selp.u32 %i2, 2, 0, q; or.b32 d, d, %i2;";

  static List<Case> comparisons() {
    List<Case> cases = new ArrayList<>();
    for (HalfFormat f : HalfFormat.values()) {
      List<PtxType> two = List.of(f.type, f.type);
      List<PtxType> packed = List.of(f.packed, f.packed);
      String scalar = "." + f.type.keyword();
      String pair = "." + f.packed.keyword();
      long one = f.round(1, 'n');
      for (String comparison : COMPARISONS) {
        Reference truth = (a, b, c, e) -> holds(comparison, f.value(a), f.value(b)) ? 1 : 0;
        String name = comparison;
        cases.add(new Case("setp." + name + scalar + " d, a, b;", PtxType.PRED, two, truth));
        cases.add(
            new Case(
                "setp." + name + pair + BOTH,
                PtxType.U32,
                packed,
                (a, b, c, e) ->
                    truth.apply(a & 0xFFFF, b & 0xFFFF, c, e)
                        | (truth.apply(a >>> 16, b >>> 16, c, e) << 1)));
        set(
            cases,
            "set." + name,
            f.type,
            scalar,
            two,
            (a, b, c, e) -> truth.apply(a, b, c, e) * one);
        set(
            cases,
            "set." + name,
            PtxType.U16,
            scalar,
            two,
            (a, b, c, e) -> -truth.apply(a, b, c, e));
        set(
            cases,
            "set." + name,
            PtxType.S32,
            scalar,
            two,
            (a, b, c, e) -> -truth.apply(a, b, c, e));
        Reference ones = packed((a, b, c, e) -> truth.apply(a, b, c, e) * one);
        Reference masks = packed((a, b, c, e) -> -truth.apply(a, b, c, e));
        set(cases, "set." + name, f.packed, pair, packed, ones);
        set(cases, "set." + name, PtxType.U32, pair, packed, masks);
      }
      cases.add(
          new Case(
              "setp.lt.xor" + scalar + " d, a, b, !c;",
              PtxType.PRED,
              List.of(f.type, f.type, PtxType.PRED),
              (a, b, c, e) -> (holds("lt", f.value(a), f.value(b)) ? 1 : 0) ^ (1 - c)));
      cases.add(
          new Case(
              "set.ge." + f.type.keyword() + ".f32 d, a, b;",
              f.type,
              List.of(PtxType.F32, PtxType.F32),
              (a, b, c, e) -> Conformance.f32(a) >= Conformance.f32(b) ? one : 0));
    }
    cases.add(
        new Case(
            "setp.eq.ftz.f16 d, a, b;",
            PtxType.PRED,
            List.of(PtxType.F16, PtxType.F16),
            (a, b, c, e) ->
                HalfFormat.F16.value(flush(a)) == HalfFormat.F16.value(flush(b)) ? 1 : 0));
    return cases;
  }

  private static void set(
      List<Case> cases,
      String name,
      PtxType result,
      String source,
      List<PtxType> operands,
      Reference reference) {
    cases.add(
        new Case(
            name + "." + result.keyword() + source + " d, a, b;", result, operands, reference));
  }

  static List<Case> conversions() {
    List<Case> cases = new ArrayList<>();
    for (HalfFormat f : HalfFormat.values()) {
      for (char mode : new char[] {'n', 'z', 'm', 'p'}) {
        String name = "cvt.r" + mode;
        one(cases, name, f.type, PtxType.F32, a -> f.round(Conformance.f32(a), mode));
        one(cases, name, f.type, PtxType.F64, a -> f.round(Conformance.f64(a), mode));
        one(
            cases,
            name + ".ftz",
            f.type,
            PtxType.F32,
            a -> f.round(flushSingle(Conformance.f32(a)), mode));
      }
      for (char mode : new char[] {'n', 'z'}) {
        clamped(cases, f, mode);
      }
      one(cases, "cvt", PtxType.F32, f.type, a -> Conformance.bits((float) f.value(a)));
      one(cases, "cvt", PtxType.F64, f.type, a -> Conformance.bits(f.value(a)));
      one(cases, "cvt.rni", f.type, f.type, a -> f.round(Math.rint(f.value(a)), 'n'));
      one(cases, "cvt.rmi", f.type, f.type, a -> f.round(Math.floor(f.value(a)), 'n'));
      one(cases, "cvt.rpi", f.type, f.type, a -> f.round(Math.ceil(f.value(a)), 'n'));
      one(
          cases,
          "cvt.rzi",
          f.type,
          f.type,
          a -> f.round(Math.copySign(Math.floor(Math.abs(f.value(a))), f.value(a)), 'n'));
      HalfFormat other = f == HalfFormat.F16 ? HalfFormat.BF16 : HalfFormat.F16;
      one(cases, "cvt.rn", other.type, f.type, a -> other.round(f.value(a), 'n'));
      one(cases, "cvt.rp", other.type, f.type, a -> other.round(f.value(a), 'p'));
    }
    one(
        cases,
        "cvt.rn.sat",
        PtxType.F16,
        PtxType.F32,
        a ->
            saturated((x, b, c, e) -> HalfFormat.F16.round(Conformance.f32(x), 'n'))
                .apply(a, 0, 0, 0));
    one(
        cases,
        "cvt.ftz",
        PtxType.F32,
        PtxType.BF16,
        a -> Conformance.bits(flushSingle((float) HalfFormat.BF16.value(a))));
    return cases;
  }

  private static float flushSingle(float x) {
    return Math.abs(x) < Float.MIN_NORMAL ? Math.copySign(0f, x) : x;
  }

  private interface Bits {
    long of(long a);
  }

  private static void one(List<Case> cases, String name, PtxType to, PtxType from, Bits result) {
    cases.add(
        new Case(
            name + "." + to.keyword() + "." + from.keyword() + " d, a;",
            to,
            List.of(from),
            (a, b, c, e) -> result.of(a)));
  }

  /** {@code .relu} and {@code .satfinite}, and the packed forms, which take two f32. */
  private static void clamped(List<Case> cases, HalfFormat f, char mode) {
    double most = f == HalfFormat.F16 ? 65504 : 0x1.FEp127;
    Reference plain = (a, b, c, e) -> f.round(Conformance.f32(a), mode);
    Reference finite =
        (a, b, c, e) ->
            f.round(
                Float.isNaN(Conformance.f32(a))
                    ? Double.NaN
                    : Math.max(-most, Math.min(most, Conformance.f32(a))),
                mode);
    String r = "cvt.r" + mode;
    one(cases, r + ".relu", f.type, PtxType.F32, a -> relu(f, plain).apply(a, 0, 0, 0));
    one(cases, r + ".satfinite", f.type, PtxType.F32, a -> finite.apply(a, 0, 0, 0));
    one(cases, r + ".relu.satfinite", f.type, PtxType.F32, a -> relu(f, finite).apply(a, 0, 0, 0));
    List<Reference> references = List.of(plain, relu(f, plain), finite);
    List<String> names = List.of("", ".relu", ".satfinite");
    for (int i = 0; i < names.size(); i++) {
      Reference reference = references.get(i);
      cases.add(
          new Case(
              r + names.get(i) + "." + f.packed.keyword() + ".f32 d, a, b;",
              f.packed,
              List.of(PtxType.F32, PtxType.F32),
              (a, b, c, e) -> (reference.apply(a, 0, 0, 0) << 16) | reference.apply(b, 0, 0, 0)));
    }
  }

  /** Far inside the errors that the ISA allows. */
  static Stream<String> approximate() {
    return Stream.of(
        "ex2.approx.f16",
        "ex2.approx.f16x2",
        "ex2.approx.ftz.bf16",
        "ex2.approx.ftz.bf16x2",
        "tanh.approx.f16",
        "tanh.approx.f16x2",
        "tanh.approx.bf16",
        "tanh.approx.bf16x2");
  }

  @ParameterizedTest
  @MethodSource("approximate")
  void approximate_function_is_the_nearest_number_or_its_neighbour(String name) throws Exception {
    HalfFormat f = name.contains("bf16") ? HalfFormat.BF16 : HalfFormat.F16;
    boolean pairs = name.endsWith("x2");
    PtxType type = pairs ? f.packed : f.type;
    List<long[]> rows = new ArrayList<>();
    for (long bits = 0; bits < 0x10000; bits++) {
      rows.add(new long[] {pairs ? bits | (~bits & 0xFFFF) << 16 : bits});
    }
    long[] results = OneInstruction.run(name + " d, a;", type, List.of(type), rows);
    for (int i = 0; i < results.length; i++) {
      requireNear(f, name, i, results[i] & 0xFFFF);
      if (pairs) {
        requireNear(f, name, ~i & 0xFFFF, results[i] >>> 16);
      }
    }
  }

  private static void requireNear(HalfFormat f, String name, long operand, long actual) {
    double x = f.value(operand);
    long expected = f.round(name.startsWith("ex2") ? Math.pow(2, x) : Math.tanh(x), 'n');
    if (name.contains("ftz") && f.isSubnormal(expected)) {
      expected = 0;
    }
    boolean near = f.isNan(expected) ? f.isNan(actual) : Math.abs(expected - actual) <= 1;
    assertTrue(near, name + " of " + x + ": " + Long.toHexString(actual));
  }

  @ParameterizedTest
  @MethodSource({"arithmetic", "choices", "comparisons", "conversions"})
  void half_instruction_is_rounded_once(Case test) throws Exception {
    Conformance.check(test);
  }
}
