package io.farwarp.ptx;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Threads take turns in loops of long steps, and each comes to its end. */
class StridedLoopTest {
  private static final String SUMS =
      """
      .version 6.3
      .target sm_75
      .address_size 64
      .visible .entry sums(.param .u64 in, .param .u64 out, .param .u32 n)
      {
        .reg .b32 %r<12>;
        .reg .b64 %rd<8>;
        .reg .pred %p<3>;
        ld.param.u64 %rd1, [in];
        ld.param.u64 %rd2, [out];
        ld.param.u32 %r1, [n];
        mov.u32 %r2, %tid.x;
        mov.u32 %r3, %ctaid.x;
        mov.u32 %r4, %ntid.x;
        mov.u32 %r5, %nctaid.x;
        mad.lo.s32 %r6, %r3, %r4, %r2;
        mul.wide.s32 %rd3, %r6, 4;
        add.s64 %rd4, %rd2, %rd3;
        mul.lo.s32 %r7, %r4, %r5;
        mov.u32 %r8, 0;
        setp.ge.s32 %p1, %r6, %r1;
        @%p1 bra done;
      next:
        mul.wide.s32 %rd5, %r6, 4;
        add.s64 %rd6, %rd1, %rd5;
        ld.global.u32 %r9, [%rd6];
        mad.lo.s32 %r8, %r8, 3, %r9;
        add.s32 %r6, %r6, %r7;
        setp.lt.s32 %p2, %r6, %r1;
        @%p2 bra next;
      done:
        st.global.u32 [%rd4], %r8;
        ret;
      }
      """;

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 95, 96, 97, 192, 500, 1001})
  void each_thread_sees_its_elements_in_order(int n) throws Exception {
    int blocks = 3;
    int threads = 32;
    int stride = blocks * threads;
    try (PtxModule module = PtxModule.load(SUMS, PtxOptions.defaults());
        PtxExecutor executor = PtxExecutor.create(2);
        Arena arena = Arena.ofShared()) {
      MemorySegment in = arena.allocate(Math.max(1, n) * 4L, 16);
      for (int i = 0; i < n; i++) {
        in.setAtIndex(ValueLayout.JAVA_INT, i, i * i + 7);
      }
      MemorySegment out = arena.allocate(stride * 4L, 16);
      PtxLaunch launch = module.kernel("sums").newLaunch().grid(blocks, 1, 1).block(threads, 1, 1);
      launch.pointer(0, in, 0, n * 4L).pointer(1, out, 0, stride * 4L).scalar(2, n);
      executor.run(launch, Ptx.NEVER);
      for (int first = 0; first < stride; first++) {
        int expected = 0;
        for (int i = first; i < n; i += stride) {
          expected = expected * 3 + i * i + 7;
        }
        assertEquals(expected, out.getAtIndex(ValueLayout.JAVA_INT, first), "thread " + first);
      }
    }
  }
}
