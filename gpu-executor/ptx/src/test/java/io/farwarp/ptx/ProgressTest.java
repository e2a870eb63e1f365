package io.farwarp.ptx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.farwarp.ptx.PtxFault.Kind;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Threads that wait by looking at memory get what they wait for, or the stop signal does. */
final class ProgressTest {
  /** Every thread but 0 waits for its neighbour below, by one kind of look at shared memory. */
  private static String relay(String look) {
    return """
    mov.u32 %r1, 0;
    st.shared.u32 [%at], %r1;
    bar.sync 0;
    setp.eq.u32 %p1, %tid, 63;
    @%p1 bra ready;
    again:
    LOOK
    setp.eq.u32 %p2, %r2, 0;
    @%p2 bra again;
    ready:
    @%p1 mov.u32 %r2, 1;
    add.u32 %d, %r2, 1;
    st.volatile.shared.u32 [%at], %d;
    """
        .replace("LOOK", look);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "ld.volatile.shared.u32 %r2, [%at+4];",
        "ld.relaxed.cta.shared.u32 %r2, [%at+4];",
        "ld.acquire.gpu.shared.u32 %r2, [%at+4];",
        "atom.shared.or.b32 %r2, [%at+4], 0;",
        "membar.cta; ld.shared.u32 %r2, [%at+4];",
        "ld.shared.u32 %r2, [%at+4]; nanosleep.u32 20;",
        "{ .param .b32 seen; .param .b32 where; add.u32 %r3, %at, 4; st.param.b32 [where], %r3;"
            + " call.uni (seen), look, (where); ld.param.b32 %r2, [seen]; }"
      })
  void each_way_of_polling_lets_the_thread_run_that_is_waited_for(String look) throws Exception {
    String functions =
        """
        .func (.param .b32 seen) look(.param .b32 where)
        {
          .reg .b32 %v<3>;
          ld.param.b32 %v1, [where];
          ld.volatile.shared.u32 %v2, [%v1];
          st.param.b32 [seen], %v2;
          ret;
        }
        """;
    int[] got = BlockKernel.run(functions, relay(look), 64);
    assertArrayEquals(IntStream.range(0, 64).map(i -> 65 - i).toArray(), got);
  }

  @Test
  void a_loop_that_a_branch_by_index_closes_lets_the_thread_run_that_is_waited_for()
      throws Exception {
    String byIndex =
        relay("ld.volatile.shared.u32 %r2, [%at+4];")
            .replace(
                "@%p2 bra again;",
                "ways: .branchtargets ready, again;\nselp.u32 %r3, 1, 0, %p2;\nbrx.idx %r3, ways;");
    assertArrayEquals(
        IntStream.range(0, 64).map(i -> 65 - i).toArray(), BlockKernel.run(byIndex, 64));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        // Polls global memory for what no block ever writes.
        "again:\nld.volatile.global.u32 %r1, [%out];\nsetp.eq.u32 %p1, %r1, 0;\n@%p1 bra again;",
        // Goes from barrier to barrier.
        "again:\nbar.sync 0;\nbra again;",
        // Shuffles without end in some lanes, while the others wait for the block.
        "setp.lt.u32 %p1, %tid, 32;\n@!%p1 bra out;\nagain:\n"
            + "shfl.sync.bfly.b32 %r1, %tid, 1, 31, -1;\nbra again;\nout:\nbar.sync 0;",
        // Some spin in a region of their own behind a barrier.
        "bar.sync 0;\nsetp.lt.u32 %p1, %tid, 3;\nagain:\n@%p1 bra again;\nbar.sync 0;",
        // Waits in a warp for itself to write.
        "again:\natom.global.cas.b32 %r1, [%out], 1, 1;\nactivemask.b32 %r2;\n"
            + "setp.eq.u32 %p1, %r1, 0;\n@%p1 bra again;"
      })
  void block_that_never_ends_is_stopped(String code) throws Exception {
    try (Arena arena = Arena.ofShared();
        PtxModule module = Ptx.load(BlockKernel.text("", code));
        PtxExecutor executor = PtxExecutor.create(2)) {
      MemorySegment out = arena.allocate(256, 256);
      PtxLaunch launch = module.kernel("k").newLaunch().grid(4, 1, 1).block(64, 1, 1);
      launch.pointer(0, out, 0, 256);
      StopSignal stop = new StopSignal();
      Thread stopper =
          Thread.ofPlatform()
              .start(() -> {
                long start = System.nanoTime();
                while (System.nanoTime() - start < 30_000_000) {
                  Thread.onSpinWait();
                }
                stop.stop();
              });
      PtxFault fault = assertThrows(PtxFault.class, () -> executor.run(launch, stop));
      stopper.join();
      assertEquals(Kind.STOPPED, fault.kind());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void blocks_may_wait_for_blocks_before_them(int threads) throws Exception {
    String text =
        """
        .version 6.3
        .target sm_75
        .address_size 64
        .visible .entry chain(.param .u64 flags)
        {
          .reg .b32 %r<4>;
          .reg .b64 %rd<4>;
          .reg .pred %p<2>;
          ld.param.u64 %rd1, [flags];
          mov.u32 %r1, %ctaid.x;
          mul.wide.u32 %rd2, %r1, 4;
          add.s64 %rd1, %rd1, %rd2;
        again:
          ld.acquire.gpu.global.u32 %r2, [%rd1];
          setp.eq.u32 %p1, %r2, 0;
          @%p1 bra again;
          add.u32 %r2, %r2, 1;
          st.release.gpu.global.u32 [%rd1+4], %r2;
          ret;
        }
        """;
    try (Arena arena = Arena.ofShared();
        PtxModule module = Ptx.load(text);
        PtxExecutor executor = PtxExecutor.create(threads)) {
      MemorySegment flags = arena.allocate(101 * 4L, 256);
      flags.set(ValueLayout.JAVA_INT, 0, 1);
      PtxLaunch launch = module.kernel("chain").newLaunch().grid(100, 1, 1);
      executor.run(launch.pointer(0, flags, 0, flags.byteSize()), Ptx.NEVER);
      assertArrayEquals(
          IntStream.rangeClosed(1, 101).toArray(), flags.toArray(ValueLayout.JAVA_INT));
    }
  }
}
