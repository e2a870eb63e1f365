package io.farwarp.ptx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.ptx.PtxFault.Index;
import io.farwarp.ptx.PtxFault.Kind;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The barriers of a block, written by hand where compilers seldom go. */
final class BarrierTest {
  /** Threads in several arms come to barrier 0 at instructions of their own, round after round. */
  private static final String ARMS =
      """
      and.b32 %r1, %tid, 1;
      mov.u32 %r2, 0;
      again:
      setp.eq.u32 %p1, %r1, 0;
      @%p1 bra even;
      st.shared.u32 [%at], %r2;
      bar.sync 0;
      bar.sync 0;
      bra joined;
      even:
      bar.sync 0;
      ld.shared.u32 %r3, [%at+4];
      add.u32 %d, %d, %r3;
      bar.sync 0;
      joined:
      add.u32 %r2, %r2, 1;
      setp.lt.u32 %p2, %r2, 5;
      @%p2 bra again;
      """;

  @Test
  void arms_of_a_branch_meet_at_one_barrier() throws Exception {
    int[] sums = BlockKernel.run(ARMS, 96);
    for (int i = 0; i < 96; i++) {
      assertEquals(i % 2 == 0 ? 10 : 0, sums[i]);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "bar.sync 0;",
        "barrier.sync 0;",
        "barrier.sync.aligned 0;",
        "bar.cta.sync 0;",
        "barrier.cta.sync 3;",
        "barrier.cta.sync.aligned 15, 128;",
        "bar.sync %r1;",
        "bar.sync %r1, %r2;",
        "bar.sync 2, %r2;",
        "mov.u32 %r4, 9; bar.sync %r4;",
        "@%p1 bar.sync 0; @!%p1 bar.sync 0;",
        "bar.warp.sync -1; bar.sync 0; bar.warp.sync 0xffffffff;"
      })
  void every_form_of_a_barrier_orders_writes_before_reads(String barrier) throws Exception {
    String code =
        """
        mov.u32 %r1, 7;
        mov.u32 %r2, 128;
        and.b32 %r3, %tid, 3;
        setp.eq.u32 %p1, %r3, 0;
        st.shared.u32 [%at], %tid;
        BARRIER
        xor.b32 %r3, %at, 508;
        ld.shared.u32 %d, [%r3];
        """
            .replace("BARRIER", barrier);
    int[] seen = BlockKernel.run(code, 128);
    for (int i = 0; i < 128; i++) {
      assertEquals(i ^ 127, seen[i]);
    }
  }

  @ParameterizedTest
  @CsvSource({"64, 2, 32", "64, 2, 20", "48, 2, 33", "1, 1, 1"})
  void a_warp_with_threads_that_left_counts_whole_at_a_counted_barrier(
      int block, int warps, int stay) throws Exception {
    String code =
        """
        setp.ge.u32 %p1, %tid, STAY;
        @%p1 bra out;
        bar.sync 1, COUNT;
        mov.u32 %d, 5;
        out:
        """
            .replace("STAY", "" + stay)
            .replace("COUNT", "" + (stay > 32 ? 64 : 32));
    int[] passed = BlockKernel.run(code, block);
    for (int i = 0; i < block; i++) {
      assertEquals(i < stay ? 5 : 0, passed[i], "of " + warps + " warps");
    }
  }

  @Test
  void guarded_barrier_is_passed_by_threads_whose_guard_does_not_hold() throws Exception {
    String code =
        """
        setp.lt.u32 %p1, %tid, 64;
        @%p1 bar.sync 1, 64;
        bar.sync 0;
        add.u32 %d, %tid, 1;
        """;
    int[] passed = BlockKernel.run(code, 100);
    for (int i = 0; i < 100; i++) {
      assertEquals(i + 1, passed[i]);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "'bar.red.popc.u32 %d, 0, %p1;', 25",
    "'bar.red.popc.u32 %d, 0, !%p1;', 75",
    "'bar.red.popc.u32 %d, 3, 128, %p1;', 25",
    "'barrier.cta.red.popc.aligned.u32 %d, %r4, %p1;', 25",
    "'bar.red.and.pred %p2, 0, %p1; selp.u32 %d, 1, 2, %p2;', 2",
    "'bar.red.and.pred %p2, 0, %p3; selp.u32 %d, 1, 2, %p2;', 1",
    "'barrier.red.or.pred %p2, 1, %p1; selp.u32 %d, 1, 2, %p2;', 1",
    "'bar.red.or.pred %p2, 1, !%p3; selp.u32 %d, 1, 2, %p2;', 2"
  })
  void barrier_reduces_over_the_threads_that_are_left(String reduction, int expected)
      throws Exception {
    String code =
        """
        mov.u32 %r4, 5;
        and.b32 %r1, %tid, 3;
        setp.eq.u32 %p1, %r1, 0;
        setp.lt.u32 %p3, %tid, 100;
        @!%p3 bra out;
        REDUCTION
        out:
        """
            .replace("REDUCTION", reduction);
    int[] results = BlockKernel.run(code, 110);
    for (int i = 0; i < 110; i++) {
      assertEquals(i < 100 ? expected : 0, results[i]);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "setp.eq.u32 %p1, %tid, 9;\n@%p1 bra out;\nbar.sync 0;\n"
            + "setp.lt.u32 %p1, %tid, 64;\n@%p1 bra out;\nbar.sync 1, 96;\nout:",
        "setp.lt.u32 %p1, %tid, 8;\n@%p1 bra low;\nbar.sync 1;\nbra out;\nlow:\nbar.sync 2;\nout:",
        "setp.lt.u32 %p1, %tid, 8;\n@%p1 bra low;\nbar.warp.sync -1;\nbra out;\n"
            + "low:\nbar.sync 2;\nout:",
        "bar.sync 0, 1024;"
      })
  void deadlocked_block_is_a_fault_that_names_a_waiting_thread(String code) throws Exception {
    PtxFault fault = assertThrows(PtxFault.class, () -> BlockKernel.run(code, 96));
    assertEquals(Kind.DEADLOCK, fault.kind());
    assertEquals(new Index(0, 0, 0), fault.block());
    assertTrue(fault.line() > BlockKernel.CODE_LINE, fault.getMessage());
    assertTrue(fault.getMessage().contains("DEADLOCK in block (0,0,0), thread ("));
  }

  @ParameterizedTest
  @ValueSource(strings = {"bar.sync %r1;", "bar.sync 0, %r1;", "bar.arrive %r1, %r1;"})
  void barrier_number_or_count_out_of_range_is_a_fault(String barrier) {
    String code = "add.u32 %r1, %tid, 17;\n" + barrier;
    PtxFault fault = assertThrows(PtxFault.class, () -> BlockKernel.run(code, 64));
    assertEquals(Kind.INVALID_BARRIER, fault.kind());
  }

  @Test
  void device_functions_that_wait_become_part_of_their_kernel() throws Exception {
    String functions =
        """
        .func (.param .b32 result) exchange(.param .b32 value, .param .b32 at)
        {
          .reg .b32 %v<4>;
          .reg .pred %q;
          .local .align 4 .b8 kept[8];
          ld.param.b32 %v1, [value];
          ld.param.b32 %v2, [at];
          setp.eq.u32 %q, %v1, 0;
          st.local.u32 [kept+4], %v1;
          st.shared.u32 [%v2], %v1;
          bar.sync 0;
          xor.b32 %v2, %v2, 4;
          ld.shared.u32 %v3, [%v2];
          bar.sync 0;
          @%q ret;
          ld.local.u32 %v1, [kept+4];
          mad.lo.u32 %v3, %v1, 1000, %v3;
          st.param.b32 [result], %v3;
          ret;
        }
        .func leave(.param .b32 limit)
        {
          .reg .b32 %v<2>;
          .reg .pred %q;
          ld.param.b32 %v1, [limit];
          setp.ge.u32 %q, %v1, 60;
          @%q exit;
          ret;
        }
        """;
    String code =
        """
        { .param .b32 limit; st.param.b32 [limit], %tid; call.uni leave, (limit); }
        mov.u32 %r4, 0;
        again:
        { .param .b32 result; .param .b32 value; .param .b32 at;
          st.param.b32 [result], %d;
          st.param.b32 [value], %tid;
          st.param.b32 [at], %at;
          call.uni (result), exchange, (value, at);
          ld.param.b32 %d, [result]; }
        add.u32 %r4, %r4, 1;
        setp.lt.u32 %p1, %r4, 3;
        @%p1 bra again;
        """;
    int[] got = BlockKernel.run(functions, code, 64);
    for (int i = 0; i < 64; i++) {
      assertEquals(i == 0 || i >= 60 ? 0 : i * 1000 + (i ^ 1), got[i]);
    }
  }

  @Test
  void block_of_three_dimensions_knows_its_threads_after_barriers() throws Exception {
    String code =
        """
        bar.sync 0;
        mov.u32 %r1, %tid.z;
        mov.u32 %r2, %tid.y;
        mov.u32 %r3, %tid.x;
        mad.lo.u32 %r1, %r1, 10, %r2;
        mad.lo.u32 %d, %r1, 10, %r3;
        bar.sync 0;
        mov.u32 %r2, %warpid;
        mad.lo.u32 %d, %r2, 1000, %d;
        mov.u32 %r2, %laneid;
        mad.lo.u32 %d, %r2, 100000, %d;
        """;
    int[] got = BlockKernel.run("", code, 5, 4, 3);
    for (int i = 0; i < 60; i++) {
      int place = i / 20 * 100 + i / 5 % 4 * 10 + i % 5;
      assertEquals(i % 32 * 100_000 + i / 32 * 1000 + place, got[i]);
    }
  }
}
