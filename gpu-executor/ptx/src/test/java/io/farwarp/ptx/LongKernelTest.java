package io.farwarp.ptx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Kernels that fit no JVM method that HotSpot would compile are cut up and still right. */
final class LongKernelTest {
  private static final int STATE = 6;

  /** Straight code of mixed steps over six registers, and the same on the host. */
  private static final class Steps {
    final StringBuilder code = new StringBuilder();
    private final int[] kinds;
    private final int[] constants;

    Steps(int count, long seed) {
      Random random = new Random(seed);
      kinds = random.ints(count, 0, 5).toArray();
      constants = random.ints(count).toArray();
      for (int i = 0; i < count; i++) {
        String to = "%r" + (1 + i % STATE);
        String from = "%r" + (1 + (i + 1) % STATE);
        code.append(
            switch (kinds[i]) {
              case 0 -> "mad.lo.u32 " + to + ", " + from + ", " + constants[i] + ", " + to + ";\n";
              case 1 -> "xor.b32 " + to + ", " + to + ", " + from + ";\n";
              case 2 -> "shf.l.wrap.b32 " + to + ", " + to + ", " + from + ", 7;\n";
              case 3 ->
                  "setp.lt.s32 %p1, "
                      + to
                      + ", "
                      + from
                      + ";\n@%p1 add.u32 "
                      + to
                      + ", "
                      + to
                      + ", "
                      + constants[i]
                      + ";\n";
              default ->
                  "add.cc.u32 "
                      + to
                      + ", "
                      + to
                      + ", "
                      + from
                      + ";\naddc.u32 "
                      + to
                      + ", "
                      + to
                      + ", 3;\n";
            });
      }
    }

    void apply(int[] r) {
      for (int i = 0; i < kinds.length; i++) {
        int to = i % STATE;
        int from = r[(i + 1) % STATE];
        switch (kinds[i]) {
          case 0 -> r[to] += from * constants[i];
          case 1 -> r[to] ^= from;
          case 2 -> r[to] = from << 7 | r[to] >>> 25;
          case 3 -> r[to] += r[to] < from ? constants[i] : 0;
          default -> {
            int sum = r[to] + from;
            r[to] = sum + 3 + (Integer.compareUnsigned(sum, from) < 0 ? 1 : 0);
          }
        }
      }
    }
  }

  private static int[] start(int thread) {
    int[] r = new int[STATE];
    for (int i = 0; i < STATE; i++) {
      r[i] = thread * 31 + i;
    }
    return r;
  }

  private static String startCode() {
    StringBuilder code = new StringBuilder();
    for (int i = 0; i < STATE; i++) {
      code.append("mad.lo.u32 %r" + (1 + i) + ", %tid, 31, " + i + ";\n");
    }
    return code.toString();
  }

  private static String fold() {
    return "xor.b32 %d, %r1, %r2;\nxor.b32 %d, %d, %r3;\nxor.b32 %d, %d, %r4;\n"
        + "xor.b32 %d, %d, %r5;\nxor.b32 %d, %d, %r6;\n";
  }

  private static int folded(int[] r) {
    return r[0] ^ r[1] ^ r[2] ^ r[3] ^ r[4] ^ r[5];
  }

  private static int[] runCompiled(String functions, String code, int threads) throws Exception {
    String text = BlockKernel.text(functions, code);
    try (Arena arena = Arena.ofShared();
        PtxModule module = Ptx.load(text);
        PtxExecutor executor = PtxExecutor.create(1)) {
      assertTrue(module.kernel("k").isCompilable());
      MemorySegment out = arena.allocate(threads * 4L, 256);
      PtxLaunch launch = module.kernel("k").newLaunch().block(threads, 1, 1);
      executor.run(launch.pointer(0, out, 0, out.byteSize()), Ptx.NEVER);
      return out.toArray(ValueLayout.JAVA_INT);
    }
  }

  @ParameterizedTest
  @CsvSource({"500", "1500", "12000"})
  void straight_code_of_any_length_is_compiled_in_parts(int count) throws Exception {
    Steps steps = new Steps(count, count);
    int[] got = runCompiled("", startCode() + steps.code + fold(), 40);
    for (int i = 0; i < 40; i++) {
      int[] r = start(i);
      steps.apply(r);
      assertEquals(folded(r), got[i]);
    }
  }

  @Test
  void long_loop_runs_each_thread_as_often_as_it_should() throws Exception {
    Steps steps = new Steps(3000, 5);
    String code =
        startCode()
            + "mov.u32 %r7, 0;\nagain:\n"
            + steps.code
            + """
            add.u32 %r7, %r7, 1;
            and.b32 %r8, %tid, 7;
            setp.le.u32 %p2, %r7, %r8;
            @%p2 bra again;
            bar.sync 0;
            """
            + fold();
    int[] got = runCompiled("", code, 70);
    for (int i = 0; i < 70; i++) {
      int[] r = start(i);
      for (int round = 0; round <= i % 8; round++) {
        steps.apply(r);
      }
      assertEquals(folded(r), got[i]);
    }
  }

  @Test
  void long_code_between_many_barriers_is_not_copied_without_end() throws Exception {
    Steps steps = new Steps(40, 6);
    StringBuilder code = new StringBuilder(startCode() + "mov.u32 %r7, 0;\nagain:\n");
    for (int i = 0; i < 30; i++) {
      code.append("setp.eq.u32 %p3, %r7, ").append(i % 3).append(";\n@%p3 bra over").append(i);
      code.append(";\nbar.sync 0;\n").append(steps.code).append("over").append(i).append(":\n");
    }
    code.append("add.u32 %r7, %r7, 1;\nsetp.lt.u32 %p2, %r7, 5;\n@%p2 bra again;\n");
    int[] got = runCompiled("", code + fold(), 64);
    for (int i = 0; i < 64; i++) {
      int[] r = start(i);
      for (int round = 0; round < 5; round++) {
        for (int j = 0; j < 30; j++) {
          if (round != j % 3) {
            steps.apply(r);
          }
        }
      }
      assertEquals(folded(r), got[i]);
    }
  }

  @Test
  void a_kernel_of_very_many_barriers_is_compiled() throws Exception {
    int barriers = 1200;
    String code =
        "mov.u32 %d, 1;\n" + "mad.lo.u32 %d, %d, 3, %tid;\nbar.sync 0;\n".repeat(barriers);
    int[] got = runCompiled("", code, 64);
    for (int i = 0; i < 64; i++) {
      int expected = 1;
      for (int round = 0; round < barriers; round++) {
        expected = 3 * expected + i;
      }
      assertEquals(expected, got[i]);
    }
  }

  /** The second is longer than a method can be; a short function calls it for the kernel. */
  @ParameterizedTest
  @CsvSource({"2500", "12000"})
  void long_device_function_becomes_part_of_its_kernel(int count) throws Exception {
    Steps steps = new Steps(count, 7);
    String functions =
        ".func (.param .b32 result) mix(.param .b32 tid)\n{\n.reg .b32 %r<9>, %d, %tid;\n"
            + ".reg .pred %p<3>;\nld.param.b32 %tid, [tid];\n"
            + startCode()
            + steps.code
            + fold()
            + """
            st.param.b32 [result], %d;
            ret;
            }
            .func (.param .b32 result) through(.param .b32 tid)
            {
              .reg .b32 %d;
              { .param .b32 mixed; .param .b32 own;
                ld.param.b32 %d, [tid];
                st.param.b32 [own], %d;
                call.uni (mixed), mix, (own);
                ld.param.b32 %d, [mixed];
                st.param.b32 [result], %d; }
              ret;
            }
            """;
    String code =
        """
        { .param .b32 result; .param .b32 tid;
          st.param.b32 [tid], %tid;
          call.uni (result), through, (tid);
          ld.param.b32 %d, [result]; }
        """;
    int[] got = runCompiled(functions, code, 33);
    for (int i = 0; i < 33; i++) {
      int[] r = start(i);
      steps.apply(r);
      assertEquals(folded(r), got[i]);
    }
  }

  /** A choice between so many short blocks, by the low bits of one register, for another. */
  private static void choose(StringBuilder code, int step, int ways) {
    int to = 1 + step % STATE;
    int from = 1 + (step + 1) % STATE;
    code.append("and.b32 %r8, %r" + from + ", " + (ways - 1) + ";\n");
    for (int way = 0; way < ways; way++) {
      code.append("setp.eq.u32 %p1, %r8, " + way + ";\n@%p1 bra way" + step + "_" + way + ";\n");
    }
    for (int way = 0; way < ways; way++) {
      code.append("way" + step + "_" + way + ":\n");
      code.append("mad.lo.u32 %r" + to + ", %r" + to + ", " + (2 * way + 3) + ", " + step + ";\n");
      code.append("bra done" + step + ";\n");
    }
    code.append("done" + step + ":\n");
  }

  @Test
  void long_loop_of_many_short_ways_is_cut_where_they_meet() throws Exception {
    int steps = 60;
    int ways = 16;
    StringBuilder code = new StringBuilder(startCode() + "mov.u32 %r7, 0;\nagain:\n");
    for (int step = 0; step < steps; step++) {
      choose(code, step, ways);
    }
    code.append("add.u32 %r7, %r7, 1;\nand.b32 %r8, %tid, 3;\n");
    code.append("setp.le.u32 %p2, %r7, %r8;\n@%p2 bra again;\n");
    int[] got = runCompiled("", code + fold(), 50);
    for (int i = 0; i < 50; i++) {
      int[] r = start(i);
      for (int at = 0; at < (i % 4 + 1) * steps; at++) {
        int step = at % steps;
        int way = r[(step + 1) % STATE] & (ways - 1);
        r[step % STATE] = r[step % STATE] * (2 * way + 3) + step;
      }
      assertEquals(folded(r), got[i]);
    }
  }
}
