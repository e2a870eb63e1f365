package io.farwarp.system;

import static io.farwarp.client.Argument.in;
import static io.farwarp.client.Argument.out;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.client.ByteSize;
import io.farwarp.client.ConnectOptions;
import io.farwarp.client.Farwarp;
import io.farwarp.client.Lease;
import io.farwarp.client.LeaseRequest;
import io.farwarp.client.Session;
import io.farwarp.client.Tensor;
import io.farwarp.samples.BlackScholes;
import io.farwarp.samples.Hello;
import io.farwarp.samples.Sample;
import io.farwarp.samples.Sgemm;
import io.farwarp.v1.ElementType;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Each sample's program as the README says to run it, against a cluster of real processes. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class SamplesTest {
  private static final long LIMIT_S = 90;
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Pattern DEVICE = Pattern.compile(" by (.*) over ");

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
    assertTrue(output.startsWith("z[999999] = 2999997, "), output);
    TestedDevice.assertIs(deviceIn(output));
  }

  @Test
  void black_scholes_prices_every_option_right() throws Exception {
    String output = outputOf(BlackScholes.class);
    assertTrue(output.endsWith("wrong: 0"), output);
    TestedDevice.assertIs(deviceIn(output));
  }

  @Test
  void sgemm_multiplies_every_element_right() throws Exception {
    String output = outputOf(Sgemm.class);
    assertTrue(output.startsWith("512 x 512 elements "), output);
    assertTrue(output.endsWith("wrong: 0"), output);
    TestedDevice.assertIs(deviceIn(output));
  }

  /** Those that have no program of their own. */
  @Test
  void what_the_benchmarks_run_does_what_it_says() throws Exception {
    LeaseRequest request = LeaseRequest.on(TestedDevice.DEVICE).memory(ByteSize.MIB.of(4));
    try (Farwarp farwarp =
        Farwarp.connect(ConnectOptions.to(cluster.address).tokenFile(cluster.tenantToken()))) {
      for (Sample sample : List.of(Sample.NULL, Sample.IDENTITY, Sample.UNTOUCHED)) {
        farwarp.functions().push(sample.functionPackage());
      }
      try (Lease lease = farwarp.lease(request).await(Duration.ofSeconds(60));
          Session session = lease.open()) {
        for (long elements : new long[] {1000, 100_000}) {
          Tensor from = session.tensor(ElementType.U32, elements);
          Tensor to = session.tensor(ElementType.U32, elements);
          for (long i = 0; i < elements; i++) {
            from.segment().setAtIndex(ValueLayout.JAVA_INT, i, (int) (i * 0x9e37_79b9L));
          }
          session.function("null:1").invoke().await(PATIENCE);
          session.function("identity:1").invoke(in(from), out(to)).await(PATIENCE);
          assertEquals(-1, from.segment().mismatch(to.segment()));
          session.function("untouched:1").invoke(in(from), out(to)).await(PATIENCE);
          assertEquals(0x9e37_79b9, from.segment().getAtIndex(ValueLayout.JAVA_INT, 1));
        }
      }
    }
  }

  private static String deviceIn(String output) {
    Matcher matcher = DEVICE.matcher(output);
    assertTrue(matcher.find(), output);
    return matcher.group(1);
  }
}
