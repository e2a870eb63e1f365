package io.farwarp.ptx.corpus;

import io.farwarp.ptx.PtxException;
import io.farwarp.ptx.PtxExecutor;
import io.farwarp.ptx.PtxModule;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Kernels as HPC suites have them, as nvcc compiles them with optimisation and without, for two
 * architectures, against the same work on the host.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class CorpusTest {
  private final PtxExecutor executor = PtxExecutor.create(2);

  /** Each test has modules of its own: they keep what kernels leave in variables. */
  private final Map<String, PtxModule> modules = new HashMap<>();

  @AfterAll
  void close() {
    executor.close();
    modules.values().forEach(PtxModule::close);
  }

  private static List<CorpusCase> cases() {
    List<CorpusCase> cases = new ArrayList<>();
    cases.addAll(DenseCases.all());
    cases.addAll(VectorCases.all());
    cases.addAll(ScanCases.all());
    cases.addAll(SortCases.all());
    cases.addAll(GraphCases.all());
    cases.addAll(StencilCases.all());
    cases.addAll(AtomicCases.all());
    cases.addAll(LanguageCases.all());
    cases.addAll(PlatformCases.all());
    cases.addAll(IntegerCases.all());
    cases.addAll(BitCases.all());
    cases.addAll(PhysicsCases.all());
    cases.addAll(GridProgrammingCases.all());
    cases.addAll(ImageCases.all());
    cases.addAll(PictureCases.all());
    cases.addAll(LayerCases.all());
    cases.addAll(HalfCases.all());
    cases.addAll(LegacyCases.all());
    return cases;
  }

  static Stream<Arguments> casesByTurns() {
    List<CorpusCase> cases = cases();
    Variant[] variants = Variant.values();
    List<String> families = cases.stream().map(CorpusCase::family).distinct().toList();
    return cases.stream()
        .map(each ->
            Arguments.of(each, variants[families.indexOf(each.family()) % variants.length]));
  }

  static Stream<Arguments> casesWithEveryVariant() {
    return cases().stream()
        .flatMap(each -> Stream.of(Variant.values()).map(variant -> Arguments.of(each, variant)));
  }

  /** Families take turns at the variants. */
  @ParameterizedTest
  @MethodSource("casesByTurns")
  void kernel_agrees_with_the_host(CorpusCase test, Variant variant) throws Exception {
    check(test, variant, "by turns");
  }

  @Tag("full")
  @ParameterizedTest
  @MethodSource("casesWithEveryVariant")
  void kernel_agrees_with_the_host_however_it_was_compiled(CorpusCase test, Variant variant)
      throws Exception {
    check(test, variant, "all");
  }

  private void check(CorpusCase test, Variant variant, String user) throws Exception {
    try (Device device = new CpuDevice(module(test.family(), variant, user), executor)) {
      test.body().run(device);
    }
  }

  private PtxModule module(String family, Variant variant, String user)
      throws PtxException, IOException {
    String key = family + " " + variant + " " + user;
    PtxModule module = modules.get(key);
    if (module == null) {
      module = variant.load(family);
      modules.put(key, module);
    }
    return module;
  }
}
