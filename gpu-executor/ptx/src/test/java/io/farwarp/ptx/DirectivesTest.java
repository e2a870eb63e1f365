package io.farwarp.ptx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

/** Directives that nvcc writes for what has no instruction. */
final class DirectivesTest {
  private static String reading(String declaration) {
    return """
    .version 9.0
    .target sm_75
    .address_size 64
    %s
    .visible .entry k(.param .u64 p)
    {
      .reg .b32 %%r1;
      .reg .b64 %%rd1;
      ld.param.u64 %%rd1, [p];
      ld.global.u32 %%r1, [x];
      st.global.u32 [%%rd1], %%r1;
      ret;
    }
    """
        .formatted(declaration);
  }

  @Test
  void a_managed_variable_is_one_of_global_memory() throws Exception {
    String text = reading(".visible .global .attribute(.managed) .align 4 .u32 x = 17;");
    try (Arena arena = Arena.ofShared();
        PtxModule module = Ptx.load(text);
        PtxExecutor executor = PtxExecutor.create(1)) {
      MemorySegment out = arena.allocate(4, 4);
      executor.run(module.kernel("k").newLaunch().pointer(0, out, 0, 4), Ptx.NEVER);
      assertEquals(17, out.get(ValueLayout.JAVA_INT, 0));
    }
  }

  @Test
  void other_attributes_are_refused() {
    String text = reading(".global .attribute(.unified(1, 2)) .u32 x;");
    assertEquals(4, assertThrows(PtxException.class, () -> Ptx.load(text)).line());
  }
}
