package io.farwarp.ptx;

import static io.farwarp.ptx.Conformance.bits;
import static io.farwarp.ptx.Conformance.f32;
import static io.farwarp.ptx.Conformance.f64;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.ptx.Conformance.Case;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Floating-point instructions at edge values: exact where IEEE 754 defines them, else bounded. */
final class FloatInstructionsTest {
  private static final PtxType F32 = PtxType.F32;
  private static final PtxType F64 = PtxType.F64;

  private interface Float3 {
    float apply(float a, float b, float c);
  }

  private interface Double3 {
    double apply(double a, double b, double c);
  }

  private interface Exact {
    BigDecimal apply(BigDecimal a, BigDecimal b, BigDecimal c);
  }

  private static Case single(String code, int operands, Float3 reference) {
    return new Case(
        code,
        F32,
        Collections.nCopies(operands, F32),
        (a, b, c, e) -> bits(reference.apply(f32(a), f32(b), f32(c))));
  }

  private static Case twice(String code, int operands, Double3 reference) {
    return new Case(
        code,
        F64,
        Collections.nCopies(operands, F64),
        (a, b, c, e) -> bits(reference.apply(f64(a), f64(b), f64(c))));
  }

  private static float flush(float x) {
    return Math.abs(x) < Float.MIN_NORMAL ? Math.copySign(0f, x) : x;
  }

  private static Case flushing(String code, int operands, Float3 reference) {
    return single(
        code, operands, (a, b, c) -> flush(reference.apply(flush(a), flush(b), flush(c))));
  }

  private static float saturate(float x) {
    return Float.isNaN(x) ? 0f : Math.max(0f, Math.min(1f, x));
  }

  private static float least(float a, float b) {
    return Float.isNaN(a) ? b : Float.isNaN(b) ? a : Math.min(a, b);
  }

  private static float most(float a, float b) {
    return Float.isNaN(a) ? b : Float.isNaN(b) ? a : Math.max(a, b);
  }

  static List<Case> nearest() {
    List<Case> cases = new ArrayList<>();
    cases.add(single("add.f32 d, a, b;", 2, (a, b, c) -> a + b));
    cases.add(single("sub.rn.f32 d, a, b;", 2, (a, b, c) -> a - b));
    cases.add(single("mul.f32 d, a, b;", 2, (a, b, c) -> a * b));
    cases.add(single("fma.rn.f32 d, a, b, c;", 3, Math::fma));
    cases.add(single("div.rn.f32 d, a, b;", 2, (a, b, c) -> a / b));
    cases.add(single("rcp.rn.f32 d, a;", 1, (a, b, c) -> 1 / a));
    cases.add(single("sqrt.rn.f32 d, a;", 1, (a, b, c) -> (float) Math.sqrt(a)));
    cases.add(single("neg.f32 d, a;", 1, (a, b, c) -> -a));
    cases.add(single("abs.f32 d, a;", 1, (a, b, c) -> Math.abs(a)));
    cases.add(single("min.f32 d, a, b;", 2, (a, b, c) -> least(a, b)));
    cases.add(single("max.f32 d, a, b;", 2, (a, b, c) -> most(a, b)));
    cases.add(single("copysign.f32 d, a, b;", 2, (a, b, c) -> Math.copySign(b, a)));
    cases.add(single("add.sat.f32 d, a, b;", 2, (a, b, c) -> saturate(a + b)));
    cases.add(single("fma.rn.sat.f32 d, a, b, c;", 3, (a, b, c) -> saturate(Math.fma(a, b, c))));
    cases.add(flushing("add.ftz.f32 d, a, b;", 2, (a, b, c) -> a + b));
    cases.add(flushing("sub.ftz.f32 d, a, b;", 2, (a, b, c) -> a - b));
    cases.add(flushing("mul.ftz.f32 d, a, b;", 2, (a, b, c) -> a * b));
    cases.add(flushing("fma.rn.ftz.f32 d, a, b, c;", 3, Math::fma));
    cases.add(flushing("div.rn.ftz.f32 d, a, b;", 2, (a, b, c) -> a / b));
    cases.add(flushing("max.ftz.f32 d, a, b;", 2, (a, b, c) -> most(a, b)));
    cases.add(flushing("neg.ftz.f32 d, a;", 1, (a, b, c) -> -a));
    cases.add(
        flushing("mul.ftz.f32 d, a, b; mul.ftz.f32 d, d, c;", 3, (a, b, c) -> flush(a * b) * c));
    cases.add(flushing("fma.rn.ftz.f32 d, a, b, 0fBF800000;", 2, (a, b, c) -> Math.fma(a, b, -1)));
    cases.add(
        flushing(
            "fma.rn.ftz.f32 d, a, b, 0f00800001;",
            2,
            (a, b, c) -> Math.fma(a, b, 0x1.000002p-126f)));
    cases.add(flushing("add.ftz.f32 d, a, 0f3F800000;", 1, (a, b, c) -> a + 1f));
    cases.add(flushing("sub.ftz.f32 d, 0f3DCCCCCD, a;", 1, (a, b, c) -> 0.1f - a));
    cases.add(twice("add.f64 d, a, b;", 2, (a, b, c) -> a + b));
    cases.add(twice("mul.rn.f64 d, a, b;", 2, (a, b, c) -> a * b));
    cases.add(twice("fma.rn.f64 d, a, b, c;", 3, Math::fma));
    cases.add(twice("div.rn.f64 d, a, b;", 2, (a, b, c) -> a / b));
    cases.add(twice("rcp.rn.f64 d, a;", 1, (a, b, c) -> 1 / a));
    cases.add(twice("sqrt.rn.f64 d, a;", 1, (a, b, c) -> Math.sqrt(a)));
    cases.add(twice("neg.f64 d, a;", 1, (a, b, c) -> -a));
    cases.add(twice("copysign.f64 d, a, b;", 2, (a, b, c) -> Math.copySign(b, a)));
    return cases;
  }

  static List<Case> directed() {
    List<Case> cases = new ArrayList<>();
    for (char mode : new char[] {'z', 'm', 'p'}) {
      String r = ".r" + mode;
      addDirected(cases, mode, "add" + r, 2, (a, b, c) -> a + b, (a, b, c) -> a.add(b));
      addDirected(cases, mode, "sub" + r, 2, (a, b, c) -> a - b, (a, b, c) -> a.subtract(b));
      addDirected(cases, mode, "mul" + r, 2, (a, b, c) -> a * b, (a, b, c) -> a.multiply(b));
      addDirected(cases, mode, "fma" + r, 3, Math::fma, (a, b, c) -> a.multiply(b).add(c));
      addDirected(
          cases,
          mode,
          "div" + r,
          2,
          (a, b, c) -> a / b,
          (a, b, c) -> a.divide(b, new MathContext(1200)));
      addDirected(
          cases,
          mode,
          "sqrt" + r,
          1,
          (a, b, c) -> Math.sqrt(a),
          (a, b, c) -> a.sqrt(new MathContext(800)));
    }
    return cases;
  }

  /**
   * Where the exact result exists and is not zero it decides; zeros and special values follow the
   * ordinary operation, but that opposite numbers cancel to -0 when rounding down.
   */
  private static void addDirected(
      List<Case> cases, char mode, String name, int operands, Double3 plain, Exact exact) {
    String arguments = List.of(" d, a;", " d, a, b;", " d, a, b, c;").get(operands - 1);
    cases.add(
        single(
            name + ".f32" + arguments,
            operands,
            (a, b, c) -> {
              double ordinary = plain.apply(a, b, c);
              if (!exists(a, b, c, ordinary, operands, name)) {
                return (float) ordinary;
              }
              BigDecimal value = exact.apply(big(a), big(b), big(c));
              return value.signum() == 0
                  ? (float) zero(mode, name, a, b, c, ordinary)
                  : Rounding.toFloat(value, mode);
            }));
    cases.add(
        twice(
            name + ".f64" + arguments,
            operands,
            (a, b, c) -> {
              double ordinary = plain.apply(a, b, c);
              if (!exists(a, b, c, ordinary, operands, name)) {
                return ordinary;
              }
              BigDecimal value = exact.apply(big(a), big(b), big(c));
              return value.signum() == 0
                  ? zero(mode, name, a, b, c, ordinary)
                  : Rounding.toDouble(value, mode);
            }));
  }

  private static BigDecimal big(double x) {
    return Double.isFinite(x) ? new BigDecimal(x) : BigDecimal.ZERO;
  }

  private static boolean exists(
      double a, double b, double c, double ordinary, int operands, String name) {
    boolean finite =
        Double.isFinite(a)
            && (operands < 2 || Double.isFinite(b))
            && (operands < 3 || Double.isFinite(c));
    return finite && !Double.isNaN(ordinary) && !(name.startsWith("div") && b == 0);
  }

  private static double zero(
      char mode, String name, double a, double b, double c, double ordinary) {
    boolean sum = name.startsWith("add") || name.startsWith("sub") || name.startsWith("fma");
    if (!sum || mode != 'm') {
      return ordinary;
    }
    double first = name.startsWith("fma") ? a * b : a;
    double second = name.startsWith("fma") ? c : name.startsWith("sub") ? -b : b;
    boolean bothPositiveZero = first == 0 && second == 0 && 1 / first > 0 && 1 / second > 0;
    return bothPositiveZero ? 0.0 : -0.0;
  }

  static List<Case> tests() {
    List<Case> cases = new ArrayList<>();
    for (PtxType t : List.of(F32, F64)) {
      String n = "." + t.keyword() + " d, a;";
      double smallest = t == F32 ? Float.MIN_NORMAL : Double.MIN_NORMAL;
      cases.add(test("testp.finite" + n, t, x -> Double.isFinite(x)));
      cases.add(test("testp.infinite" + n, t, x -> Double.isInfinite(x)));
      cases.add(test("testp.number" + n, t, x -> !Double.isNaN(x)));
      cases.add(test("testp.notanumber" + n, t, x -> Double.isNaN(x)));
      cases.add(
          test(
              "testp.normal" + n,
              t,
              x -> x == 0 || (Double.isFinite(x) && Math.abs(x) >= smallest)));
      cases.add(test("testp.subnormal" + n, t, x -> x != 0 && Math.abs(x) < smallest));
    }
    return cases;
  }

  private interface Test1 {
    boolean holds(double x);
  }

  private static Case test(String code, PtxType type, Test1 test) {
    return new Case(
        code,
        PtxType.PRED,
        List.of(type),
        (a, b, c, e) -> test.holds(type == F32 ? f32(a) : f64(a)) ? 1 : 0);
  }

  @ParameterizedTest
  @MethodSource({"nearest", "directed", "tests"})
  void float_instruction_is_exact(Case test) throws Exception {
    Conformance.check(test);
  }

  /** How far an instruction's result may be from the exact one, for operands in a range. */
  record Bound(String instruction, double low, double high, double error, boolean relative) {
    PtxType type() {
      return instruction.endsWith("f64") ? F64 : F32;
    }
  }

  private static void bound(
      List<Bound> bounds, String name, double low, double high, double error, boolean relative) {
    bounds.add(new Bound(name + ".approx.f32", low, high, error, relative));
    bounds.add(new Bound(name + ".approx.ftz.f32", low, high, error, relative));
  }

  /** The bounds of the PTX ISA. */
  static List<Bound> bounds() {
    List<Bound> bounds = new ArrayList<>();
    bound(bounds, "ex2", -126, 127, 0x1p-22, true);
    bound(bounds, "lg2", 2, 1e38, 0x1p-22, true);
    bound(bounds, "lg2", 2e-38, 0.5, 0x1p-22, true);
    bound(bounds, "lg2", 0.5, 2, 0x1p-22, false);
    bound(bounds, "rsqrt", 2e-38, 1e38, Math.pow(2, -22.9), true);
    bound(bounds, "rcp", 2e-38, 8e37, 0x1p-23, true);
    bound(bounds, "sqrt", 2e-38, 1e38, 0x1p-23, true);
    bound(bounds, "sin", -Math.PI, Math.PI, Math.pow(2, -20.5), false);
    bound(bounds, "cos", -Math.PI, Math.PI, Math.pow(2, -20.5), false);
    bound(bounds, "sin", -90_000, 90_000, 1e-6, false);
    bound(bounds, "cos", -1e9, 1e9, 1e-6, false);
    bounds.add(new Bound("tanh.approx.f32", -10, 10, 0x1p-11, true));
    bounds.add(new Bound("rsqrt.approx.f64", 1e-300, 1e300, Math.pow(2, -22.9), true));
    bounds.add(new Bound("rsqrt.approx.ftz.f64", 1e-300, 1e300, 0x1p-20, true));
    bounds.add(new Bound("rcp.approx.ftz.f64", 1e-300, 1e300, 0x1p-20, true));
    return bounds;
  }

  static Stream<String> approximate() {
    return bounds().stream().map(Bound::instruction).distinct();
  }

  @ParameterizedTest
  @MethodSource("bounds")
  void approximate_function_stays_within_the_bound_of_the_isa(Bound test) throws Exception {
    Random random = new Random(test.instruction().hashCode());
    List<long[]> rows = new ArrayList<>();
    for (int i = 0; i < 20_000; i++) {
      rows.add(
          new long[] {raw(test, test.low() + (test.high() - test.low()) * random.nextDouble())});
      if (test.low() > 0) {
        double range = Math.log(test.high()) - Math.log(test.low());
        rows.add(
            new long[] {raw(test, Math.exp(Math.log(test.low()) + range * random.nextDouble()))});
      }
    }
    long[] results =
        OneInstruction.run(test.instruction() + " d, a;", test.type(), List.of(test.type()), rows);
    String name = test.instruction().substring(0, test.instruction().indexOf('.'));
    DoubleUnaryOperator reference = reference(name);
    for (int i = 0; i < results.length; i++) {
      double operand = value(test, rows.get(i)[0]);
      double expected = reference.applyAsDouble(operand);
      double error = Math.abs(value(test, results[i]) - expected);
      double limit = test.relative() ? test.error() * Math.abs(expected) : test.error();
      assertTrue(error <= limit, test.instruction() + " of " + operand + ": " + error);
    }
  }

  private static long raw(Bound test, double operand) {
    return test.type() == F64 ? bits(operand) : bits((float) operand);
  }

  private static double value(Bound test, long raw) {
    return test.type() == F64 ? f64(raw) : f32(raw);
  }

  private static DoubleUnaryOperator reference(String name) {
    return switch (name) {
      case "ex2" -> x -> Math.pow(2, x);
      case "lg2" -> x -> Math.log(x) / Math.log(2);
      case "rsqrt" -> x -> 1 / Math.sqrt(x);
      case "rcp" -> x -> 1 / x;
      case "sqrt" -> Math::sqrt;
      case "sin" -> Math::sin;
      case "cos" -> Math::cos;
      default -> Math::tanh;
    };
  }

  static List<Case> specialValues() {
    List<Case> cases = new ArrayList<>();
    cases.add(special("ex2.approx.f32", x -> Math.pow(2, x)));
    cases.add(special("lg2.approx.f32", x -> Math.log(x)));
    cases.add(special("rsqrt.approx.f32", x -> 1 / (float) Math.sqrt(x)));
    cases.add(special("sin.approx.f32", Math::sin));
    cases.add(special("tanh.approx.f32", Math::tanh));
    return cases;
  }

  /** Only what is zero, infinite or not a number is compared. */
  private static Case special(String instruction, DoubleUnaryOperator reference) {
    return new Case(
        instruction
            + " d, a; testp.normal.f32 p, d; setp.ne.and.f32 p, d, 0f00000000, p;"
            + " @p mov.f32 d, 0f3F800000;",
        F32,
        List.of(F32),
        (a, b, c, e) -> {
          float result = (float) reference.applyAsDouble(f32(a));
          boolean normal = Float.isFinite(result) && Math.abs(result) >= Float.MIN_NORMAL;
          return bits(normal ? 1f : result);
        });
  }

  @ParameterizedTest
  @MethodSource("specialValues")
  void approximate_function_keeps_zeros_infinities_and_nans(Case test) throws Exception {
    Conformance.check(test);
  }
}
