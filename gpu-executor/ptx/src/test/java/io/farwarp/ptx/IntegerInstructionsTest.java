package io.farwarp.ptx;

import static io.farwarp.ptx.Conformance.number;

import io.farwarp.ptx.Conformance.Case;
import io.farwarp.ptx.Conformance.Reference;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Integer arithmetic, bits and carry chains at edge values, against {@link BigInteger}. */
final class IntegerInstructionsTest {
  private static final List<PtxType> ALL =
      List.of(PtxType.U16, PtxType.S16, PtxType.U32, PtxType.S32, PtxType.U64, PtxType.S64);
  private static final List<PtxType> WORDS =
      List.of(PtxType.U32, PtxType.S32, PtxType.U64, PtxType.S64);
  private static final List<PtxType> BITS = List.of(PtxType.B16, PtxType.B32, PtxType.B64);

  private interface Wide {
    BigInteger apply(BigInteger a, BigInteger b, BigInteger c);
  }

  private static BigInteger big(PtxType type, long bits) {
    BigInteger value = BigInteger.valueOf(number(type, bits));
    return type.isSigned() || value.signum() >= 0 ? value : value.add(BigInteger.TWO.pow(64));
  }

  private static Reference exact(PtxType type, Wide formula) {
    return (a, b, c, e) -> formula.apply(big(type, a), big(type, b), big(type, c)).longValue();
  }

  private static void add(List<Case> cases, String code, PtxType type, int operands, Reference r) {
    cases.add(new Case(code, type, java.util.Collections.nCopies(operands, type), r));
  }

  static List<Case> arithmetic() {
    List<Case> cases = new ArrayList<>();
    for (PtxType t : ALL) {
      String n = "." + t.keyword();
      int size = t.sizeBytes() * 8;
      add(cases, "add" + n + " d, a, b;", t, 2, exact(t, (a, b, c) -> a.add(b)));
      add(cases, "sub" + n + " d, a, b;", t, 2, exact(t, (a, b, c) -> a.subtract(b)));
      add(cases, "mul.lo" + n + " d, a, b;", t, 2, exact(t, (a, b, c) -> a.multiply(b)));
      add(
          cases,
          "mul.hi" + n + " d, a, b;",
          t,
          2,
          exact(t, (a, b, c) -> a.multiply(b).shiftRight(size)));
      add(cases, "mad.lo" + n + " d, a, b, c;", t, 3, exact(t, (a, b, c) -> a.multiply(b).add(c)));
      add(
          cases,
          "mad.hi" + n + " d, a, b, c;",
          t,
          3,
          exact(t, (a, b, c) -> a.multiply(b).shiftRight(size).add(c)));
      add(cases, "min" + n + " d, a, b;", t, 2, exact(t, (a, b, c) -> a.min(b)));
      add(cases, "max" + n + " d, a, b;", t, 2, exact(t, (a, b, c) -> a.max(b)));
      add(
          cases,
          "sad" + n + " d, a, b, c;",
          t,
          3,
          exact(t, (a, b, c) -> a.subtract(b).abs().add(c)));
      BigInteger ones = BigInteger.ONE.negate();
      add(
          cases,
          "div" + n + " d, a, b;",
          t,
          2,
          exact(t, (a, b, c) -> b.signum() == 0 ? ones : a.divide(b)));
      add(
          cases,
          "rem" + n + " d, a, b;",
          t,
          2,
          exact(t, (a, b, c) -> b.signum() == 0 ? ones : a.remainder(b)));
      if (t.isSigned()) {
        add(cases, "neg" + n + " d, a;", t, 1, exact(t, (a, b, c) -> a.negate()));
        add(cases, "abs" + n + " d, a;", t, 1, exact(t, (a, b, c) -> a.abs()));
      }
      if (size < 64) {
        PtxType twice = PtxType.ofKeyword((t.isSigned() ? "s" : "u") + 2 * size);
        cases.add(
            new Case(
                "mul.wide" + n + " d, a, b;",
                twice,
                List.of(t, t),
                exact(t, (a, b, c) -> a.multiply(b))));
        cases.add(
            new Case(
                "mad.wide" + n + " d, a, b, c;",
                twice,
                List.of(t, t, twice),
                (a, b, c, e) -> big(t, a).multiply(big(t, b)).add(big(twice, c)).longValue()));
      }
    }
    return cases;
  }

  static List<Case> saturatingAndNarrow() {
    List<Case> cases = new ArrayList<>();
    PtxType s = PtxType.S32;
    add(cases, "add.sat.s32 d, a, b;", s, 2, exact(s, (a, b, c) -> clamp(a.add(b))));
    add(cases, "sub.sat.s32 d, a, b;", s, 2, exact(s, (a, b, c) -> clamp(a.subtract(b))));
    add(
        cases,
        "mad.hi.sat.s32 d, a, b, c;",
        s,
        3,
        exact(s, (a, b, c) -> clamp(a.multiply(b).shiftRight(32).add(c))));
    for (PtxType t : List.of(PtxType.U32, PtxType.S32)) {
      String n = "." + t.keyword();
      add(cases, "mul24.lo" + n + " d, a, b;", t, 2, (a, b, c, e) -> low24(t, a) * low24(t, b));
      add(
          cases,
          "mul24.hi" + n + " d, a, b;",
          t,
          2,
          (a, b, c, e) -> low24(t, a) * low24(t, b) >> 16);
      add(
          cases,
          "mad24.lo" + n + " d, a, b, c;",
          t,
          3,
          (a, b, c, e) -> low24(t, a) * low24(t, b) + c);
      add(cases, "dp4a" + n + n + " d, a, b, c;", t, 3, (a, b, c, e) -> c + dot4(t, a, b));
    }
    return cases;
  }

  private static BigInteger clamp(BigInteger value) {
    return value
        .max(BigInteger.valueOf(Integer.MIN_VALUE))
        .min(BigInteger.valueOf(Integer.MAX_VALUE));
  }

  private static long low24(PtxType type, long bits) {
    return type.isSigned() ? bits << 40 >> 40 : bits & 0xFFFFFF;
  }

  private static long dot4(PtxType type, long a, long b) {
    PtxType bytes = type.isSigned() ? PtxType.S8 : PtxType.U8;
    long sum = 0;
    for (int i = 0; i < 32; i += 8) {
      sum += number(bytes, a >> i) * number(bytes, b >> i);
    }
    return sum;
  }

  /** Chains whose first instruction sets the carry that the second reads. */
  static List<Case> carries() {
    List<Case> cases = new ArrayList<>();
    PtxType t = PtxType.U32;
    add(cases, "add.cc.u32 d, a, b; addc.u32 d, c, 0;", t, 3, (a, b, c, e) -> c + (a + b >>> 32));
    add(
        cases,
        "add.cc.u32 d, a, b; addc.cc.u32 d, a, c; addc.u32 d, 0, 0;",
        t,
        3,
        (a, b, c, e) -> (a + c + (a + b >>> 32)) >>> 32);
    add(cases, "sub.cc.u32 d, a, b; subc.u32 d, c, 0;", t, 3, (a, b, c, e) -> c - (a < b ? 1 : 0));
    // The flag is 1 where nothing was borrowed, as nvcc's code needs it.
    add(cases, "sub.cc.u32 d, a, b; addc.u32 d, c, 0;", t, 3, (a, b, c, e) -> c + (a < b ? 0 : 1));
    add(
        cases,
        "add.cc.u32 d, a, b; subc.u32 d, c, 0;",
        t,
        3,
        (a, b, c, e) -> c - 1 + (a + b >>> 32));
    add(
        cases,
        "sub.cc.u32 d, a, b; subc.cc.u32 d, a, c; subc.u32 d, 0, 0;",
        t,
        3,
        (a, b, c, e) -> a - c - (a < b ? 1 : 0) < 0 ? -1 : 0);
    add(
        cases,
        "mad.lo.cc.u32 d, a, b, c; madc.hi.u32 d, a, b, 0;",
        t,
        3,
        (a, b, c, e) -> big(t, a).multiply(big(t, b)).add(big(t, c)).shiftRight(32).longValue());
    PtxType w = PtxType.U64;
    add(
        cases,
        "add.cc.u64 d, a, b; addc.u64 d, c, 0;",
        w,
        3,
        (a, b, c, e) -> c + big(w, a).add(big(w, b)).shiftRight(64).longValue());
    add(
        cases,
        "add.cc.u64 d, a, b; addc.cc.u64 d, a, c; addc.u64 d, 0, 0;",
        w,
        3,
        (a, b, c, e) ->
            big(w, a)
                .add(big(w, c))
                .add(big(w, a).add(big(w, b)).shiftRight(64))
                .shiftRight(64)
                .longValue());
    add(
        cases,
        "sub.cc.u64 d, a, b; subc.cc.u64 d, a, c; subc.u64 d, 0, 0;",
        w,
        3,
        (a, b, c, e) ->
            big(w, a)
                        .subtract(big(w, c))
                        .subtract(
                            big(w, a).compareTo(big(w, b)) < 0 ? BigInteger.ONE : BigInteger.ZERO)
                        .signum()
                    < 0
                ? -1
                : 0);
    return cases;
  }

  static List<Case> bits() {
    List<Case> cases = new ArrayList<>();
    for (PtxType t : BITS) {
      String n = "." + t.keyword();
      int size = t.sizeBytes() * 8;
      add(cases, "and" + n + " d, a, b;", t, 2, (a, b, c, e) -> a & b);
      add(cases, "or" + n + " d, a, b;", t, 2, (a, b, c, e) -> a | b);
      add(cases, "xor" + n + " d, a, b;", t, 2, (a, b, c, e) -> a ^ b);
      add(cases, "not" + n + " d, a;", t, 1, (a, b, c, e) -> ~a);
      add(cases, "cnot" + n + " d, a;", t, 1, (a, b, c, e) -> a == 0 ? 1 : 0);
      List<PtxType> shift = List.of(t, PtxType.U32);
      cases.add(
          new Case("shl" + n + " d, a, b;", t, shift, (a, b, c, e) -> b >= size ? 0 : a << b));
      cases.add(new Case("shl" + n + " d, a, 5;", t, shift, (a, b, c, e) -> a << 5));
    }
    for (PtxType t : ALL) {
      int size = t.sizeBytes() * 8;
      cases.add(
          new Case(
              "shr." + t.keyword() + " d, a, b;",
              t,
              List.of(t, PtxType.U32),
              (a, b, c, e) -> big(t, a).shiftRight((int) Math.min(b, size)).longValue()));
      cases.add(
          new Case(
              "shr." + t.keyword() + " d, a, 3;",
              t,
              List.of(t),
              (a, b, c, e) -> big(t, a).shiftRight(3).longValue()));
    }
    for (PtxType t : List.of(PtxType.B32, PtxType.B64)) {
      String n = "." + t.keyword();
      int size = t.sizeBytes() * 8;
      add(cases, "brev" + n + " d, a;", t, 1, (a, b, c, e) -> Long.reverse(a) >>> (64 - size));
      cases.add(
          new Case(
              "popc" + n + " d, a;", PtxType.U32, List.of(t), (a, b, c, e) -> Long.bitCount(a)));
      cases.add(
          new Case(
              "clz" + n + " d, a;",
              PtxType.U32,
              List.of(t),
              (a, b, c, e) -> Long.numberOfLeadingZeros(a) - (64 - size)));
      cases.add(
          new Case(
              "bfi" + n + " d, a, b, c, e;",
              t,
              List.of(t, t, PtxType.U32, PtxType.U32),
              (a, b, c, e) -> insert(a, b, (int) c & 0xFF, (int) e & 0xFF, size)));
    }
    for (PtxType t : WORDS) {
      int size = t.sizeBytes() * 8;
      cases.add(
          new Case(
              "bfe." + t.keyword() + " d, a, b, c;",
              t,
              List.of(t, PtxType.U32, PtxType.U32),
              (a, b, c, e) -> extract(t, a, (int) b & 0xFF, (int) c & 0xFF, size)));
      cases.add(
          new Case(
              "bfind." + t.keyword() + " d, a;",
              PtxType.U32,
              List.of(t),
              (a, b, c, e) -> find(t, a)));
      cases.add(
          new Case(
              "bfind.shiftamt." + t.keyword() + " d, a;",
              PtxType.U32,
              List.of(t),
              (a, b, c, e) -> find(t, a) < 0 ? -1 : size - 1 - find(t, a)));
    }
    return cases;
  }

  private static long insert(long a, long b, int position, int length, int size) {
    BigInteger result = BigInteger.valueOf(b);
    for (int i = 0; i < length && position + i < size; i++) {
      result =
          i < 64 && (a >> i & 1) != 0 ? result.setBit(position + i) : result.clearBit(position + i);
    }
    return result.longValue();
  }

  /** The pseudocode of the PTX ISA, bit by bit. */
  private static long extract(PtxType type, long a, int position, int length, int size) {
    int top = size - 1;
    boolean fill =
        type.isSigned() && length != 0 && (a >> Math.min(position + length - 1, top) & 1) != 0;
    long result = 0;
    for (int i = 0; i <= top; i++) {
      boolean bit = i < length && position + i <= top ? (a >> (position + i) & 1) != 0 : fill;
      result |= bit ? 1L << i : 0;
    }
    return result;
  }

  private static int find(PtxType type, long a) {
    BigInteger value = big(type, a);
    return (value.signum() < 0 ? value.not() : value).bitLength() - 1;
  }

  static List<Case> words() {
    List<Case> cases = new ArrayList<>();
    PtxType t = PtxType.B32;
    for (int table : new int[] {0x00, 0x96, 0xE8, 0xCA, 0xFF, 0x1B}) {
      add(
          cases,
          "lop3.b32 d, a, b, c, " + table + ";",
          t,
          3,
          (a, b, c, e) -> logic(a, b, c, table));
    }
    for (String form : new String[] {"l.clamp", "l.wrap", "r.clamp", "r.wrap"}) {
      add(
          cases,
          "shf." + form + ".b32 d, a, b, c;",
          t,
          3,
          (a, b, c, e) -> {
            long amount = form.endsWith("wrap") ? c & 31 : Math.min(c, 32);
            BigInteger both = BigInteger.valueOf(b).shiftLeft(32).or(BigInteger.valueOf(a));
            return form.startsWith("l")
                ? both.shiftLeft((int) amount).shiftRight(32).longValue()
                : both.shiftRight((int) amount).longValue();
          });
    }
    add(cases, "prmt.b32 d, a, b, c;", t, 3, (a, b, c, e) -> permute(a, b, c));
    add(cases, "prmt.b32.b4e d, a, b, 1;", t, 2, (a, b, c, e) -> permute(a, b, 0x6701));
    add(cases, "prmt.b32.rc16 d, a, b, 1;", t, 2, (a, b, c, e) -> permute(a, b, 0x3232));
    return cases;
  }

  private static long logic(long a, long b, long c, int table) {
    long result = 0;
    for (int i = 0; i < 32; i++) {
      int row = (int) ((a >> i & 1) << 2 | (b >> i & 1) << 1 | (c >> i & 1));
      result |= (long) (table >> row & 1) << i;
    }
    return result;
  }

  private static long permute(long a, long b, long selector) {
    long result = 0;
    for (int i = 0; i < 4; i++) {
      int pick = (int) (selector >> 4 * i) & 0xF;
      long value = (pick & 4) == 0 ? a >> 8 * (pick & 3) : b >> 8 * (pick & 3);
      value &= 0xFF;
      result |= ((pick & 8) == 0 ? value : value >= 0x80 ? 0xFF : 0) << 8 * i;
    }
    return result;
  }

  @ParameterizedTest
  @MethodSource({"arithmetic", "saturatingAndNarrow", "carries", "bits", "words"})
  void integer_instruction_agrees_with_exact_arithmetic(Case test) throws Exception {
    Conformance.check(test);
  }
}
