package io.farwarp.ptx;

import static io.farwarp.ptx.Conformance.bits;
import static io.farwarp.ptx.Conformance.f32;
import static io.farwarp.ptx.Conformance.f64;
import static io.farwarp.ptx.Conformance.number;

import io.farwarp.ptx.Conformance.Case;
import io.farwarp.ptx.Conformance.Reference;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What instructions give, by exact arithmetic from the words of the PTX ISA: one definition for all
 * modifiers and types of an instruction. Written to be read, not to be fast.
 */
final class Definitions {
  /** Digits beyond any that a directed rounding could look at. */
  private static final MathContext DIGITS = new MathContext(1200);

  private final String name;
  private final String suffix;
  private final List<String> words;
  private final List<PtxType> types = new ArrayList<>();

  private Definitions(String name, String suffix) {
    this.name = name;
    this.suffix = suffix;
    words = List.of(suffix.substring(1).split("\\."));
    for (String word : words) {
      PtxType type = PtxType.ofKeyword(word);
      if (type != null) {
        types.add(type);
      }
    }
  }

  /** A case of an instruction, or null when there is no definition of it here. */
  static @Nullable Case of(String name, String suffix) {
    return suffix.isEmpty() ? null : new Definitions(name, suffix).define();
  }

  private boolean has(String word) {
    return words.contains(word);
  }

  private PtxType type() {
    return types.getLast();
  }

  private boolean isWord() {
    return !type().isHalf() && type().element() == type();
  }

  private @Nullable Case define() {
    if (has("wide") || has("relu") || has("satfinite")) {
      // Tests of their own.
      return null;
    }
    return switch (name) {
      case "add", "sub", "mul", "mad", "fma", "div", "rcp", "sqrt", "neg", "abs", "min", "max" ->
          type().isFloat() ? floating() : isWord() ? integer() : null;
      case "addc", "subc", "madc", "mad24", "mul24" -> integer();
      case "set", "setp" -> comparison();
      case "selp" ->
          make(
              "d, a, b, c",
              type(),
              List.of(type(), type(), PtxType.PRED),
              (a, b, c, e) -> c != 0 ? a : b);
      case "slct" -> selection();
      case "cvt" -> conversion();
      case "shr" -> shift();
      case "or" -> make("d, a, b", type(), List.of(type(), type()), (a, b, c, e) -> a | b);
      case "not" ->
          make(
              "d, a", type(), List.of(type()), (a, b, c, e) -> type() == PtxType.PRED ? 1 - a : ~a);
      case "prmt" -> words.size() > 1 ? permute() : null;
      case "dp4a" -> dot();
      default -> null;
    };
  }

  private Case make(String operands, PtxType result, List<PtxType> inputs, Reference reference) {
    return new Case(name + suffix + " " + operands + ";", result, inputs, reference);
  }

  // Integers.

  private static BigInteger big(PtxType type, long raw) {
    BigInteger value = BigInteger.valueOf(number(type, raw));
    return type.isSigned() || value.signum() >= 0 ? value : value.add(BigInteger.TWO.pow(64));
  }

  private @Nullable Case integer() {
    PtxType t = type();
    int size = t.sizeBytes() * 8;
    int operands = name.startsWith("mad") ? 3 : name.matches("neg|abs") ? 1 : 2;
    boolean carryIn = name.endsWith("c");
    boolean subtract = name.startsWith("sub");
    List<PtxType> inputs = new ArrayList<>(Collections.nCopies(operands, t));
    String code = name + suffix + List.of(" d, a;", " d, a, b;", " d, a, b, c;").get(operands - 1);
    if (carryIn) {
      // The last operand's lowest bit is the carry or borrow that comes in.
      String last = operands == 3 ? "e" : "c";
      inputs.add(PtxType.U32);
      code =
          "and.b32 %i2, "
              + last
              + ", 1; "
              + (subtract ? "sub.cc.u32 %i2, 0, %i2; " : "add.cc.u32 %i2, %i2, -1; ")
              + code;
    }
    if (has("cc")) {
      // The carry that goes out turns the result over.
      code +=
          (subtract ? " subc" : " addc")
              + ".u32 %i2, 0, 0; setp.ne.u32 p, %i2, 0;"
              + " @p not.b"
              + size
              + " d, d;";
    }
    Reference reference =
        (a, b, c, e) -> {
          long carry = carryIn ? (operands == 3 ? e : c) & 1 : 0;
          BigInteger exact = exactInteger(t, size, a, b, c);
          if (exact == null) {
            throw new IllegalStateException(name + suffix);
          }
          BigInteger mask = BigInteger.TWO.pow(size).subtract(BigInteger.ONE);
          BigInteger sum =
              subtract
                  ? exact.subtract(BigInteger.valueOf(carry))
                  : exact.add(BigInteger.valueOf(carry));
          if (has("sat")) {
            sum =
                sum.max(BigInteger.TWO.pow(31).negate())
                    .min(BigInteger.TWO.pow(31).subtract(BigInteger.ONE));
          }
          if (!has("cc")) {
            return sum.longValue();
          }
          // The carry is that of the unsigned addition of the halves' bits.
          BigInteger x = firstTerm(t, size, a, b).and(mask);
          BigInteger y = big(t, operands == 3 ? c : b).and(mask);
          BigInteger total =
              subtract
                  ? x.subtract(y).subtract(BigInteger.valueOf(carry))
                  : x.add(y).add(BigInteger.valueOf(carry));
          boolean out = total.signum() < 0 || total.compareTo(mask) > 0;
          return out ? ~sum.longValue() : sum.longValue();
        };
    return new Case(code, t, inputs, reference);
  }

  /** What is added to: the first operand, or the wanted half of the product of two. */
  private BigInteger firstTerm(PtxType t, int size, long a, long b) {
    if (!name.startsWith("mad") && !name.startsWith("mul")) {
      return big(t, a);
    }
    if (name.endsWith("24")) {
      BigInteger product = low24(t, a).multiply(low24(t, b));
      return has("hi") ? product.shiftRight(16) : product;
    }
    BigInteger product = big(t, a).multiply(big(t, b));
    return has("hi") ? product.shiftRight(size) : product;
  }

  private static BigInteger low24(PtxType t, long raw) {
    return BigInteger.valueOf(t.isSigned() ? raw << 40 >> 40 : raw & 0xFF_FFFF);
  }

  private @Nullable BigInteger exactInteger(PtxType t, int size, long a, long b, long c) {
    BigInteger first = firstTerm(t, size, a, b);
    return switch (name) {
      case "add", "addc" -> first.add(big(t, b));
      case "sub", "subc" -> first.subtract(big(t, b));
      case "mul", "mul24" -> first;
      case "mad", "madc" -> first.add(big(t, c));
      case "mad24" -> (has("sat") ? BigInteger.valueOf(first.intValue()) : first).add(big(t, c));
      case "div" -> {
        BigInteger by = big(t, b);
        yield by.signum() == 0 ? BigInteger.ONE.negate() : first.divide(by);
      }
      case "neg" -> first.negate();
      case "abs" -> first.abs();
      case "min" -> first.min(big(t, b));
      case "max" -> first.max(big(t, b));
      default -> null;
    };
  }

  private Case shift() {
    PtxType t = type();
    int size = t.sizeBytes() * 8;
    return make(
        "d, a, b",
        t,
        List.of(t, PtxType.U32),
        (a, b, c, e) -> big(t, a).shiftRight((int) Math.min(b, size)).longValue());
  }

  private Case permute() {
    String mode = words.get(1);
    return make(
        "d, a, b, c",
        PtxType.U32,
        List.of(PtxType.U32, PtxType.U32, PtxType.U32),
        (a, b, c, e) -> {
          long bytes = a | b << 32;
          long result = 0;
          for (int i = 0; i < 4; i++) {
            result |= (bytes >>> 8 * (selected(mode, (int) c & 3, i) & 7) & 0xFF) << 8 * i;
          }
          return result;
        });
  }

  /** Which byte a mode of prmt puts into byte {@code i}, as the ISA's table has it. */
  private static int selected(String mode, int s, int i) {
    return switch (mode) {
      case "f4e" -> s + i;
      case "b4e" -> s - i;
      case "rc8" -> s;
      case "ecl" -> Math.max(s, i);
      case "ecr" -> Math.min(s, i);
      default -> (s & 1) * 2 + (i & 1);
    };
  }

  private Case dot() {
    return make(
        "d, a, b, c",
        PtxType.U32,
        List.of(PtxType.U32, PtxType.U32, PtxType.U32),
        (a, b, c, e) -> {
          long sum = c;
          for (int i = 0; i < 4; i++) {
            long x = types.get(0).isSigned() ? (byte) (a >> 8 * i) : a >> 8 * i & 0xFF;
            long y = types.get(1).isSigned() ? (byte) (b >> 8 * i) : b >> 8 * i & 0xFF;
            sum += x * y;
          }
          return sum;
        });
  }

  // Floating point.

  private static double value(PtxType type, long raw) {
    return switch (type) {
      case F32 -> f32(raw);
      case F64 -> f64(raw);
      case F16, BF16 -> HalfFormat.of(type).value(raw);
      default -> throw new IllegalArgumentException(type.keyword());
    };
  }

  private double operand(PtxType type, long raw) {
    double x = value(type, raw);
    boolean flushes =
        has("ftz")
            && (type == PtxType.F32
                ? Math.abs(x) < Float.MIN_NORMAL
                : type.element() == PtxType.F16
                    && !name.equals("cvt")
                    && HalfFormat.F16.isSubnormal(raw));
    return flushes ? Math.copySign(0.0, x) : x;
  }

  /** Rounds a number that is finite and exact; other results are as {@code plain}. */
  private long round(PtxType type, double plain, @Nullable BigDecimal exact, char mode) {
    double result;
    if (type == PtxType.F16 || type == PtxType.BF16) {
      BigDecimal number = exact == null ? BigDecimal.ZERO : exact;
      long raw = HalfFormat.of(type).round(plain, number, mode);
      return has("sat") ? HalfFormat.F16.round(clamp(value(type, raw)), 'n') : raw;
    } else if (exact == null || exact.signum() == 0) {
      result = plain;
    } else {
      result = type == PtxType.F32 ? Rounding.toFloat(exact, mode) : Rounding.toDouble(exact, mode);
    }
    if (type == PtxType.F32 && has("ftz") && Math.abs(result) < Float.MIN_NORMAL) {
      result = Math.copySign(0.0, result);
    }
    result = has("sat") ? clamp(result) : result;
    return type == PtxType.F32 ? bits((float) result) : bits(result);
  }

  private static double clamp(double x) {
    return x > 0 ? Math.min(x, 1) : 0;
  }

  private char mode() {
    for (String word : words) {
      if (word.matches("r[nzmp]i?")) {
        return word.charAt(1);
      }
    }
    return 'n';
  }

  private Case floating() {
    PtxType t = type();
    int operands = name.matches("mad|fma") ? 3 : name.matches("rcp|sqrt|neg|abs") ? 1 : 2;
    String code = List.of("d, a", "d, a, b", "d, a, b, c").get(operands - 1);
    return make(
        code,
        t,
        Collections.nCopies(operands, t),
        (a, b, c, e) -> {
          double x = operand(t, a);
          double y = operands > 1 ? operand(t, b) : 0;
          double z = operands > 2 ? operand(t, c) : 0;
          double plain = plain(x, y, z);
          boolean finite = Double.isFinite(x) && Double.isFinite(y) && Double.isFinite(z);
          boolean exists =
              finite && Double.isFinite(x / (name.equals("div") && y == 0 ? 0.0 : 1.0));
          boolean divides =
              (name.equals("div") && (y == 0 || (has("approx") && Math.abs(y) > 0x1p126)))
                  || (name.equals("rcp") && x == 0);
          BigDecimal exact =
              exists && !divides && !Double.isNaN(plain)
                  ? exact(new BigDecimal(x), new BigDecimal(y), new BigDecimal(z))
                  : null;
          double zero = mode() == 'm' && cancels(x, y, z) ? -0.0 : plain;
          return round(t, exact != null && exact.signum() == 0 ? zero : plain, exact, mode());
        });
  }

  /** Whether opposite terms, neither zero, add up to zero, which is -0 when rounding down. */
  private boolean cancels(double x, double y, double z) {
    return switch (name) {
      case "add" -> x == -y && (x != 0 || 1 / x != 1 / y);
      case "sub" -> x == y && (x != 0 || 1 / x == 1 / y);
      case "mad", "fma" -> {
        double product = x * y;
        boolean bothZero = product == 0 && (x == 0 || y == 0) && z == 0;
        yield bothZero ? 1 / product != 1 / z : z != 0;
      }
      default -> false;
    };
  }

  private double plain(double x, double y, double z) {
    return switch (name) {
      case "add" -> x + y;
      case "sub" -> x - y;
      case "mul" -> x * y;
      case "mad", "fma" -> Math.fma(x, y, z);
      case "div" -> has("approx") && Math.abs(y) > 0x1p126 ? x * Math.copySign(0.0, y) : x / y;
      case "rcp" -> 1 / x;
      case "sqrt" -> Math.sqrt(x);
      case "neg" -> -x;
      case "abs" -> Math.abs(x);
      default -> choice(x, y);
    };
  }

  private double choice(double x, double y) {
    if (Double.isNaN(x) || Double.isNaN(y)) {
      boolean nan = has("NaN") || (Double.isNaN(x) && Double.isNaN(y));
      double other = Double.isNaN(x) ? y : x;
      return nan ? Double.NaN : has("xorsign") ? signed(Math.abs(other), x, y) : other;
    }
    double p = has("xorsign") ? Math.abs(x) : x;
    double q = has("xorsign") ? Math.abs(y) : y;
    double chosen = name.equals("min") ? Math.min(p, q) : Math.max(p, q);
    return has("xorsign") ? signed(chosen, x, y) : chosen;
  }

  private static double signed(double magnitude, double x, double y) {
    boolean negative = Double.doubleToRawLongBits(x) < 0 != Double.doubleToRawLongBits(y) < 0;
    return negative ? -magnitude : magnitude;
  }

  private @Nullable BigDecimal exact(BigDecimal x, BigDecimal y, BigDecimal z) {
    return switch (name) {
      case "add" -> x.add(y);
      case "sub" -> x.subtract(y);
      case "mul" -> x.multiply(y);
      case "mad", "fma" -> x.multiply(y).add(z);
      case "div" -> x.divide(y, DIGITS);
      case "rcp" -> BigDecimal.ONE.divide(x, DIGITS);
      case "sqrt" -> x.signum() < 0 ? null : x.sqrt(new MathContext(800));
      default -> null;
    };
  }

  // Comparisons.

  private boolean holds(PtxType t, long a, long b) {
    String order = words.get(0);
    if (!t.isFloat() && !t.isHalf()) {
      BigInteger x = big(t, a);
      return ordered(order, x.compareTo(big(t, b)));
    }
    double x = operand(t, a);
    double y = operand(t, b);
    boolean unordered = Double.isNaN(x) || Double.isNaN(y);
    return switch (order) {
      case "num" -> !unordered;
      case "nan" -> unordered;
      default ->
          unordered
              ? order.length() == 3
              : ordered(order.substring(0, 2), x < y ? -1 : x > y ? 1 : 0);
    };
  }

  private static boolean ordered(String order, int sign) {
    return switch (order) {
      case "eq" -> sign == 0;
      case "ne" -> sign != 0;
      case "lt", "lo" -> sign < 0;
      case "le", "ls" -> sign <= 0;
      case "gt", "hi" -> sign > 0;
      default -> sign >= 0;
    };
  }

  private boolean truth(PtxType t, long a, long b, long c) {
    boolean held = holds(t, a, b);
    return switch (words.get(1)) {
      case "and" -> held && c != 0;
      case "or" -> held || c != 0;
      case "xor" -> held != (c != 0);
      default -> held;
    };
  }

  private Case comparison() {
    PtxType t = type();
    boolean packed = t.element() != t;
    boolean combined = words.get(1).matches("and|or|xor");
    List<PtxType> inputs = new ArrayList<>(List.of(t, t));
    if (combined) {
      inputs.add(PtxType.PRED);
    }
    String operands = combined ? ", a, b, c" : ", a, b";
    PtxType e = t.element();
    if (name.equals("setp") && packed) {
      return make(
          "p|q" + operands + "; selp.u32 d, 1, 0, p; selp.u32 %i2, 2, 0, q; or.b32 d, d, %i2",
          PtxType.U32,
          inputs,
          (a, b, c, x) ->
              (truth(e, a & 0xFFFF, b & 0xFFFF, c) ? 1 : 0)
                  | (truth(e, a >>> 16, b >>> 16, c) ? 2 : 0));
    }
    PtxType result = name.equals("setp") ? PtxType.PRED : types.get(0);
    long yes =
        switch (result.element()) {
          case PRED -> 1;
          case F32 -> bits(1f);
          case F16, BF16 -> HalfFormat.of(result.element()).round(1, 'n');
          default -> packed ? 0xFFFF : -1;
        };
    return make(
        "d" + operands,
        result,
        inputs,
        (a, b, c, x) ->
            packed
                ? (truth(e, a & 0xFFFF, b & 0xFFFF, c) ? yes : 0)
                    | (truth(e, a >>> 16, b >>> 16, c) ? yes << 16 : 0)
                : truth(t, a, b, c) ? yes : 0);
  }

  private Case selection() {
    PtxType t = types.get(0);
    PtxType by = types.get(1);
    return make(
        "d, a, b, c",
        t,
        List.of(t, t, by),
        (a, b, c, e) -> (by == PtxType.S32 ? (int) c >= 0 : operand(by, c) >= 0) ? a : b);
  }

  // Conversions.

  private static boolean isInteger(PtxType type) {
    return !type.isFloat() && !type.isHalf();
  }

  private @Nullable Case conversion() {
    PtxType to = types.get(0);
    if (types.size() != 2 || has("pack") || to.element() != to) {
      return null;
    }
    PtxType from = types.get(1);
    return make("d, a", to, List.of(from), (a, b, c, e) -> converted(to, from, a));
  }

  private long converted(PtxType to, PtxType from, long raw) {
    if (isInteger(from)) {
      BigInteger value = big(from, raw);
      if (isInteger(to)) {
        return (has("sat") ? clamp(to, value) : value).longValue();
      }
      return round(to, value.doubleValue(), new BigDecimal(value), mode());
    }
    double value = operand(from, raw);
    boolean integral = words.stream().anyMatch(word -> word.matches("r[nzmp]i"));
    if (isInteger(to)) {
      return integer(to, from, value);
    }
    if (Double.isFinite(value) && integral) {
      BigDecimal whole = new BigDecimal(value).setScale(0, rounding());
      return round(to, Math.copySign(whole.doubleValue(), value), whole, 'n');
    }
    return round(to, value, Double.isFinite(value) ? new BigDecimal(value) : null, mode());
  }

  private RoundingMode rounding() {
    return switch (mode()) {
      case 'n' -> RoundingMode.HALF_EVEN;
      case 'z' -> RoundingMode.DOWN;
      case 'm' -> RoundingMode.FLOOR;
      default -> RoundingMode.CEILING;
    };
  }

  private long integer(PtxType to, PtxType from, double value) {
    if (Double.isNaN(value)) {
      return from == PtxType.F64 || to.sizeBytes() == 8 ? 1L << (to.sizeBytes() * 8 - 1) : 0;
    }
    BigDecimal exact =
        Double.isInfinite(value)
            ? new BigDecimal(Math.copySign(0x1p80, value))
            : new BigDecimal(value);
    return clamp(to, exact.setScale(0, rounding()).toBigInteger()).longValue();
  }

  private static BigInteger clamp(PtxType type, BigInteger value) {
    int size = type.sizeBytes() * 8;
    BigInteger low = type.isSigned() ? BigInteger.TWO.pow(size - 1).negate() : BigInteger.ZERO;
    BigInteger high =
        BigInteger.TWO.pow(type.isSigned() ? size - 1 : size).subtract(BigInteger.ONE);
    return value.max(low).min(high);
  }
}
