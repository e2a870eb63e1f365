package io.farwarp.ptx.ir;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Every instruction form that the PTX CPU device executes: the opcode, the exact modifiers as a
 * pattern (the grammar of the PTX ISA, restricted to what is implemented), and the operand counts.
 * Whatever matches no form is refused when the module is loaded.
 */
public final class InstructionSet {
  /**
   * One form.
   *
   * @param destinations how many leading operands are written
   * @param least fewest operands, destinations included
   * @param most most operands
   */
  public record Form(Opcode opcode, Pattern suffix, int destinations, int least, int most) {}

  private static final String INT = "\\.[us](16|32|64)";
  private static final String WORD = "\\.[us](32|64)";
  private static final String BITS = "\\.b(16|32|64)";
  private static final String LOGIC = "\\.(pred|b16|b32|b64)";
  private static final String ANY = "\\.([bus](16|32|64)|f32|f64)";
  private static final String ROUND = "\\.r[nzmp]";
  private static final String F32 = "(" + ROUND + ")?(\\.ftz)?(\\.sat)?\\.f32";
  private static final String F64 = "(" + ROUND + ")?\\.f64";
  private static final String FLOATS = "|" + F32 + "|" + F64;
  private static final String ORDER = "eq|ne|lt|le|gt|ge";
  private static final String FLOAT_ORDER = ORDER + "|equ|neu|ltu|leu|gtu|geu|num|nan";
  private static final String SCOPE = "\\.(cta|cluster|gpu|sys)";
  private static final String CACHE_OPERATOR = "(\\.(ca|cg|cs|lu|cv|wb|wt))?";
  private static final String EVICTION =
      "(\\.L1::(evict_normal|evict_unchanged|evict_first|evict_last|no_allocate))?";
  private static final String CACHE = CACHE_OPERATOR + EVICTION + "(\\.L2::(64B|128B|256B))?";
  private static final String LOAD_ORDER =
      "(\\.(weak|volatile|(relaxed|acquire)" + SCOPE + "|mmio\\.relaxed\\.sys))?";
  private static final String LOAD_SPACE =
      "(\\.(global(\\.nc)?|const|local|param(::entry|::func)?|shared(::cta)?))?";
  private static final String STORE_ORDER =
      "(\\.(weak|volatile|(relaxed|release)" + SCOPE + "|mmio\\.relaxed\\.sys))?";
  private static final String STORE_SPACE = "(\\.(global|local|param(::func)?|shared(::cta)?))?";
  private static final String MEMORY_TYPE = "(\\.v[24])?\\.([bus](8|16|32|64)|f32|f64)";
  private static final String APPROX_F32 = "\\.approx(\\.ftz)?\\.f32";

  private static final Map<String, List<Form>> FORMS = new HashMap<>();

  static {
    arithmetic();
    halves();
    bits();
    comparison();
    functions();
    movement();
    control();
    meeting();
  }

  private InstructionSet() {}

  /** All forms by the name of their instruction. */
  public static Map<String, List<Form>> forms() {
    return Collections.unmodifiableMap(FORMS);
  }

  /** The form of an instruction, or null when it is not supported. */
  public static @Nullable Form form(String name, String suffix) {
    Form form = match(name, suffix);
    boolean reorders =
        switch (name) {
          case "atom", "red", "ld", "st" -> true;
          default -> false;
        };
    return form == null && reorders ? match(name, inGrammarOrder(suffix)) : form;
  }

  /**
   * Ordering, scope and state space at the front, as the ISA's grammar has them. Compilers put them
   * behind the operation as well, and so does {@code cuda::atomic}.
   */
  private static String inGrammarOrder(String suffix) {
    List<String> words = new ArrayList<>(List.of(suffix.split("\\.")));
    words.sort(
        Comparator.comparingInt(word ->
            switch (word) {
              case "" -> 0;
              case "weak", "volatile", "relaxed", "acquire", "release", "acq_rel" -> 1;
              case "cta", "cluster", "gpu", "sys" -> 2;
              case "global", "const", "local", "shared", "shared::cta" -> 3;
              default -> 4;
            }));
    return String.join(".", words);
  }

  private static @Nullable Form match(String name, String suffix) {
    for (Form form : FORMS.getOrDefault(name, List.of())) {
      if (form.suffix().matcher(suffix).matches()) {
        return form;
      }
    }
    return null;
  }

  private static void arithmetic() {
    value("add", Opcode.ADD, 2, INT + "|\\.sat\\.s32|\\.cc" + WORD + FLOATS);
    value("sub", Opcode.SUB, 2, INT + "|\\.sat\\.s32|\\.cc" + WORD + FLOATS);
    value("mul", Opcode.MUL, 2, "\\.(lo|hi)" + INT + "|\\.wide\\.[us](16|32)" + FLOATS);
    value(
        "mad",
        Opcode.MAD,
        3,
        "\\.(lo|hi)"
            + INT
            + "|\\.wide\\.[us](16|32)|\\.hi\\.sat\\.s32|\\.(lo|hi)\\.cc"
            + WORD
            + FLOATS);
    value("fma", Opcode.FMA, 3, ROUND + "(\\.ftz)?(\\.sat)?\\.f32|" + ROUND + "\\.f64");
    value(
        "div", Opcode.DIV, 2, INT + "|\\.(approx|full|r[nzmp])(\\.ftz)?\\.f32|" + ROUND + "\\.f64");
    value("rem", Opcode.REM, 2, INT);
    value("neg", Opcode.NEG, 1, "\\.s(16|32|64)|(\\.ftz)?\\.f32|\\.f64");
    value("abs", Opcode.ABS, 1, "\\.s(16|32|64)|(\\.ftz)?\\.f32|\\.f64");
    value("min", Opcode.MIN, 2, INT + "|(\\.ftz)?(\\.NaN)?\\.f32|\\.f64");
    value("max", Opcode.MAX, 2, INT + "|(\\.ftz)?(\\.NaN)?\\.f32|\\.f64");
    value("mul24", Opcode.MUL24, 2, "\\.(lo|hi)\\.[us]32");
    value("mad24", Opcode.MAD24, 3, "\\.(lo|hi)\\.[us]32|\\.hi\\.sat\\.s32");
    value("sad", Opcode.SAD, 3, INT);
    value("addc", Opcode.ADDC, 2, "(\\.cc)?" + WORD);
    value("subc", Opcode.SUBC, 2, "(\\.cc)?" + WORD);
    value("madc", Opcode.MADC, 3, "\\.(lo|hi)(\\.cc)?" + WORD);
    value("dp4a", Opcode.DP4A, 3, "\\.[us]32\\.[us]32");
    value("dp2a", Opcode.DP2A, 3, "\\.(lo|hi)\\.[us]32\\.[us]32");
    value("vabsdiff2", Opcode.VIDEO, 3, "\\.u32\\.u32\\.u32(\\.add)?");
    value("vabsdiff4", Opcode.VIDEO, 3, "\\.u32\\.u32\\.u32(\\.add)?");
  }

  /** Arithmetic in f16, bf16 and packed types. */
  private static void halves() {
    String f16 = "\\.f16(x2)?";
    String bf16 = "\\.bf16(x2)?";
    for (String name : List.of("add", "sub", "mul")) {
      Opcode opcode = Opcode.valueOf(name.toUpperCase(java.util.Locale.ROOT));
      value(name, opcode, 2, "(\\.rn)?(\\.ftz)?(\\.sat)?" + f16 + "|(\\.rn)?" + bf16);
    }
    value("fma", Opcode.FMA, 3, "\\.rn(\\.ftz)?(\\.sat|\\.relu)?" + f16);
    value("fma", Opcode.FMA, 3, "\\.rn(\\.relu)?" + bf16);
    value("neg", Opcode.NEG, 1, "(\\.ftz)?" + f16 + "|" + bf16);
    value("abs", Opcode.ABS, 1, "(\\.ftz)?" + f16 + "|" + bf16);
    for (String name : List.of("min", "max")) {
      Opcode opcode = Opcode.valueOf(name.toUpperCase(java.util.Locale.ROOT));
      String flags = "(\\.NaN)?(\\.xorsign\\.abs)?";
      value(name, opcode, 2, "(\\.ftz)?" + flags + f16 + "|" + flags + bf16);
      value(name, opcode, 2, "(\\.ftz)?(\\.NaN)?\\.xorsign\\.abs\\.f32");
      value(name, opcode, 2, "\\.[us]16x2|\\.relu\\.(s16x2|s32)|\\.(s16x2|s32)\\.relu");
    }
    value("add", Opcode.ADD, 2, "\\.[us]16x2");
    value("ex2", Opcode.EX2, 1, "\\.approx" + f16 + "|\\.approx\\.ftz" + bf16);
    value("tanh", Opcode.TANH, 1, "\\.approx(" + f16 + "|" + bf16 + ")");
  }

  private static void bits() {
    value("and", Opcode.AND, 2, LOGIC);
    value("or", Opcode.OR, 2, LOGIC);
    value("xor", Opcode.XOR, 2, LOGIC);
    value("not", Opcode.NOT, 1, LOGIC);
    value("cnot", Opcode.CNOT, 1, BITS);
    value("shl", Opcode.SHL, 2, BITS);
    value("shr", Opcode.SHR, 2, "\\.[bus](16|32|64)");
    value("shf", Opcode.SHF, 3, "\\.[lr]\\.(clamp|wrap)\\.b32");
    value("bfe", Opcode.BFE, 3, WORD);
    value("bfi", Opcode.BFI, 4, "\\.b(32|64)");
    value("bfind", Opcode.BFIND, 1, "(\\.shiftamt)?" + WORD);
    value("brev", Opcode.BREV, 1, "\\.b(32|64)");
    value("popc", Opcode.POPC, 1, "\\.b(32|64)");
    value("clz", Opcode.CLZ, 1, "\\.b(32|64)");
    value("prmt", Opcode.PRMT, 3, "\\.b32(\\.(f4e|b4e|rc8|ecl|ecr|rc16))?");
    value("lop3", Opcode.LOP3, 4, "\\.b32");
    value("lop3", Opcode.LOP3, 5, "\\.(or|and)\\.b32");
    value("bmsk", Opcode.BMSK, 2, "\\.(clamp|wrap)\\.b32");
    value("szext", Opcode.SZEXT, 2, "\\.(clamp|wrap)\\.[us]32");
    value("fns", Opcode.FNS, 3, "\\.b32");
  }

  private static void comparison() {
    integerComparisons("setp", Opcode.SETP, "");
    comparison("setp", Opcode.SETP, FLOAT_ORDER, "(\\.ftz)?\\.(f32|f16|f16x2)");
    comparison("setp", Opcode.SETP, FLOAT_ORDER, "\\.(f64|bf16|bf16x2)");
    String result = "\\.(u32|s32|f32|f16|bf16)";
    integerComparisons("set", Opcode.SET, result);
    comparison("set", Opcode.SET, FLOAT_ORDER, "(\\.ftz)?\\.(u32|s32|f32|f16)\\.f32|\\.bf16\\.f32");
    comparison("set", Opcode.SET, FLOAT_ORDER, result + "\\.f64");
    comparison("set", Opcode.SET, FLOAT_ORDER, "(\\.ftz)?\\.([us](16|32)|f16)\\.f16");
    comparison("set", Opcode.SET, FLOAT_ORDER, "(\\.ftz)?\\.([us]32|f16x2)\\.f16x2");
    comparison("set", Opcode.SET, FLOAT_ORDER, "\\.([us](16|32)|bf16)\\.bf16|\\.bf16\\.f16");
    comparison("set", Opcode.SET, FLOAT_ORDER, "\\.([us]32|bf16x2)\\.bf16x2");
    value("selp", Opcode.SELP, 3, ANY);
    value("slct", Opcode.SLCT, 3, ANY + "\\.s32|(\\.ftz)?" + ANY + "\\.f32");
  }

  private static void integerComparisons(String name, Opcode opcode, String result) {
    comparison(name, opcode, "eq|ne", result + "\\.b(16|32|64)");
    comparison(name, opcode, ORDER, result + "\\.s(16|32|64)");
    comparison(name, opcode, ORDER + "|lo|ls|hi|hs", result + "\\.u(16|32|64)");
  }

  private static void comparison(String name, Opcode opcode, String order, String types) {
    form(name, opcode, 1, 3, 4, "\\.(" + order + ")(\\.(and|or|xor))?(" + types + ")");
  }

  private static void functions() {
    value("sqrt", Opcode.SQRT, 1, "\\.(approx|r[nzmp])(\\.ftz)?\\.f32|" + ROUND + "\\.f64");
    value("rsqrt", Opcode.RSQRT, 1, "\\.approx(\\.ftz)?\\.f(32|64)");
    value(
        "rcp",
        Opcode.RCP,
        1,
        "\\.(approx|r[nzmp])(\\.ftz)?\\.f32|" + ROUND + "\\.f64|\\.approx\\.ftz\\.f64");
    value("ex2", Opcode.EX2, 1, APPROX_F32);
    value("lg2", Opcode.LG2, 1, APPROX_F32);
    value("sin", Opcode.SIN, 1, APPROX_F32);
    value("cos", Opcode.COS, 1, APPROX_F32);
    value("tanh", Opcode.TANH, 1, "\\.approx\\.f32");
    value("copysign", Opcode.COPYSIGN, 2, "\\.f(32|64)");
    value(
        "testp",
        Opcode.TESTP,
        1,
        "\\.(finite|infinite|number|notanumber|normal|subnormal)\\.f(32|64)");
  }

  private static void movement() {
    conversions();
    value("cvta", Opcode.CVTA, 1, "(\\.to)?\\.(global|const|local|param|shared)\\.u64");
    value(
        "isspacep",
        Opcode.ISSPACEP,
        1,
        "\\.(global|const|local|shared|shared::cta|param|param::entry)");
    value("mov", Opcode.MOV, 1, "\\.pred|" + ANY);
    value("ld", Opcode.LD, 1, LOAD_ORDER + LOAD_SPACE + CACHE + MEMORY_TYPE);
    value("ldu", Opcode.LD, 1, "(\\.global)?" + MEMORY_TYPE);
    form("st", Opcode.ST, 0, 2, 2, STORE_ORDER + STORE_SPACE + CACHE + MEMORY_TYPE);
    String atomic =
        "(\\.(relaxed|acquire|release|acq_rel))?(" + SCOPE + ")?(\\.global|\\.shared(::cta)?)?";
    form("atom", Opcode.ATOM, 1, 3, 3, atomic + "(" + reduce("") + "|\\.exch\\.b(32|64))");
    form("atom", Opcode.ATOM, 1, 4, 4, atomic + "\\.cas\\.b(16|32|64)");
    form("red", Opcode.RED, 0, 2, 2, atomic + reduce(""));
    String narrow =
        "(\\.add\\.v[24]\\.f32|\\.v[24]\\.f32\\.add|\\.add\\.noftz\\.b?f16(x2)?"
            + "|\\.(add|min|max)\\.noftz\\.v[248]\\.b?f16(x2)?"
            + "|\\.v[248]\\.b?f16(x2)?\\.(add|min|max)\\.noftz)";
    form("atom", Opcode.ATOM, 1, 3, 3, atomic + narrow);
    form("red", Opcode.RED, 0, 2, 2, atomic + narrow);
    hinted(atomic);
  }

  private static void conversions() {
    String integer = "\\.[us](8|16|32|64)";
    value("cvt", Opcode.CVT, 1, "(\\.sat)?" + integer + integer);
    String integral = "\\.r[nzmp]i";
    value("cvt", Opcode.CVT, 1, integral + "(\\.ftz)?(\\.sat)?(" + integer + "|\\.f32)\\.f32");
    value("cvt", Opcode.CVT, 1, integral + "(\\.sat)?" + integer + "\\.f(16|64)");
    value("cvt", Opcode.CVT, 1, integral + "(\\.sat)?(\\.f16\\.f16|\\.f64\\.f64)");
    value("cvt", Opcode.CVT, 1, integral + "(" + integer + "|\\.bf16)\\.bf16");
    value("cvt", Opcode.CVT, 1, ROUND + "(\\.ftz)?(\\.sat)?\\.f32(" + integer + "|\\.f64)");
    value("cvt", Opcode.CVT, 1, ROUND + "(\\.sat)?\\.f(16|64)" + integer);
    value("cvt", Opcode.CVT, 1, ROUND + "\\.bf16(" + integer + "|\\.f64|\\.f16)");
    value("cvt", Opcode.CVT, 1, "(\\.ftz)?(\\.sat)?(\\.f32\\.f(32|16)|\\.f64\\.f32)");
    value("cvt", Opcode.CVT, 1, "(\\.sat)?(\\.f64\\.f(64|16)|\\.f16\\.f16)|\\.bf16\\.bf16");
    value("cvt", Opcode.CVT, 1, "(" + ROUND + ")?((\\.ftz)?\\.f32|\\.f64)\\.bf16");
    value("cvt", Opcode.CVT, 1, ROUND + "((\\.ftz)?(\\.sat)?\\.f16\\.f32|(\\.sat)?\\.f16\\.f64)");
    value("cvt", Opcode.CVT, 1, ROUND + "((\\.ftz)?\\.bf16\\.f32|\\.f16\\.bf16)");
    String clamps = "(\\.relu)?(\\.satfinite)?|\\.satfinite\\.relu";
    value("cvt", Opcode.CVT, 1, "\\.r[nz](" + clamps + ")\\.(f16|bf16)\\.f32");
    value("cvt", Opcode.CVT, 2, "\\.r[nz](" + clamps + ")\\.(f16x2|bf16x2)\\.f32");
    value("cvt", Opcode.CVT_PACK, 2, "\\.pack\\.sat\\.[us]16\\.s32");
    value("cvt", Opcode.CVT_PACK, 3, "\\.pack\\.sat\\.[us][248]\\.s32\\.b32");
  }

  private static String reduce(String hint) {
    return "\\.(add"
        + hint
        + "\\.(u32|s32|u64|f32|f64)|(min|max)"
        + hint
        + "\\.[us](32|64)|(and|or|xor)"
        + hint
        + "\\.b(32|64)|(inc|dec)"
        + hint
        + "\\.u32)";
  }

  /** Forms with a cache policy as their last operand, which changes nothing here. */
  private static void hinted(String atomic) {
    String hint = "\\.L2::cache_hint";
    String cache = CACHE_OPERATOR + EVICTION + hint + "(\\.L2::(64B|128B|256B))?";
    form("ld", Opcode.LD, 1, 3, 3, LOAD_ORDER + "(\\.global(\\.nc)?)?" + cache + MEMORY_TYPE);
    form("st", Opcode.ST, 0, 3, 3, STORE_ORDER + "(\\.global)?" + cache + MEMORY_TYPE);
    form("atom", Opcode.ATOM, 1, 4, 4, atomic + reduce(hint));
    form("red", Opcode.RED, 0, 3, 3, atomic + reduce(hint));
    String copy = "\\.async\\.(ca|cg)\\.shared(::cta)?\\.global";
    String ahead = "(\\.L2::(64B|128B|256B))?";
    form("cp", Opcode.COPY, 0, 3, 4, copy + ahead);
    form("cp", Opcode.COPY, 0, 4, 5, copy + hint + ahead);
    form("cp", Opcode.HINT, 0, 0, 0, "\\.async\\.(commit_group|wait_all)");
    form("cp", Opcode.HINT, 0, 1, 1, "\\.async\\.wait_group");
    String policy = "(\\.L2::evict_[a-z]+){1,2}\\.b64";
    form("createpolicy", Opcode.POLICY, 1, 1, 2, "\\.fractional" + policy);
    form("createpolicy", Opcode.POLICY, 1, 4, 4, "\\.range(\\.global)?" + policy);
    form("createpolicy", Opcode.POLICY, 1, 2, 2, "\\.cvt\\.L2\\.b64");
  }

  private static void control() {
    form("bra", Opcode.BRA, 0, 1, 1, "(\\.uni)?");
    form("ret", Opcode.RET, 0, 0, 0, "(\\.uni)?");
    form("exit", Opcode.EXIT, 0, 0, 0, "");
    form("trap", Opcode.TRAP, 0, 0, 0, "");
    form("brx", Opcode.BRX, 0, 2, 2, "\\.idx(\\.uni)?");
    form("call", Opcode.CALL, 0, 1, 4, "(\\.uni)?");
    form("alloca", Opcode.ALLOCA, 2, 2, 3, "\\.u64");
    form("stacksave", Opcode.STACKSAVE, 1, 1, 1, "\\.u64");
    form("stackrestore", Opcode.STACKRESTORE, 1, 1, 1, "\\.u64");
    form("membar", Opcode.FENCE, 0, 0, 0, "\\.(cta|gl|sys)|\\.proxy\\.alias");
    form("fence", Opcode.FENCE, 0, 0, 0, "(\\.(sc|acq_rel|acquire|release))?" + SCOPE);
    form("fence", Opcode.FENCE, 0, 0, 0, "\\.proxy\\.alias");
    form("prefetch", Opcode.HINT, 0, 1, 1, "(\\.(global|local))?\\.L[12]");
    form("prefetch", Opcode.HINT, 0, 1, 1, "\\.global\\.L2::evict_(last|normal)");
    form("applypriority", Opcode.HINT, 0, 2, 2, "(\\.global)?\\.L2::evict_normal");
    form("discard", Opcode.HINT, 0, 2, 2, "(\\.global)?\\.L2");
    form("pmevent", Opcode.HINT, 0, 1, 1, "(\\.mask)?");
    form("griddepcontrol", Opcode.HINT, 0, 0, 0, "\\.(launch_dependents|wait)");
    form("brkpt", Opcode.TRAP, 0, 0, 0, "");
    form("prefetchu", Opcode.HINT, 0, 1, 1, "\\.L1");
    form("nanosleep", Opcode.HINT, 0, 1, 1, "\\.u32");
  }

  /** Barriers of a block, and what the lanes of a warp do together. */
  private static void meeting() {
    for (String name : new String[] {"bar", "barrier"}) {
      String block = "(\\.cta)?\\.";
      String aligned = name.equals("bar") ? "" : "(\\.aligned)?";
      form(name, Opcode.BARRIER, 0, 1, 2, block + "sync" + aligned);
      form(name, Opcode.BARRIER, 0, 2, 2, block + "arrive" + aligned);
      form(
          name,
          Opcode.BARRIER,
          1,
          3,
          4,
          block + "red" + "\\.(popc" + aligned + "\\.u32|(and|or)" + aligned + "\\.pred)");
    }
    form("bar", Opcode.SYNCWARP, 0, 1, 1, "\\.warp\\.sync");
    value("shfl", Opcode.SHFL, 4, "\\.sync\\.(up|down|bfly|idx)\\.b32");
    value("shfl", Opcode.SHFL, 3, "\\.(up|down|bfly|idx)\\.b32");
    value("vote", Opcode.VOTE, 2, "\\.sync\\.((all|any|uni)\\.pred|ballot\\.b32)");
    value("vote", Opcode.VOTE, 1, "\\.((all|any|uni)\\.pred|ballot\\.b32)");
    value("match", Opcode.MATCH, 2, "\\.(any|all)\\.sync\\.b(32|64)");
    value("redux", Opcode.REDUX, 2, "\\.sync\\.((add|min|max)\\.[us]32|(and|or|xor)\\.b32)");
    value("activemask", Opcode.ACTIVEMASK, 0, "\\.b32");
    value("elect", Opcode.ELECT, 1, "\\.sync");
  }

  /** An instruction with one destination and a fixed number of sources. */
  private static void value(String name, Opcode opcode, int sources, String suffix) {
    form(name, opcode, 1, sources + 1, sources + 1, suffix);
  }

  private static void form(
      String name, Opcode opcode, int destinations, int least, int most, String suffix) {
    FORMS
        .computeIfAbsent(name, key -> new ArrayList<>())
        .add(new Form(opcode, Pattern.compile(suffix), destinations, least, most));
  }
}
