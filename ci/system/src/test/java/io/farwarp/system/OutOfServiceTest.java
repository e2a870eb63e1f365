package io.farwarp.system;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.client.ConnectOptions;
import io.farwarp.client.Device;
import io.farwarp.client.Farwarp;
import io.farwarp.client.FarwarpException;
import io.farwarp.client.Lease;
import io.farwarp.client.LeaseRequest;
import io.farwarp.client.Session;
import io.farwarp.samples.Sample;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A GPU that a fresh worker cannot use. Needs the simulated CUDA driver. */
@Tag("simcuda")
@Timeout(value = 180, unit = TimeUnit.SECONDS)
class OutOfServiceTest {
  private static final String WORKER_OPTIONS = "FARWARP_WORKER_JAVA_OPTIONS";

  @TempDir Path directory;

  @Test
  void a_lost_gpu_takes_no_lease_until_it_is_found_to_work_again() throws Exception {
    Path driver = Files.createFile(directory.resolve("driver"));
    String options = System.getenv(WORKER_OPTIONS) + " -Dfarwarp.simcuda.file=" + driver;
    try (Cluster cluster =
            Cluster.start(directory, Map.of(WORKER_OPTIONS, options), "--device", "cuda");
        Farwarp farwarp =
            Farwarp.connect(ConnectOptions.to(cluster.address).tokenFile(cluster.tenantToken()))) {
      farwarp.functions().push(Sample.NULL.functionPackage());
      assertComputes(farwarp);

      Files.writeString(driver, "lost=1");
      FarwarpException first =
          assertThrows(FarwarpException.class, () -> lease(farwarp, Duration.ZERO));
      assertTrue(first.getMessage().contains("CUDA_ERROR_DEVICE_UNAVAILABLE"), first.getMessage());
      Cluster.await("the gateway knows", 20, () -> !outOfService(farwarp).isEmpty());
      FarwarpException second =
          assertThrows(FarwarpException.class, () -> lease(farwarp, Duration.ZERO));
      assertTrue(
          second.getMessage().contains("cuda-0 of executor executor-1 is out of service"),
          second.getMessage());
      try (FarwarpProcess list = cluster.farwarp("executor", "list")) {
        String table = list.finish(0, 60);
        assertTrue(table.contains("out of service: "), table);
        assertTrue(table.contains(", compute 9.0, "), table);
      }

      Files.writeString(driver, "");
      assertComputes(farwarp);
      assertEquals("", outOfService(farwarp));
    }
  }

  private static String outOfService(Farwarp farwarp) {
    return farwarp.executors().getFirst().getDevices(0).getOutOfService();
  }

  private static Lease lease(Farwarp farwarp, Duration wait) {
    return farwarp
        .lease(
            LeaseRequest.on(Device.CUDA)
                .memory(2L << 20)
                .shareMillis(100)
                .functions("null:1")
                .waitAtMost(wait))
        .await(Duration.ofSeconds(90));
  }

  private static void assertComputes(Farwarp farwarp) {
    try (Lease lease = lease(farwarp, Duration.ofSeconds(60));
        Session session = lease.open()) {
      session.function("null:1").invoke().await(Duration.ofSeconds(30));
    }
  }
}
