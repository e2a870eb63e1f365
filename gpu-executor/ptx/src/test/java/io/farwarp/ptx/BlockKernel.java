package io.farwarp.ptx;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Runs a few lines of PTX in one block: {@code %tid} is the thread's number, {@code %at} the
 * address of a word of shared memory of its own, and what it leaves in {@code %d} comes back.
 * Registers {@code %r1..%r9}, {@code %f1..%f4}, {@code %rd1..%rd9} and {@code %p1..%p4} are there
 * to use.
 */
final class BlockKernel {
  /** The line before the code's first. */
  static final int CODE_LINE = 23;

  private BlockKernel() {}

  static int[] run(String code, int threads) throws Exception {
    return run("", code, threads, 1, 1);
  }

  static int[] run(String functions, String code, int threads) throws Exception {
    return run(functions, code, threads, 1, 1);
  }

  static int[] run(String functions, String code, int x, int y, int z) throws Exception {
    try (Arena arena = Arena.ofShared();
        PtxModule module = Ptx.load(text(functions, code));
        PtxExecutor executor = PtxExecutor.create(1)) {
      MemorySegment out = arena.allocate(x * y * z * 4L, 256);
      PtxLaunch launch = module.kernel("k").newLaunch().block(x, y, z);
      executor.run(launch.pointer(0, out, 0, out.byteSize()), Ptx.NEVER);
      return out.toArray(ValueLayout.JAVA_INT);
    }
  }

  static String text(String functions, String code) {
    return """
    .version 6.3
    .target sm_75
    .address_size 64
    .visible .entry k(.param .u64 out)
    {
      .shared .align 8 .b8 words[8192];
      .reg .pred %p<5>;
      .reg .b32 %r<10>, %tid, %at, %d, %size;
      .reg .f32 %f<5>;
      .reg .b64 %rd<10>, %out;
      mov.u32 %tid, %tid.z;
      mov.u32 %size, %ntid.y;
      mov.u32 %d, %tid.y;
      mad.lo.u32 %tid, %tid, %size, %d;
      mov.u32 %size, %ntid.x;
      mov.u32 %d, %tid.x;
      mad.lo.u32 %tid, %tid, %size, %d;
      ld.param.u64 %out, [out];
      mul.wide.u32 %rd1, %tid, 4;
      add.s64 %out, %out, %rd1;
      mov.u32 %at, words;
      mad.lo.u32 %at, %tid, 4, %at;
      mov.u32 %d, 0;
    """
        + code
        + "\n  st.global.u32 [%out], %d;\n  ret;\n}\n"
        + functions;
  }
}
