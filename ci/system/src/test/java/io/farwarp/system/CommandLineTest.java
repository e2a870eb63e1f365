package io.farwarp.system;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.client.ByteSize;
import io.farwarp.client.ConnectOptions;
import io.farwarp.client.Farwarp;
import io.farwarp.client.Lease;
import io.farwarp.client.LeaseEnd;
import io.farwarp.client.LeaseException;
import io.farwarp.client.LeaseExpiring;
import io.farwarp.client.LeaseRequest;
import io.farwarp.function.FunctionPackage;
import io.farwarp.v1.LeaseState;
import io.farwarp.wire.Status;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The commands as a user types them, against a cluster of real processes. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class CommandLineTest {
  private static final long LIMIT_S = 60;

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

  @Test
  void a_package_is_built_pushed_listed_shown_run_and_deleted() throws Exception {
    Path source = Files.createDirectory(directory.resolve("triple"));
    Files.writeString(
        source.resolve("triple.ptx"),
        """
        .version 6.3
        .target sm_50
        .address_size 64
        .visible .entry triple(.param .u64 x, .param .u64 y, .param .u32 n)
        {
          .reg .pred %p<2>;
          .reg .f32 %f<3>;
          .reg .b32 %r<6>;
          .reg .b64 %rd<8>;
          ld.param.u64 %rd1, [x];
          ld.param.u64 %rd2, [y];
          ld.param.u32 %r1, [n];
          mov.u32 %r2, %ctaid.x;
          mov.u32 %r3, %ntid.x;
          mov.u32 %r4, %tid.x;
          mad.lo.s32 %r5, %r2, %r3, %r4;
          setp.ge.u32 %p1, %r5, %r1;
          @%p1 bra DONE;
          cvta.to.global.u64 %rd3, %rd1;
          cvta.to.global.u64 %rd4, %rd2;
          mul.wide.u32 %rd5, %r5, 4;
          add.s64 %rd6, %rd3, %rd5;
          add.s64 %rd7, %rd4, %rd5;
          ld.global.f32 %f1, [%rd6];
          mul.f32 %f2, %f1, 0f40400000;
          st.global.f32 [%rd7], %f2;
        DONE:
          ret;
        }
        """);
    Files.writeString(
        source.resolve("manifest.json"),
        """
        {"name": "triple", "version": "2",
         "parameters": [
           {"name": "x", "type": "F32", "tensor": {"direction": "IN", "shape": ["n"]}},
           {"name": "y", "type": "F32", "tensor": {"direction": "OUT", "shape": ["n"]}},
           {"name": "n", "type": "U32", "scalar": {}}],
         "modules": [{"file": "triple.ptx", "kind": "PTX"}],
         "plan": [{"kernel": "triple", "grid": ["ceildiv(n, 256)"], "block": ["256"],
                   "arguments": ["x", "y", "n"]}],
         "example": {"n": "256"}}
        """);
    Path file = directory.resolve("triple-2.fwp");
    succeeds("package", "build", source.toString(), "--output", file.toString());
    assertTrue(
        FunctionPackage.read(Files.readAllBytes(file)).manifest().getName().equals("triple"));
    succeeds("function", "push", file.toString());
    assertTrue(succeeds("function", "list").contains("triple"));
    assertTrue(succeeds("function", "show", "triple:2").contains("triple"));

    float[] values = new float[1000];
    for (int i = 0; i < values.length; i++) {
      values[i] = i - 500;
    }
    Path in = directory.resolve("x.npy");
    Files.write(in, npy(values));
    for (String transport : new String[] {"shm", "tcp"}) {
      Path out = directory.resolve("y-" + transport + ".npy");
      succeeds(
          "run",
          "triple:2",
          "--in",
          "x=" + in,
          "--scalar",
          "n=1000",
          "--out",
          "y=" + out,
          "--device",
          TestedDevice.OPTION,
          "--transport",
          transport);
      float[] wanted = values.clone();
      for (int i = 0; i < wanted.length; i++) {
        wanted[i] *= 3;
      }
      assertArrayEquals(wanted, floats(Files.readAllBytes(out), values.length));
    }
    Path raw = directory.resolve("y.bin");
    succeeds("run", "triple", "--in", "x=" + in, "--scalar", "n=1000", "--out", "y=" + raw);
    assertEquals(4000, Files.size(raw));
    fails(
        1,
        "any device with compute capability 99.9 or more; no executor with such a device",
        "run",
        "triple",
        "--in",
        "x=" + in,
        "--scalar",
        "n=1000",
        "--out",
        "y=" + raw,
        "--min-compute-capability",
        "99.9",
        "--wait",
        "0s");
    assertTrue(succeeds("executor", "list").contains("executor-1"));
    succeeds("lease", "list");
    succeeds("function", "delete", "triple:2");
    fails(1, "triple", "run", "triple:2", "--in", "x=" + in, "--out", "y=" + raw);
  }

  @Test
  void an_operator_revokes_a_lease_and_its_holder_is_told_why() throws Exception {
    try (Farwarp farwarp =
            Farwarp.connect(ConnectOptions.to(cluster.address).tokenFile(cluster.tenantToken()));
        Lease lease =
            farwarp
                .lease(
                    LeaseRequest.on(TestedDevice.DEVICE)
                        .memory(ByteSize.MIB.of(1))
                        .duration(Duration.ofMinutes(2))
                        .waitAtMost(Duration.ofSeconds(LIMIT_S)))
                .await()) {
      CompletableFuture<LeaseEnd> end = new CompletableFuture<>();
      lease.onEnded(end::complete);
      fails(1, "operator", "lease", "revoke", lease.id());
      succeeds(
          "lease",
          "revoke",
          lease.id(),
          "--reason",
          "maintenance",
          "--token-file",
          cluster.operatorToken().toString());
      LeaseEnd told = end.get(LIMIT_S, TimeUnit.SECONDS);
      assertEquals(LeaseState.REVOKED, told.state());
      assertTrue(told.reason().contains("maintenance"), told.reason());
    }
  }

  @Test
  void an_operator_drains_an_executor_and_gives_it_back() throws Exception {
    String operator = cluster.operatorToken().toString();
    try (Farwarp farwarp =
            Farwarp.connect(ConnectOptions.to(cluster.address).tokenFile(cluster.tenantToken()));
        Lease lease = farwarp.lease(small()).await()) {
      CompletableFuture<LeaseExpiring> told = new CompletableFuture<>();
      CompletableFuture<LeaseEnd> end = new CompletableFuture<>();
      var _ = lease.onExpiring(told::complete).onEnded(end::complete);
      String executor = lease.executorId();
      fails(1, "operator", "executor", "drain", executor);
      succeeds(
          "executor",
          "drain",
          executor,
          "--grace",
          "1s",
          "--reason",
          "a new driver",
          "--token-file",
          operator);
      assertTrue(told.get(LIMIT_S, TimeUnit.SECONDS).reason().contains("a new driver"));
      assertTrue(succeeds("executor", "list").contains("cordoned (by operator"));
      assertEquals(LeaseState.REVOKED, end.get(LIMIT_S, TimeUnit.SECONDS).state());
      LeaseException none =
          assertThrows(LeaseException.class, () -> farwarp.lease(small()).await());
      assertEquals(Status.RESOURCE_EXHAUSTED, none.status());
      succeeds("executor", "uncordon", executor, "--token-file", operator);
      farwarp.lease(small().waitAtMost(Duration.ofSeconds(LIMIT_S))).await().close();
    }
  }

  @Test
  void an_operators_quota_of_a_tenant_is_named_when_it_is_used_up() throws Exception {
    String operator = cluster.operatorToken().toString();
    fails(1, "operator", "tenant", "set", "default", "--max-leases", "1");
    fails(1, "weight", "tenant", "set", "default", "--weight", "1001", "--token-file", operator);
    succeeds("tenant", "set", "default", "--max-leases", "1", "--token-file", operator);
    try (Farwarp farwarp =
            Farwarp.connect(ConnectOptions.to(cluster.address).tokenFile(cluster.tenantToken()));
        Lease _ = farwarp.lease(small().waitAtMost(Duration.ofSeconds(LIMIT_S))).await()) {
      LeaseException refused =
          assertThrows(LeaseException.class, () -> farwarp.lease(small()).await());
      assertTrue(refused.getMessage().contains("(max_leases)"), refused.getMessage());
      assertTrue(succeeds("tenant", "list").contains("1 of 1"));
    } finally {
      succeeds("tenant", "set", "default", "--max-leases", "0", "--token-file", operator);
    }
  }

  private static LeaseRequest small() {
    return LeaseRequest.on(TestedDevice.DEVICE)
        .memory(ByteSize.MIB.of(1))
        .share(0.1)
        .duration(Duration.ofMinutes(2));
  }

  @Test
  void an_unknown_function_is_one_line_and_exit_1() throws Exception {
    String error =
        fails(1, "no-such", "run", "no-such:9", "--out", "y=" + directory.resolve("n.npy"));
    assertEquals(1, error.lines().count(), error);
  }

  @Test
  void wrong_usage_is_exit_2() throws Exception {
    fails(2, "bench", "bench", "sideways");
    fails(2, "offload", "demo", "--offload", "1.5");
    fails(2, "", "frobnicate");
  }

  @Test
  void a_second_gateway_on_a_taken_port_says_so_in_one_line() throws Exception {
    try (FarwarpProcess second =
        FarwarpProcess.start(
            directory,
            Map.of(),
            "gateway",
            "--listen",
            cluster.address,
            "--data-dir",
            directory.resolve("second").toString())) {
      second.finish(1, LIMIT_S);
      assertEquals(1, second.errors().lines().count(), second.errors());
      assertTrue(second.errors().contains(cluster.address), second.errors());
    }
  }

  @Test
  void a_gateway_without_tls_binds_loopback_only() throws Exception {
    try (FarwarpProcess open =
        FarwarpProcess.start(
            directory,
            Map.of(),
            "gateway",
            "--listen",
            "0.0.0.0:0",
            "--data-dir",
            directory.resolve("open").toString())) {
      open.finish(1, LIMIT_S);
      assertTrue(open.errors().toLowerCase(java.util.Locale.ROOT).contains("tls"), open.errors());
    }
  }

  private static String succeeds(String... arguments) throws Exception {
    try (FarwarpProcess process = cluster.farwarp(arguments)) {
      return process.finish(0, LIMIT_S);
    }
  }

  private static String fails(int exit, String mentions, String... arguments) throws Exception {
    try (FarwarpProcess process = cluster.farwarp(arguments)) {
      process.finish(exit, LIMIT_S);
      String error = process.errors();
      assertTrue(error.contains(mentions), error);
      return error;
    }
  }

  /** Version 1.0 of the format, as numpy.lib.format describes it. */
  private static byte[] npy(float[] values) {
    String header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + values.length + ",), }";
    int total = (10 + header.length() + 1 + 63) / 64 * 64;
    ByteBuffer out = ByteBuffer.allocate(total + values.length * 4).order(ByteOrder.LITTLE_ENDIAN);
    byte[] padding = new byte[total - 10 - header.length() - 1];
    Arrays.fill(padding, (byte) ' ');
    out.put((byte) 0x93)
        .put("NUMPY".getBytes(StandardCharsets.US_ASCII))
        .put((byte) 1)
        .put((byte) 0);
    out.putShort((short) (total - 10));
    out.put(header.getBytes(StandardCharsets.US_ASCII)).put(padding).put((byte) '\n');
    for (float value : values) {
      out.putFloat(value);
    }
    return out.array();
  }

  private static float[] floats(byte[] file, int count) {
    ByteBuffer in = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    in.position(file.length - 4 * count);
    float[] values = new float[count];
    in.asFloatBuffer().get(values);
    return values;
  }
}
