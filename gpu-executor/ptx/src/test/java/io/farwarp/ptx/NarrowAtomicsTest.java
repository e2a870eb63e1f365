package io.farwarp.ptx;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Atomics on 16 bits, on pairs and on vectors lose no update, also where an allocation ends. */
final class NarrowAtomicsTest {
  private static final int BLOCKS = 8;
  private static final int THREADS = 64;

  private static void run(String code, MemorySegment memory, long offset, long length)
      throws Exception {
    String text =
        """
        .version 8.6
        .target sm_90
        .address_size 64
        .visible .entry k(.param .u64 p)
        {
          .reg .b16 %h<8>;
          .reg .b32 %r<8>;
          .reg .f32 %f<8>;
          .reg .b64 %rd<8>;
          .reg .pred %p<4>;
          ld.param.u64 %rd1, [p];
        """
            + code
            + "\nret;\n}\n";
    try (PtxModule module = Ptx.load(text);
        PtxExecutor executor = PtxExecutor.create(2)) {
      PtxLaunch launch = module.kernel("k").newLaunch();
      launch.grid(BLOCKS, 1, 1).block(THREADS, 1, 1).pointer(0, memory, offset, length);
      executor.run(launch, Ptx.NEVER);
    }
  }

  @ParameterizedTest
  @CsvSource({"f16, 0x3C00, 0", "f16, 0x3C00, 2", "f16, 0x3C00, 6", "f16, 0x3C00, 8"})
  void no_addition_of_a_half_is_lost(String type, int one, int at) throws Exception {
    try (Arena arena = Arena.ofShared()) {
      MemorySegment memory = arena.allocate(16, 16);
      memory.fill((byte) 0x11);
      memory.set(ValueLayout.JAVA_SHORT, at, (short) 0);
      // The range ends in the middle of a word.
      String code = "mov.b16 %h1, " + one + "; atom.global.add.noftz." + type;
      run(code + " %h2, [%rd1+" + at + "], %h1;", memory, 0, 10);
      float sum = Float.float16ToFloat(memory.get(ValueLayout.JAVA_SHORT, at));
      assertEquals((float) BLOCKS * THREADS, sum);
      for (int other = 0; other < 16; other += 2) {
        if (other != at) {
          assertEquals(0x1111, memory.get(ValueLayout.JAVA_SHORT, other), "at " + other);
        }
      }
    }
  }

  @Test
  void both_halves_of_a_pair_are_added_to() throws Exception {
    try (Arena arena = Arena.ofShared()) {
      MemorySegment memory = arena.allocate(8, 8);
      run(
          """
          mov.b32 %r1, 0x40003C00;
          red.global.gpu.add.noftz.f16x2 [%rd1], %r1;
          mov.b32 %r2, 0xBF803F80;
          atom.add.noftz.bf16x2 %r3, [%rd1+4], %r2;
          """,
          memory, 0, 8);
      assertEquals(512f, Float.float16ToFloat(memory.get(ValueLayout.JAVA_SHORT, 0)));
      assertEquals(1024f, Float.float16ToFloat(memory.get(ValueLayout.JAVA_SHORT, 2)));
      // In bf16, 256 + 1 is 256 again.
      assertEquals(256, HalfFormat.BF16.value(memory.get(ValueLayout.JAVA_SHORT, 4) & 0xFFFF));
      assertEquals(-256, HalfFormat.BF16.value(memory.get(ValueLayout.JAVA_SHORT, 6) & 0xFFFF));
    }
  }

  @Test
  void every_element_of_a_vector_is_added_to() throws Exception {
    try (Arena arena = Arena.ofShared()) {
      MemorySegment memory = arena.allocate(16, 16);
      run(
          """
          mov.f32 %f1, 0f3F800000;
          mov.f32 %f2, 0f40000000;
          atom.global.add.v4.f32 {%f3, %f4, %f5, %f6}, [%rd1], {%f1, %f2, %f1, %f2};
          red.global.add.v2.f32 [%rd1], {%f2, %f1};
          """,
          memory, 0, 16);
      assertEquals(1536f, Ptx.floatAt(memory, 0));
      assertEquals(1536f, Ptx.floatAt(memory, 1));
      assertEquals(512f, Ptx.floatAt(memory, 2));
      assertEquals(1024f, Ptx.floatAt(memory, 3));
    }
  }

  @Test
  void compare_and_swap_of_16_bits_counts_every_success() throws Exception {
    try (Arena arena = Arena.ofShared()) {
      MemorySegment memory = arena.allocate(8, 8);
      memory.fill((byte) -1);
      memory.set(ValueLayout.JAVA_SHORT, 2, (short) 0);
      run(
          """
          ld.global.u16 %h1, [%rd1+2];
          again:
          add.s16 %h2, %h1, 1;
          atom.global.cas.b16 %h3, [%rd1+2], %h1, %h2;
          setp.ne.s16 %p1, %h1, %h3;
          mov.u16 %h1, %h3;
          @%p1 bra again;
          """,
          memory, 0, 8);
      assertEquals(BLOCKS * THREADS, memory.get(ValueLayout.JAVA_SHORT, 2));
      assertEquals(-1, memory.get(ValueLayout.JAVA_SHORT, 0));
    }
  }
}
