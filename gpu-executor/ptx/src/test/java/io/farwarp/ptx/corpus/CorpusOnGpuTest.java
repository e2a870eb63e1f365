package io.farwarp.ptx.corpus;

import io.farwarp.ptx.PtxException;
import io.farwarp.ptx.gpu.Gpu;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The corpus, with the same texts, launches and expectations, on a GPU: what {@link CorpusTest}
 * asks of the PTX CPU device is what the hardware does.
 */
@Tag("gpu")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class CorpusOnGpuTest {
  private static final long MEMORY_BYTES = 64 << 20;

  private final Arena arena = Arena.ofShared();
  private final Map<String, Gpu.Module> modules = new HashMap<>();
  private Gpu gpu;
  private MemorySegment memory;

  @BeforeAll
  void open() {
    gpu = Gpu.assumed();
    memory = gpu.allocate(MEMORY_BYTES, arena);
    System.out.println("GPU: " + gpu);
  }

  @AfterAll
  void close() {
    modules.values().forEach(Gpu.Module::close);
    arena.close();
  }

  static Stream<Arguments> casesWithEveryVariant() {
    return CorpusTest.casesWithEveryVariant();
  }

  @ParameterizedTest
  @MethodSource("casesWithEveryVariant")
  void kernel_agrees_with_the_host_on_a_gpu(CorpusCase test, Variant variant) throws Exception {
    try (Device device = new GpuDevice(module(test.family(), variant), memory)) {
      test.body().run(device);
    }
  }

  private Gpu.Module module(String family, Variant variant) throws PtxException, IOException {
    String key = family + " " + variant;
    Gpu.Module module = modules.get(key);
    if (module == null) {
      module = gpu.load(variant.text(family));
      modules.put(key, module);
    }
    return module;
  }
}
