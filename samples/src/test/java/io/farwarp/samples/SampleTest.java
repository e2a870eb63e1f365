package io.farwarp.samples;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.farwarp.function.FunctionPackage;
import io.farwarp.function.FunctionSpec;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SampleTest {
  @ParameterizedTest
  @EnumSource
  void sample_is_a_valid_package_with_an_example(Sample sample) throws Exception {
    FunctionPackage built = sample.functionPackage();
    FunctionPackage read = FunctionPackage.read(built.bytes());
    FunctionSpec spec = FunctionSpec.of(read.manifest());
    assertEquals(sample.functionName(), spec.name());
    assertNotNull(spec.example());
    assertArrayEquals(sample.ptx(), read.file(sample.functionName() + ".ptx"));
    String ptx = new String(sample.ptx(), StandardCharsets.US_ASCII);
    assertTrue(ptx.contains(".entry " + spec.launch(0).kernel() + "("), ptx);
  }

  @Test
  void ptx_is_what_nvcc_makes_of_the_source() throws Exception {
    boolean nvcc =
        Stream.of(System.getenv("PATH").split(File.pathSeparator))
            .anyMatch(directory -> new File(directory, "nvcc").canExecute());
    assumeTrue(nvcc, "skipped: no nvcc on PATH to rebuild the samples' PTX with");
    Process check = new ProcessBuilder("./build-ptx", "--check").redirectErrorStream(true).start();
    String output = new String(check.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, check.waitFor(), output);
  }
}
