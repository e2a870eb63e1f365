package io.farwarp.ptx;

import io.farwarp.ptx.Conformance.Case;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Instructions on the parts of a word: masks, extensions, packed integers, dot products. */
final class PackedInstructionsTest {
  private static final PtxType U32 = PtxType.U32;
  private static final List<PtxType> ONE = List.of(U32);
  private static final List<PtxType> TWO = List.of(U32, U32);
  private static final List<PtxType> THREE = List.of(U32, U32, U32);

  private static Case word(String code, List<PtxType> operands, Conformance.Reference reference) {
    return new Case(code, U32, operands, reference);
  }

  /** Bit by bit, from the ISA's pseudocode. */
  private static long mask(long a, long b, boolean clamp) {
    if (clamp && a >= 32) {
      return 0;
    }
    long start = a & 31;
    long width = clamp ? Math.min(b, 32) : b & 31;
    long result = 0;
    for (long bit = start; bit < Math.min(32, start + width); bit++) {
      result |= 1L << bit;
    }
    return result;
  }

  private static long extend(long a, long b, boolean clamp, boolean signed) {
    if (clamp && b >= 32) {
      return a;
    }
    int n = (int) b & 31;
    long kept = a & ((1L << n) - 1);
    boolean negative = signed && n > 0 && ((a >> (n - 1)) & 1) != 0;
    return negative ? kept | (-1L << n) : kept;
  }

  private static long findNth(long mask, long base, long offset) {
    int n = (int) offset;
    if (base > 31) {
      return -1;
    }
    if (n == 0) {
      return ((mask >> base) & 1) != 0 ? base : -1;
    }
    long count = Math.abs((long) n) - 1;
    for (long at = base; at >= 0 && at < 32; at += n > 0 ? 1 : -1) {
      if (((mask >> at) & 1) != 0 && count-- == 0) {
        return at;
      }
    }
    return -1;
  }

  static List<Case> bits() {
    List<Case> cases = new ArrayList<>();
    for (boolean clamp : new boolean[] {true, false}) {
      String mode = clamp ? "clamp" : "wrap";
      cases.add(word("bmsk." + mode + ".b32 d, a, b;", TWO, (a, b, c, e) -> mask(a, b, clamp)));
      cases.add(
          word("szext." + mode + ".u32 d, a, b;", TWO, (a, b, c, e) -> extend(a, b, clamp, false)));
      cases.add(
          word("szext." + mode + ".s32 d, a, b;", TWO, (a, b, c, e) -> extend(a, b, clamp, true)));
    }
    cases.add(
        word(
            "and.b32 b, b, 31; fns.b32 d, a, b, c;", THREE, (a, b, c, e) -> findNth(a, b & 31, c)));
    cases.add(
        word(
            "setp.gt.u32 q, c, 5; lop3.or.b32 d|p, a, b, c, 0xE8, q; selp.b32 d, d, 7, p;",
            THREE,
            (a, b, c, e) -> {
              long majority = (a & b) | (a & c) | (b & c);
              return majority != 0 || Long.compareUnsigned(c, 5) > 0 ? majority : 7;
            }));
    cases.add(
        word(
            "setp.gt.u32 q, c, 5; lop3.and.b32 _|p, a, b, c, 0x80, !q; selp.b32 d, 1, 0, p;",
            THREE,
            (a, b, c, e) -> (a & b & c) != 0 && Long.compareUnsigned(c, 5) <= 0 ? 1 : 0));
    return cases;
  }

  private static long part(long word, int index, int bits, boolean signed) {
    long shifted = word << (64 - bits * (index + 1));
    return signed ? shifted >> (64 - bits) : shifted >>> (64 - bits);
  }

  private interface Part {
    long of(long a, long b);
  }

  private static long eachHalf(long a, long b, boolean signed, Part part) {
    long low = part.of(part(a, 0, 16, signed), part(b, 0, 16, signed));
    long high = part.of(part(a, 1, 16, signed), part(b, 1, 16, signed));
    return (low & 0xFFFF) | ((high & 0xFFFF) << 16);
  }

  static List<Case> packed() {
    List<Case> cases = new ArrayList<>();
    for (boolean signed : new boolean[] {true, false}) {
      String type = signed ? ".s16x2" : ".u16x2";
      cases.add(
          word("add" + type + " d, a, b;", TWO, (a, b, c, e) -> eachHalf(a, b, signed, Long::sum)));
      cases.add(
          word("min" + type + " d, a, b;", TWO, (a, b, c, e) -> eachHalf(a, b, signed, Math::min)));
      cases.add(
          word("max" + type + " d, a, b;", TWO, (a, b, c, e) -> eachHalf(a, b, signed, Math::max)));
    }
    for (String name : new String[] {".relu.s16x2", ".s16x2.relu"}) {
      cases.add(
          word(
              "min" + name + " d, a, b;",
              TWO,
              (a, b, c, e) -> eachHalf(a, b, true, (x, y) -> Math.max(0, Math.min(x, y)))));
    }
    cases.add(
        word(
            "max.relu.s16x2 d, a, b;",
            TWO,
            (a, b, c, e) -> eachHalf(a, b, true, (x, y) -> Math.max(0, Math.max(x, y)))));
    cases.add(
        word(
            "max.s32.relu d, a, b;", TWO, (a, b, c, e) -> Math.max(0, Math.max((int) a, (int) b))));
    cases.add(
        word(
            "min.relu.s32 d, a, b;", TWO, (a, b, c, e) -> Math.max(0, Math.min((int) a, (int) b))));
    for (int bits : new int[] {8, 16}) {
      String name = "vabsdiff" + 32 / bits + ".u32.u32.u32";
      cases.add(word(name + " d, a, b, c;", THREE, (a, b, c, e) -> differences(a, b, bits, false)));
      cases.add(
          word(
              name + ".add d, a, b, c;", THREE, (a, b, c, e) -> c + differences(a, b, bits, true)));
    }
    return cases;
  }

  private static long differences(long a, long b, int bits, boolean sum) {
    long result = 0;
    for (int i = 0; i < 32 / bits; i++) {
      long difference = Math.abs(part(a, i, bits, false) - part(b, i, bits, false));
      result += sum ? difference : difference << (i * bits);
    }
    return result;
  }

  static List<Case> products() {
    List<Case> cases = new ArrayList<>();
    for (int signs = 0; signs < 4; signs++) {
      boolean signedA = (signs & 1) != 0;
      boolean signedB = (signs & 2) != 0;
      String types = (signedA ? ".s32" : ".u32") + (signedB ? ".s32" : ".u32") + " d, a, b, c;";
      for (int half = 0; half < 2; half++) {
        int first = 2 * half;
        cases.add(
            word(
                "dp2a" + (half == 0 ? ".lo" : ".hi") + types,
                THREE,
                (a, b, c, e) ->
                    c
                        + part(a, 0, 16, signedA) * part(b, first, 8, signedB)
                        + part(a, 1, 16, signedA) * part(b, first + 1, 8, signedB)));
      }
    }
    return cases;
  }

  private static long clamp(long value, int bits, boolean signed) {
    long top = signed ? (1L << (bits - 1)) - 1 : (1L << bits) - 1;
    return Math.clamp((int) value, signed ? -top - 1 : 0, top) & ((1L << bits) - 1);
  }

  static List<Case> conversions() {
    List<Case> cases = new ArrayList<>();
    for (int bits : new int[] {2, 4, 8, 16}) {
      for (boolean signed : new boolean[] {true, false}) {
        String type = "cvt.pack.sat." + (signed ? "s" : "u") + bits;
        Conformance.Reference pair =
            (a, b, c, e) -> (clamp(a, bits, signed) << bits) | clamp(b, bits, signed);
        if (bits == 16) {
          cases.add(word(type + ".s32 d, a, b;", TWO, pair));
        } else {
          cases.add(
              word(
                  type + ".s32.b32 d, a, b, c;",
                  THREE,
                  (a, b, c, e) -> (c << (2 * bits)) | pair.apply(a, b, c, e)));
        }
      }
    }
    cases.add(
        word(
            "createpolicy.fractional.L2::evict_last.b64 %at3, 0f3F800000;"
                + " ld.global.L2::cache_hint.u32 d, [%at1], %at3;",
            ONE, (a, b, c, e) -> a));
    return cases;
  }

  @ParameterizedTest
  @MethodSource({"bits", "packed", "products", "conversions"})
  void instruction_works_on_each_part(Case test) throws Exception {
    Conformance.check(test);
  }
}
