package io.farwarp.ptx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Fatbins that nvcc 13 wrote, whole and damaged. */
final class FatbinTest {
  private static byte[] file(String name) throws Exception {
    try (InputStream in = FatbinTest.class.getResourceAsStream("fatbin/" + name + ".fatbin")) {
      return Objects.requireNonNull(in, name).readAllBytes();
    }
  }

  private static PtxModule load(byte[] file) throws PtxException {
    return PtxModule.load(file, PtxOptions.defaults());
  }

  /** The kernel writes the architecture that its code was made for. */
  @ParameterizedTest
  @CsvSource({"plain, 900", "zstandard, 900", "lz4, 750", "tensor-cores, 750"})
  void the_ptx_for_the_highest_architecture_that_is_supported_runs(String name, int architecture)
      throws Exception {
    try (Arena arena = Arena.ofShared();
        PtxModule module = load(file(name));
        PtxExecutor executor = PtxExecutor.create(1)) {
      MemorySegment memory = arena.allocate(4, 4);
      executor.run(module.kernel("which").newLaunch().pointer(0, memory, 0, 4), Ptx.NEVER);
      assertEquals(architecture, memory.get(ValueLayout.JAVA_INT, 0));
    }
  }

  @Test
  void a_fatbin_of_cubins_is_refused_with_the_architectures_that_it_holds() throws Exception {
    byte[] cubins = file("cubins");
    NoPtxException refused = assertThrows(NoPtxException.class, () -> load(cubins));
    assertEquals(List.of("sm_80", "sm_90"), refused.architectures());
    assertTrue(String.valueOf(refused.getMessage()).contains("holds sm_80, sm_90"));
  }

  @Test
  void plain_text_is_a_module_too() throws Exception {
    load(Ptx.resource("linear.ptx").getBytes(StandardCharsets.UTF_8)).close();
    byte[] binary = {0x7F, 'E', 'L', 'F', (byte) 0xFF, (byte) 0xFE};
    assertThrows(PtxException.class, () -> load(binary));
  }

  @Test
  void text_over_the_limit_is_refused_before_it_is_decompressed() throws Exception {
    byte[] file = file("zstandard");
    PtxException refused =
        assertThrows(
            PtxException.class, () -> PtxModule.load(file, new PtxOptions(100, 1 << 20, 1024)));
    assertTrue(String.valueOf(refused.getMessage()).contains("the limit is 100"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"plain", "zstandard", "lz4", "cubins"})
  void a_fatbin_cut_short_anywhere_is_refused(String name) throws Exception {
    byte[] whole = file(name);
    for (int length = 4; length < whole.length; length += 1 + length / 64) {
      byte[] cut = java.util.Arrays.copyOf(whole, length);
      assertThrows(PtxException.class, () -> load(cut).close(), "at " + length);
    }
  }
}
