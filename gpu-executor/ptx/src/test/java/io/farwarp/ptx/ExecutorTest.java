package io.farwarp.ptx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** How launches are spread over threads, and what they cost beside the kernel. */
final class ExecutorTest {
  private static final String TEXT =
      """
      .version 6.3
      .target sm_75
      .address_size 64
      .visible .entry whoami(.param .u64 out)
      {
        .reg .b32 %r<32>;
        .reg .b64 %rd<8>;
        ld.param.u64 %rd1, [out];
        cvta.to.global.u64 %rd1, %rd1;
        mov.u32 %r1, %ctaid.x;
        mov.u32 %r2, %ctaid.y;
        mov.u32 %r3, %ctaid.z;
        mov.u32 %r4, %nctaid.x;
        mov.u32 %r5, %nctaid.y;
        mov.u32 %r6, %nctaid.z;
        mov.u32 %r7, %tid.x;
        mov.u32 %r8, %tid.y;
        mov.u32 %r9, %tid.z;
        mov.u32 %r10, %ntid.x;
        mov.u32 %r11, %ntid.y;
        mov.u32 %r12, %ntid.z;
        mad.lo.s32 %r13, %r3, %r5, %r2;
        mad.lo.s32 %r13, %r13, %r4, %r1;
        mad.lo.s32 %r14, %r9, %r11, %r8;
        mad.lo.s32 %r14, %r14, %r10, %r7;
        mul.lo.s32 %r15, %r10, %r11;
        mul.lo.s32 %r15, %r15, %r12;
        mad.lo.s32 %r16, %r13, %r15, %r14;
        mov.u32 %r17, %laneid;
        mov.u32 %r18, %warpid;
        shl.b32 %r18, %r18, 5;
        or.b32 %r17, %r17, %r18;
        mul.wide.u32 %rd2, %r16, 4;
        add.s64 %rd2, %rd1, %rd2;
        ld.global.u32 %r19, [%rd2];
        add.s32 %r19, %r19, %r17;
        add.s32 %r19, %r19, 1;
        st.global.u32 [%rd2], %r19;
        ret;
      }
      """;

  private static final int[][] SHAPES = {
    {1, 1, 1, 1, 1, 1},
    {1, 1, 1, 1024, 1, 1},
    {1000, 1, 1, 1, 1, 1},
    {3, 5, 7, 4, 2, 3},
    {64, 1, 1, 33, 1, 1},
    {2, 300, 2, 1, 17, 1},
    {1, 1, 9, 5, 5, 5}
  };

  /** Every thread adds its number in the block plus one to its own element, once. */
  @Test
  void each_thread_of_each_block_runs_once_whatever_the_number_of_workers() throws Exception {
    for (int workers : new int[] {1, 2, 3, 7}) {
      try (Arena arena = Arena.ofShared();
          PtxModule module = Ptx.load(TEXT);
          PtxExecutor executor = PtxExecutor.create(workers)) {
        for (int[] shape : SHAPES) {
          check(arena, module, executor, shape);
        }
      }
    }
  }

  private static void check(Arena arena, PtxModule module, PtxExecutor executor, int[] shape)
      throws PtxFault {
    int threads = shape[3] * shape[4] * shape[5];
    int total = shape[0] * shape[1] * shape[2] * threads;
    MemorySegment out = arena.allocate(total * 4L, 16);
    PtxLaunch launch = module.kernel("whoami").newLaunch().pointer(0, out, 0, total * 4L);
    launch.grid(shape[0], shape[1], shape[2]).block(shape[3], shape[4], shape[5]);
    int runs = 3;
    for (int i = 0; i < runs; i++) {
      executor.run(launch, Ptx.NEVER);
    }
    for (int i = 0; i < total; i++) {
      assertEquals(runs * (i % threads + 1), out.getAtIndex(ValueLayout.JAVA_INT, i));
    }
  }

  @Test
  void launches_of_several_callers_share_one_executor() throws Exception {
    try (Arena arena = Arena.ofShared();
        PtxModule module = Ptx.load(TEXT);
        PtxExecutor executor = PtxExecutor.create(2)) {
      int callers = 4;
      int runs = 50;
      List<Thread> threads = new ArrayList<>();
      List<MemorySegment> outputs = new ArrayList<>();
      List<Throwable> failures = java.util.Collections.synchronizedList(new ArrayList<>());
      for (int caller = 0; caller < callers; caller++) {
        MemorySegment out = arena.allocate(512 * 32 * 4L, 16);
        outputs.add(out);
        PtxLaunch launch = module.kernel("whoami").newLaunch().pointer(0, out, 0, 512 * 32 * 4L);
        launch.grid(512, 1, 1).block(32, 1, 1);
        threads.add(
            Thread.ofPlatform()
                .start(() -> {
                  try {
                    for (int run = 0; run < runs; run++) {
                      executor.run(launch, Ptx.NEVER);
                    }
                  } catch (PtxFault | RuntimeException e) {
                    failures.add(e);
                  }
                }));
      }
      for (Thread thread : threads) {
        thread.join();
      }
      assertEquals(List.of(), failures);
      for (MemorySegment out : outputs) {
        for (int i = 0; i < 512 * 32; i++) {
          assertEquals(runs * (i % 32 + 1), out.getAtIndex(ValueLayout.JAVA_INT, i));
        }
      }
    }
  }

  /** The calling thread's own counter, after enough launches for the code to be compiled. */
  @Test
  void repeated_launch_allocates_nothing() throws Exception {
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    try (Arena arena = Arena.ofShared();
        PtxModule module = Ptx.load(TEXT);
        PtxExecutor executor = PtxExecutor.create(2)) {
      MemorySegment out = arena.allocate(2 * 4096, 256);
      PtxLaunch launch = module.kernel("whoami").newLaunch().grid(8, 1, 1).block(64, 1, 1);
      long least = Long.MAX_VALUE;
      for (int round = 0; round < 50 && least > 0; round++) {
        long before = threads.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < 1000; i++) {
          launch.pointer(0, out, (i & 1) * 4096, 4096).grid(1 + (i & 7), 1, 1);
          executor.run(launch, Ptx.NEVER);
        }
        least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
      }
      assertEquals(0, least);
    }
  }

  @Test
  void closed_executor_refuses_launches() throws Exception {
    try (PtxModule module = Ptx.load(TEXT)) {
      PtxExecutor executor = PtxExecutor.create(2);
      executor.close();
      PtxLaunch launch = module.kernel("whoami").newLaunch();
      assertThrows(IllegalStateException.class, () -> executor.run(launch, Ptx.NEVER));
      assertThrows(IllegalArgumentException.class, () -> PtxExecutor.create(0));
    }
  }
}
