package io.farwarp.ptx;

import static io.farwarp.ptx.Conformance.f32;
import static io.farwarp.ptx.Conformance.f64;
import static io.farwarp.ptx.Conformance.number;

import io.farwarp.ptx.Conformance.Case;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** setp, set, selp and slct, with predicates used as values, as guards and in branches. */
final class ComparisonInstructionsTest {
  private static final List<PtxType> INTEGERS =
      List.of(PtxType.U16, PtxType.S16, PtxType.U32, PtxType.S32, PtxType.U64, PtxType.S64);

  private static boolean holds(String comparison, int order) {
    return switch (comparison) {
      case "eq" -> order == 0;
      case "ne" -> order != 0;
      case "lt", "lo" -> order < 0;
      case "le", "ls" -> order <= 0;
      case "gt", "hi" -> order > 0;
      default -> order >= 0;
    };
  }

  private static boolean holds(String comparison, double a, double b) {
    boolean unordered = Double.isNaN(a) || Double.isNaN(b);
    return switch (comparison) {
      case "num" -> !unordered;
      case "nan" -> unordered;
      default -> {
        boolean plain = holds(comparison.substring(0, 2), a < b ? -1 : a > b ? 1 : 0);
        yield unordered ? comparison.length() == 3 : plain;
      }
    };
  }

  private static boolean holds(String comparison, PtxType type, long a, long b) {
    if (type == PtxType.F32) {
      return holds(comparison, f32(a), f32(b));
    }
    if (type == PtxType.F64) {
      return holds(comparison, f64(a), f64(b));
    }
    long x = number(type, a);
    long y = number(type, b);
    return holds(comparison, type.isSigned() ? Long.compare(x, y) : Long.compareUnsigned(x, y));
  }

  static List<Case> comparisons() {
    List<Case> cases = new ArrayList<>();
    List<PtxType> types = new ArrayList<>(INTEGERS);
    types.add(PtxType.F32);
    types.add(PtxType.F64);
    for (PtxType type : types) {
      List<String> names = new ArrayList<>(List.of("eq", "ne", "lt", "le", "gt", "ge"));
      if (type.isFloat()) {
        names.addAll(List.of("equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan"));
      } else if (!type.isSigned()) {
        names.addAll(List.of("lo", "ls", "hi", "hs"));
      }
      for (String name : names) {
        String setp = "setp." + name + "." + type.keyword();
        cases.add(value(setp + " d, a, b;", type, name));
        cases.add(
            taken(
                setp + " p, a, b; mov.u32 d, 0; @p bra yes; bra no; yes: mov.u32 d, 1; no:",
                type,
                name));
        cases.add(taken(setp + " p, a, b; mov.u32 d, 1; @!p mov.u32 d, 0;", type, name));
        cases.add(taken(setp + " p, a, b; selp.u32 d, 1, 0, p;", type, name));
      }
    }
    return cases;
  }

  private static Case value(String code, PtxType type, String name) {
    return new Case(
        code, PtxType.PRED, List.of(type, type), (a, b, c, e) -> holds(name, type, a, b) ? 1 : 0);
  }

  private static Case taken(String code, PtxType type, String name) {
    return new Case(
        code, PtxType.U32, List.of(type, type), (a, b, c, e) -> holds(name, type, a, b) ? 1 : 0);
  }

  static List<Case> combined() {
    PtxType s = PtxType.S32;
    PtxType p = PtxType.PRED;
    List<PtxType> inputs = List.of(s, s, p);
    return List.of(
        new Case(
            "setp.lt.and.s32 d, a, b, c;",
            p,
            inputs,
            (a, b, c, e) -> (int) a < (int) b && c != 0 ? 1 : 0),
        new Case(
            "setp.lt.or.s32 d, a, b, !c;",
            p,
            inputs,
            (a, b, c, e) -> (int) a < (int) b || c == 0 ? 1 : 0),
        new Case(
            "setp.lt.xor.s32 p|d, a, b, c;",
            p,
            inputs,
            (a, b, c, e) -> (int) a >= (int) b != (c != 0) ? 1 : 0),
        new Case("setp.lt.s32 p|q, a, b; xor.pred d, p, q;", p, List.of(s, s), (a, b, c, e) -> 1),
        new Case(
            "setp.lt.s32 p, a, b; mov.u32 a, b; selp.s32 d, a, 7, p;",
            s,
            List.of(s, s),
            (a, b, c, e) -> (int) a < (int) b ? b : 7),
        new Case(
            "set.le.s32.s32 d, a, b;",
            s,
            List.of(s, s),
            (a, b, c, e) -> (int) a <= (int) b ? -1 : 0),
        new Case(
            "set.gt.f32.s32 d, a, b;",
            PtxType.F32,
            List.of(s, s),
            (a, b, c, e) -> Conformance.bits((int) a > (int) b ? 1f : 0f)),
        new Case(
            "slct.u32.s32 d, a, b, c;",
            PtxType.U32,
            List.of(PtxType.U32, PtxType.U32, s),
            (a, b, c, e) -> (int) c >= 0 ? a : b),
        new Case(
            "slct.u64.f32 d, a, b, c;",
            PtxType.U64,
            List.of(PtxType.U64, PtxType.U64, PtxType.F32),
            (a, b, c, e) -> f32(c) >= 0 ? a : b),
        new Case("not.pred d, a;", p, List.of(p), (a, b, c, e) -> 1 - a),
        new Case("and.pred d, a, b;", p, List.of(p, p), (a, b, c, e) -> a & b),
        new Case("mov.pred d, a;", p, List.of(p), (a, b, c, e) -> a));
  }

  @ParameterizedTest
  @MethodSource({"comparisons", "combined"})
  void comparison_and_selection_agree_with_the_definition(Case test) throws Exception {
    Conformance.check(test);
  }
}
