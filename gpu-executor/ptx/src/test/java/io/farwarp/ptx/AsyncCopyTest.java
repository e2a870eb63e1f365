package io.farwarp.ptx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code cp.async}: what a thread copies into shared memory, the others read after a barrier. */
final class AsyncCopyTest {
  private static final int THREADS = 64;
  private static final int WORDS = THREADS * 4;

  /** Each thread copies 16 bytes by {@code copy}; thread i then reads those of thread 63 - i. */
  private static String kernel(String copy) {
    return """
    .version 7.4
    .target sm_80
    .address_size 64
    .shared .align 16 .b8 tile[1024];
    .visible .entry k(.param .u64 p, .param .u32 n)
    {
      .reg .b32 %r<9>;
      .reg .f32 %f<5>;
      .reg .b64 %rd<9>;
      .reg .pred %p<3>;
      ld.param.u64 %rd1, [p];
      ld.param.u32 %r4, [n];
      mov.u32 %r1, %tid.x;
      shl.b32 %r2, %r1, 4;
      mov.u32 %r3, tile;
      add.u32 %r3, %r3, %r2;
      cvt.u64.u32 %rd2, %r2;
      add.u64 %rd2, %rd1, %rd2;
      setp.ne.u32 %p1, %r4, 16;
    """
        + copy
        + """

          cp.async.commit_group;
          cp.async.wait_group 0;
          bar.sync 0;
          mov.u32 %r5, 63;
          sub.u32 %r5, %r5, %r1;
          shl.b32 %r5, %r5, 4;
          mov.u32 %r6, tile;
          add.u32 %r6, %r6, %r5;
          ld.shared.v4.f32 {%f1, %f2, %f3, %f4}, [%r6];
          bar.sync 0;
          st.global.v4.f32 [%rd2], {%f1, %f2, %f3, %f4};
          ret;
        }
        """;
  }

  private static void run(String copy, int n, int kept) throws Exception {
    try (Arena arena = Arena.ofShared();
        PtxModule module = Ptx.load(kernel(copy));
        PtxExecutor executor = PtxExecutor.create(1)) {
      MemorySegment memory = arena.allocate(WORDS * 4L, 16);
      for (int i = 0; i < WORDS; i++) {
        Ptx.setFloat(memory, i, i + 1);
      }
      PtxLaunch launch = module.kernel("k").newLaunch().block(THREADS, 1, 1);
      executor.run(launch.pointer(0, memory, 0, WORDS * 4L).scalar(1, n), Ptx.NEVER);
      for (int i = 0; i < WORDS; i++) {
        int from = (63 - i / 4) * 4 + i % 4;
        assertEquals(i % 4 < kept ? from + 1 : 0, Ptx.floatAt(memory, i), copy + " at " + i);
      }
    }
  }

  @Test
  void sixteen_bytes_are_copied() throws Exception {
    run("cp.async.cg.shared.global [%r3], [%rd2], 16;", 16, 4);
    run("cp.async.ca.shared::cta.global.L2::128B [%r3], [%rd2], 16;", 16, 4);
    run("cp.async.cg.shared.global.L2::cache_hint [%r3], [%rd2], 16, %rd3;", 16, 4);
    run("cp.async.cg.shared.global.L2::cache_hint [%r3], [%rd2], 16, %r4, %rd3;", 12, 3);
  }

  @Test
  void smaller_copies_stand_side_by_side() throws Exception {
    run(
        "cp.async.ca.shared.global [%r3], [%rd2], 8; cp.async.ca.shared.global [%r3+8], [%rd2+8],"
            + " 4; cp.async.ca.shared.global [%r3+12], [%rd2+12], 4;",
        16, 4);
  }

  @Test
  void what_is_not_taken_is_filled_with_zeros() throws Exception {
    run("cp.async.cg.shared.global [%r3], [%rd2], 16, %r4;", 8, 2);
    run("cp.async.cg.shared.global [%r3], [%rd2], 16, %p1;", 16, 4);
    run("cp.async.cg.shared.global [%r3], [%rd2], 16, %p1;", 0, 0);
    run("cp.async.cg.shared.global [%r3], [%rd2], 16, !%p1;", 0, 4);
  }

  @Test
  void what_is_not_taken_need_not_be_memory() throws Exception {
    run("cp.async.cg.shared.global [%r3], [%rd2+1024], 16, %r4;", 0, 0);
  }

  @Test
  void a_misaligned_or_illegal_copy_is_a_fault() {
    PtxFault misaligned =
        assertThrows(
            PtxFault.class, () -> run("cp.async.cg.shared.global [%r3+4], [%rd2], 16;", 16, 4));
    assertEquals(PtxFault.Kind.MISALIGNED_ADDRESS, misaligned.kind());
    PtxFault illegal =
        assertThrows(
            PtxFault.class, () -> run("cp.async.cg.shared.global [%r3], [%rd2+1024], 16;", 16, 4));
    assertEquals(PtxFault.Kind.ILLEGAL_ADDRESS, illegal.kind());
    PtxFault beyond =
        assertThrows(
            PtxFault.class, () -> run("cp.async.cg.shared.global [%r3+1024], [%rd2], 16;", 16, 4));
    assertEquals(PtxFault.Kind.ILLEGAL_ADDRESS, beyond.kind());
    PtxFault more =
        assertThrows(
            PtxFault.class, () -> run("cp.async.cg.shared.global [%r3], [%rd2], 16, %r4;", 17, 4));
    assertEquals(PtxFault.Kind.ILLEGAL_ADDRESS, more.kind());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "cp.async.cg.shared.global [%r3], [%rd2], 8;",
        "cp.async.ca.shared.global [%r3], [%rd2], 2;",
        "cp.async.ca.shared.global [%r3], [%rd2], %r4;",
        "cp.async.ca.shared.global [%r3], %rd2, 4;",
        "cp.async.ca.shared.global [%r3], [tile], 4;",
        "cp.async.ca.shared.global [p], [%rd2], 4;",
      })
  void a_copy_of_another_size_or_between_other_places_is_refused(String copy) {
    PtxException refused = assertThrows(PtxException.class, () -> Ptx.load(kernel(copy)).close());
    assertTrue(
        String.valueOf(refused.getMessage()).contains("'" + copy.split(" ")[0] + "'"),
        refused::getMessage);
  }
}
