package io.farwarp.ptx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

/** Faults and refusals name the line of the source; a deterministic run repeats itself. */
final class DebuggingTest {
  private static String module(String instruction) {
    return """
    .version 6.3
    .target sm_75
    .address_size 64
    .visible .entry k(.param .u64 p)
    {
      .reg .b32 %r<4>;
      .reg .b64 %rd<4>;
      .loc 1 10 3
      ld.param.u64 %rd1, [p];
      .loc 1 12 5, function_name $name, inlined_at 1 10 3
    """
        + instruction
        + """

          .loc 2 99 1
          ret;
        }
        .visible .entry unmarked(.param .u64 p)
        {
          trap;
        }
        .file 1 "/src/kernel.cu", 1700000000, 1234
        .file 2 "/src/other.h"
        """;
  }

  private static PtxFault fault(String text, String kernel) throws Exception {
    try (PtxModule module = Ptx.load(text);
        PtxExecutor executor = PtxExecutor.deterministic()) {
      PtxLaunch launch = module.kernel(kernel).newLaunch().scalar(0, 64);
      return assertThrows(PtxFault.class, () -> executor.run(launch, Ptx.NEVER));
    }
  }

  @Test
  void a_fault_names_the_line_of_the_source() throws Exception {
    PtxFault fault = fault(module("ld.global.u32 %r1, [%rd1];"), "k");
    assertEquals(PtxFault.Kind.ILLEGAL_ADDRESS, fault.kind());
    assertEquals(11, fault.line());
    assertEquals("/src/kernel.cu:12", fault.source());
    assertTrue(String.valueOf(fault.getMessage()).endsWith("line 11 (/src/kernel.cu:12)"));
  }

  @Test
  void a_refusal_names_the_line_of_the_source() {
    String text = module("wmma.load.a.sync.aligned.row.m16n16k16.global.f16 {%r1}, [%rd1];");
    PtxException refused = assertThrows(PtxException.class, () -> Ptx.load(text));
    assertEquals(11, refused.line());
    assertTrue(String.valueOf(refused.getMessage()).endsWith("(/src/kernel.cu:12)"));
  }

  @Test
  void what_one_function_says_of_its_lines_does_not_hold_for_the_next() throws Exception {
    PtxFault fault = fault(module("mov.u32 %r1, 1;"), "unmarked");
    assertEquals(PtxFault.Kind.TRAP, fault.kind());
    assertEquals("", fault.source());
  }

  @Test
  void a_deterministic_executor_keeps_the_order_of_blocks_and_threads() throws Exception {
    try (Arena arena = Arena.ofShared();
        PtxModule module = Ptx.load(Ptx.resource("control.ptx"));
        PtxExecutor executor = PtxExecutor.deterministic()) {
      MemorySegment data = arena.allocate(32, 16);
      PtxLaunch launch = module.kernel("speak").newLaunch().grid(100, 1, 1).block(8, 1, 1);
      launch.pointer(0, data, 0, 32).scalar(1, 0);
      executor.run(launch, Ptx.NEVER);
      StringBuilder expected = new StringBuilder();
      for (int i = 0; i < 800; i++) {
        expected.append("thread ").append(i % 8).append(" of block: 0.00 123456789012\n");
      }
      assertEquals(expected.toString(), launch.output().take());
    }
  }
}
