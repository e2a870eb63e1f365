package io.farwarp.system;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.samples.BlackScholes;
import io.farwarp.samples.Hello;
import io.farwarp.samples.Sgemm;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Each sample's program as the README says to run it, against a cluster of real processes. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class SamplesTest {
  private static final long LIMIT_S = 90;

  @TempDir static Path directory;
  private static Cluster cluster;

  @BeforeAll
  static void start() throws Exception {
    cluster = Cluster.start(directory);
  }

  @AfterAll
  static void stop() throws Exception {
    if (cluster != null) {
      cluster.close();
    }
  }

  private static String outputOf(Class<?> sample) throws Exception {
    try (FarwarpProcess process =
        FarwarpProcess.startMain(
            sample.getName(),
            directory,
            Map.of("FARWARP_TOKEN_FILE", cluster.tenantToken().toString()),
            cluster.address)) {
      return process.finish(0, LIMIT_S);
    }
  }

  @Test
  void hello_adds_two_vectors() throws Exception {
    String output = outputOf(Hello.class);
    assertTrue(output.startsWith("z[999999] = 2999997, by PTX CPU device (no GPU)"), output);
  }

  @Test
  void black_scholes_prices_every_option_right() throws Exception {
    String output = outputOf(BlackScholes.class);
    assertTrue(output.endsWith("wrong: 0"), output);
  }

  @Test
  void sgemm_multiplies_every_element_right() throws Exception {
    String output = outputOf(Sgemm.class);
    assertTrue(output.startsWith("512 x 512 elements by PTX CPU device (no GPU)"), output);
    assertTrue(output.endsWith("wrong: 0"), output);
  }
}
