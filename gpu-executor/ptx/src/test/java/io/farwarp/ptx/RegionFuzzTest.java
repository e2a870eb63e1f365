package io.farwarp.ptx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Random programs with branches, loops, predicates and local memory, in which threads stop at
 * random places for nobody but themselves: they must compute what the same program computes without
 * stops, which is one plain loop.
 */
final class RegionFuzzTest {
  private static final String[] OPERATIONS = {
    "add.s32", "sub.s32", "mul.lo.s32", "xor.b32", "and.b32", "or.b32", "min.s32", "max.u32"
  };

  /** A program; the same seed gives the same one with and without stops. */
  private static final class Program {
    private final Random random;
    private final StringBuilder plain = new StringBuilder();
    private final StringBuilder stopping = new StringBuilder();
    private int labels;

    Program(long seed) {
      random = new Random(seed);
      both("mov.u32 %r9, %lanemask_eq;");
      for (int i = 1; i <= 5; i++) {
        both("mad.lo.u32 %r" + i + ", %tid, " + random.nextInt(1000) + ", " + i + ";");
      }
      both("setp.lt.s32 %p1, %r1, %r2;");
      both("setp.ne.s32 %p2, %r3, 5;");
      both("cvt.rn.f32.s32 %f1, %r4;");
      both("cvt.u64.u32 %rd3, %r5;");
      body(0, 6 + random.nextInt(10));
      for (int i = 1; i <= 5; i++) {
        both("mad.lo.u32 %d, %d, 31, %r" + i + ";");
      }
      both("cvt.rzi.s32.f32 %r1, %f1;\nxor.b32 %d, %d, %r1;");
      both("cvt.u32.u64 %r1, %rd3;\nadd.s32 %d, %d, %r1;");
      both("@%p1 xor.b32 %d, %d, 1;\n@%p2 xor.b32 %d, %d, 2;");
    }

    private void both(String line) {
      plain.append(line).append('\n');
      stopping.append(line).append('\n');
    }

    private String register() {
      return "%r" + (1 + random.nextInt(5));
    }

    private String predicate() {
      return "%p" + (1 + random.nextInt(2));
    }

    private void body(int depth, int statements) {
      for (int i = 0; i < statements; i++) {
        statement(depth);
        stop();
      }
    }

    private void stop() {
      String register = register();
      String predicate = predicate();
      switch (random.nextInt(9)) {
        case 0 -> stopping.append("bar.warp.sync %r9;\n");
        case 1 -> stopping.append("@" + predicate + " bar.warp.sync %r9;\n");
        case 2 ->
            stopping.append(
                ("mov.u32 %r6, %laneid;\nshfl.sync.idx.b32 REG, REG, %r6, 31, %r9;\n")
                    .replace("REG", register));
        case 3 ->
            stopping.append(
                ("@!PRED redux.sync.add.s32 REG, REG, %r9;\n")
                    .replace("PRED", predicate)
                    .replace("REG", register));
        case 4 ->
            stopping.append("vote.sync.any.pred PRED, PRED, %r9;\n".replace("PRED", predicate));
        default -> {
          // No stop here.
        }
      }
    }

    private void statement(int depth) {
      switch (random.nextInt(depth < 3 ? 9 : 6)) {
        case 0 -> both("setp.lt.s32 " + predicate() + ", " + register() + ", " + register() + ";");
        case 1 -> both("@" + predicate() + " add.s32 " + register() + ", " + register() + ", 7;");
        case 2 -> {
          int at = 4 * random.nextInt(4);
          both("st.local.u32 [kept+" + at + "], " + register() + ";");
          both("ld.local.u32 " + register() + ", [kept+" + at + "];");
        }
        case 3 -> both("fma.rn.f32 %f1, %f1, 0f3F000000, 0f40A00000;");
        case 4 -> both("mad.wide.u32 %rd3, " + register() + ", " + register() + ", %rd3;");
        case 5 -> {
          String operation = OPERATIONS[random.nextInt(OPERATIONS.length)];
          both(operation + " " + register() + ", " + register() + ", " + register() + ";");
        }
        case 6, 7 -> branch(depth);
        default -> loop(depth);
      }
    }

    private void branch(int depth) {
      int label = labels++;
      both("@" + predicate() + " bra other" + label + ";");
      body(depth + 1, 1 + random.nextInt(3));
      both("bra joined" + label + ";\nother" + label + ":");
      body(depth + 1, random.nextInt(3));
      both("joined" + label + ":");
    }

    /** Threads go round it once to four times, by their numbers. */
    private void loop(int depth) {
      int label = labels++;
      String counter = "%c" + label;
      both(".reg .b32 " + counter + ";\nand.b32 " + counter + ", " + register() + ", 3;");
      both("again" + label + ":");
      body(depth + 1, 1 + random.nextInt(3));
      both("sub.s32 " + counter + ", " + counter + ", 1;");
      both(".reg .pred %q" + label + ";\nsetp.ge.s32 %q" + label + ", " + counter + ", 0;");
      both("@%q" + label + " bra again" + label + ";");
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
  void threads_that_stop_for_themselves_compute_what_they_do_without(long seed) throws Exception {
    for (int i = 0; i < 12; i++) {
      Program program = new Program(seed * 1000 + i);
      String kept = ".local .align 4 .b8 kept[16];\n";
      for (int at = 0; at < 16; at += 4) {
        kept += "st.local.u32 [kept+" + at + "], %tid;\n";
      }
      int[] expected = BlockKernel.run(kept + program.plain, 75);
      int[] got = BlockKernel.run(kept + program.stopping, 75);
      assertArrayEquals(expected, got, () -> "seed " + seed + "\n" + program.stopping);
    }
  }
}
