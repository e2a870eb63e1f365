package io.farwarp.ptx;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.farwarp.ptx.Conformance.Case;
import io.farwarp.ptx.Conformance.Disagreement;
import io.farwarp.ptx.gpu.Gpu;
import io.farwarp.ptx.gpu.GpuException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Every conformance case, on a GPU: what the tests ask of the PTX CPU device, to the bit, is what
 * the hardware gives.
 */
@Tag("gpu")
final class FormsOnGpuTest {
  private static final int KERNELS_PER_MODULE = 128;
  private static final long TABLE_BYTES = 64 << 20;

  /** Forms of this device's that NVIDIA's assembler does not take, and why this device does. */
  private static final List<Pattern> ONLY_HERE =
      List.of(
          // Nothing can saturate, so the ISA has no such form; here it does nothing.
          Pattern.compile("cvt\\.sat\\.[su]\\d+\\.[su]\\d+ .*"),
          // Of architectures before sm_20, whose texts name no rounding.
          Pattern.compile("mad\\.(ftz\\.)?(sat\\.)?f(32|64) .*"),
          // Its assembler wants other registers than for all other numbers of 8 bits.
          Pattern.compile("cvt\\.r\\w+\\.(bf16\\.[su]8|[su]8\\.bf16) .*"));

  /** The ISA flushes the operand; an H100 rounds a subnormal one away from zero. */
  private static final Pattern NOT_FLUSHED =
      Pattern.compile("cvt\\.r[mp]\\.ftz\\.(sat\\.)?f16\\.f32 .*");

  /** Fields of words: the ISA speaks of positions and lengths up to 255 only. */
  private static final Pattern FIELD = Pattern.compile("bf[ie]\\..*");

  /** Of which the ISA bounds the error; the PTX CPU device rounds correctly or nearly so. */
  private static final Pattern APPROXIMATE = Pattern.compile("\\w+\\.(approx|full)\\..*");

  private final List<String> refused = new ArrayList<>();
  private final List<String> disagreements = new ArrayList<>();
  private long forms;
  private long rows;

  /** Every case once, in order. */
  static List<Case> cases() {
    Map<String, Case> byCode = new LinkedHashMap<>();
    Stream.of(Cases.exact().stream(), EveryFormTest.missingForms(), EveryFormTest.allForms())
        .flatMap(cases -> cases)
        .forEach(test -> byCode.putIfAbsent(test.code() + test.operands(), test));
    return List.copyOf(byCode.values());
  }

  /** A module of the cases' kernels, {@code k0} and so on. */
  static String module(List<Case> cases) {
    StringBuilder text = new StringBuilder(".version 9.0\n.target sm_90\n.address_size 64\n");
    for (int i = 0; i < cases.size(); i++) {
      Case test = cases.get(i);
      text.append(OneInstruction.kernel("k" + i, test.code(), test.result(), test.operands()));
    }
    return text.toString();
  }

  @Test
  void every_form_gives_on_a_gpu_what_its_definition_says() {
    Gpu gpu = Gpu.assumed();
    try (Arena arena = Arena.ofShared()) {
      MemorySegment in = gpu.allocate(TABLE_BYTES, arena);
      MemorySegment out = gpu.allocate(TABLE_BYTES, arena);
      List<Case> all = cases();
      for (int i = 0; i < all.size(); i += KERNELS_PER_MODULE) {
        run(gpu, all.subList(i, Math.min(all.size(), i + KERNELS_PER_MODULE)), in, out);
      }
    }
    System.out.printf(
        "GPU: %s: %d forms, %d rows compared, %d forms disagree, %d refused by the driver%n",
        gpu, forms, rows, disagreements.size(), refused.size());
    disagreements.forEach(System.out::println);
    refused.forEach(System.out::println);
    assertEquals(List.of(), disagreements);
    assertEquals(List.of(), refused);
  }

  private static boolean isSpecified(Case test, long[] row) {
    String code = test.code();
    if (NOT_FLUSHED.matcher(code).matches()) {
      return Math.abs(Conformance.f32(row[0])) >= Float.MIN_NORMAL || row[0] << 33 == 0;
    }
    if (FIELD.matcher(code).matches()) {
      int last = row.length - 1;
      return row[last] >>> 8 == 0 && row[last - 1] >>> 8 == 0;
    }
    if (code.startsWith("sin.") || code.startsWith("cos.")) {
      // The ISA bounds the absolute error, and none for larger angles.
      float angle = Math.abs(Conformance.f32(row[0]));
      return angle == 0 || (angle >= 0x1p-18f && angle <= 2 * Math.PI);
    }
    // fns counts set bits; there are 32 at most.
    return !code.contains("fns.") || Math.abs((long) (int) row[2]) <= Integer.SIZE;
  }

  /** How far a result may lie from the one stated, relative to it. */
  private static double tolerance(Case test) {
    if (!APPROXIMATE.matcher(test.code()).matches()) {
      return 0;
    }
    return test.result() == PtxType.F64 ? 0x1p-20 : 0x1p-21;
  }

  /** A module that is refused is halved until the case is alone that the driver does not take. */
  private void run(Gpu gpu, List<Case> cases, MemorySegment in, MemorySegment out) {
    Gpu.Module module;
    try {
      module = gpu.load(module(cases));
    } catch (GpuException e) {
      if (cases.size() == 1) {
        String code = cases.getFirst().code();
        if (ONLY_HERE.stream().noneMatch(form -> form.matcher(code).matches())) {
          refused.add(code + ": " + e.getMessage());
        }
      } else {
        int half = cases.size() / 2;
        run(gpu, cases.subList(0, half), in, out);
        run(gpu, cases.subList(half, cases.size()), in, out);
      }
      return;
    }
    try (module) {
      for (int i = 0; i < cases.size(); i++) {
        run(module, "k" + i, cases.get(i), in, out);
      }
    }
  }

  private void run(
      Gpu.Module module, String kernel, Case test, MemorySegment in, MemorySegment out) {
    List<long[]> table =
        Conformance.rows(test).stream().filter(row -> isSpecified(test, row)).toList();
    OneInstruction.fill(in, test.operands().size(), table);
    Gpu.Size grid = new Gpu.Size((table.size() + 63) / 64, 1, 1);
    module.run(kernel, grid, new Gpu.Size(64, 1, 1), 0, in, out, table.size());
    long[] results = out.asSlice(0, 8L * table.size()).toArray(ValueLayout.JAVA_LONG);
    forms++;
    rows += results.length;
    Disagreement first = Conformance.firstDisagreement(test, table, results, tolerance(test));
    if (first != null) {
      disagreements.add(
          "%s: expected %x, the GPU gives %x"
              .formatted(first.where(), first.expected(), first.actual()));
    }
  }
}
