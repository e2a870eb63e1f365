package io.farwarp.ptx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A launch that would never end is stopped, whatever its kernel does, and nothing else suffers. */
@Timeout(value = 120, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class StoppingTest {
  /** Loops for good, each after a store that says that it has begun. */
  private static String loop(String kernel) {
    return switch (kernel) {
      case "tight" -> "again: add.u32 %r1, %r1, 1; bra again;";
      case "computing" -> "again: fma.rn.f32 %f1, %f1, %f1, %f1; bra again;";
      case "counting" ->
          "again: add.u32 %r1, %r1, 1; setp.ne.u32 %p1, %r1, 0; @%p1 bra again; bra again;";
      case "nested" ->
          "again: mov.u32 %r2, 100; inner: sub.u32 %r2, %r2, 1; setp.ne.u32 %p1, %r2, 0;"
              + " @%p1 bra inner; bra again;";
      case "polling" ->
          "again: ld.volatile.global.u32 %r1, [%rd1]; setp.ne.u32 %p1, %r1, 0; @%p1 bra again;";
      case "striding" ->
          "again: ld.global.u32 %r1, [%rd1]; add.s64 %rd2, %rd2, 4096; add.s64 %rd3, %rd1, %rd2;"
              + " and.b64 %rd3, %rd3, -4097; setp.ne.u32 %p1, %r1, 0; @%p1 bra again;";
      case "barriers" -> "again: bar.sync 0; bra again;";
      case "shuffling" -> "again: shfl.sync.bfly.b32 %r1, %r1, 1, 31, -1; bra again;";
      case "parted" -> // Half of the threads wait at a barrier for the others.
          "mov.u32 %r1, %tid.x; setp.lt.u32 %p1, %r1, 16; @%p1 bra again; bar.sync 0; ret;"
              + " again: add.u32 %r2, %r2, 1; bra again;";
      case "atomic" -> "again: atom.global.add.u32 %r1, [%rd1+4], 1; bra again;";
      case "calling" -> "call.uni whirl, (); ret;";
      case "called" -> "again: call.uni leaf, (); bra again;";
      case "indexed" -> "where: .branchtargets again, out; again: brx.idx %r9, where; out:";
      case "indexedPolling" ->
          "where: .branchtargets out, again; again: ld.volatile.global.u32 %r1, [%rd1];"
              + " brx.idx %r1, where; out:";
      case "sleeping" -> "again: nanosleep.u32 1000; bra again;";
      case "grid" -> "";
      default -> throw new IllegalArgumentException(kernel);
    };
  }

  private static String text(String kernel) {
    return """
    .version 6.3
    .target sm_75
    .address_size 64
    .func whirl() { .reg .b32 %r<2>; again: add.u32 %r1, %r1, 1; bra again; }
    .func leaf() { .reg .b32 %r<2>; add.u32 %r1, %r1, 1; ret; }
    .visible .entry k(.param .u64 begun)
    {
      .reg .pred %p<3>;
      .reg .b32 %r<10>;
      .reg .f32 %f<3>;
      .reg .b64 %rd<4>;
      ld.param.u64 %rd1, [begun];
      mov.u32 %r9, 1;
      st.volatile.global.u32 [%rd1], %r9;
      mov.u32 %r9, 0;
      LOOP
      ret;
    }
    """
        .replace("LOOP", loop(kernel));
  }

  @ParameterizedTest
  @CsvSource({
    "tight, 4",
    "computing, 4",
    "counting, 4",
    "nested, 4",
    "polling, 4",
    "striding, 4",
    "barriers, 4",
    "shuffling, 4",
    "parted, 4",
    "atomic, 4",
    "calling, 4",
    "called, 4",
    "indexed, 4",
    "indexedPolling, 4",
    "sleeping, 4",
    "grid, 2147483647"
  })
  void a_launch_without_end_is_stopped(String kernel, int blocks) throws Exception {
    try (Arena arena = Arena.ofShared();
        PtxModule module = Ptx.load(text(kernel));
        PtxExecutor executor = PtxExecutor.create(2)) {
      MemorySegment begun = arena.allocate(256, 256);
      PtxLaunch launch = module.kernel("k").newLaunch().grid(blocks, 1, 1).block(32, 1, 1);
      launch.pointer(0, begun, 0, 256);
      StopSignal stop = new StopSignal();
      AtomicReference<Throwable> outcome = new AtomicReference<>();
      Thread runner =
          Thread.ofPlatform()
              .start(() ->
                  outcome.set(assertThrows(PtxFault.class, () -> executor.run(launch, stop))));
      while (begun.get(ValueLayout.JAVA_INT, 0) == 0 && runner.isAlive()) {
        Thread.onSpinWait();
      }
      stop.stop();
      runner.join();
      PtxFault fault = (PtxFault) outcome.get();
      assertEquals(PtxFault.Kind.STOPPED, fault.kind());
      assertTrue(launch.kernel().isCompilable());
      runsStill(executor, begun);
    }
  }

  private static void runsStill(PtxExecutor executor, MemorySegment memory) throws Exception {
    try (PtxModule module = Ptx.load(text("grid"))) {
      memory.set(ValueLayout.JAVA_INT, 0, 0);
      PtxLaunch launch = module.kernel("k").newLaunch().grid(64, 1, 1).block(32, 1, 1);
      executor.run(launch.pointer(0, memory, 0, 256), Ptx.NEVER);
      assertEquals(1, memory.get(ValueLayout.JAVA_INT, 0));
    }
  }
}
