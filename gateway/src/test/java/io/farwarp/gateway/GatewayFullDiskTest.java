package io.farwarp.gateway;

import static io.farwarp.gateway.GatewayFixture.lastEvent;
import static io.farwarp.gateway.GatewayFixture.refused;
import static io.farwarp.gateway.GatewayFixture.request;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.protobuf.ByteString;
import io.farwarp.v1.FetchFunctionRequest;
import io.farwarp.v1.FunctionVersion;
import io.farwarp.v1.Lease;
import io.farwarp.v1.LeaseState;
import io.farwarp.v1.ListFunctionsRequest;
import io.farwarp.v1.ListLeasesRequest;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A gateway on a file system of 4 MiB that is really full. */
class GatewayFullDiskTest {
  private static final byte[] PACKAGE = TestPackages.of("scale", "1", "// first");

  @TempDir Path directory;
  private Path disk;
  private boolean mounted;
  private GatewayFixture gateway;

  @BeforeEach
  void start() throws Exception {
    disk = Files.createDirectory(directory.resolve("disk"));
    mounted = run("mount", "-t", "tmpfs", "-o", "size=4m", "farwarp-test", disk.toString()) == 0;
    assumeTrue(mounted, "skipped: mounting a small tmpfs wants root");
    gateway = new GatewayFixture(disk.resolve("data"));
  }

  @AfterEach
  void stop() throws Exception {
    if (mounted) {
      gateway.close();
      assertEquals(0, run("umount", disk.toString()));
    }
  }

  private static int run(String... command) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    assertTrue(process.waitFor(20, TimeUnit.SECONDS));
    return process.exitValue();
  }

  private Path fill() {
    Path ballast = disk.resolve("ballast");
    byte[] page = new byte[4096];
    try (OutputStream out = Files.newOutputStream(ballast)) {
      while (true) {
        out.write(page);
      }
    } catch (IOException full) {
      return ballast;
    }
  }

  private static byte[] large() {
    byte[] code = new byte[3 << 20];
    new Random(1).nextBytes(code);
    StringBuilder text = new StringBuilder("// ");
    for (byte each : code) {
      text.append((char) ('a' + (each & 15)));
    }
    return TestPackages.of("large", "1", text.toString());
  }

  private byte[] fetch(ByteString digest) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    gateway
        .functions("tenant")
        .fetch(FetchFunctionRequest.newBuilder().setDigest(digest).build())
        .forEachRemaining(chunk -> bytes.writeBytes(chunk.getChunk().toByteArray()));
    return bytes.toByteArray();
  }

  @Test
  void package_that_does_not_fit_is_refused_and_the_next_that_does_is_stored() {
    FunctionVersion first = TestPackages.push(gateway.as("tenant"), PACKAGE);
    Path ballast = fill();
    for (byte[] more : new byte[][] {large(), TestPackages.of("small", "1", "// small")}) {
      String why =
          refused(Code.RESOURCE_EXHAUSTED, () -> TestPackages.push(gateway.as("tenant"), more));
      assertTrue(why.contains("registry is full; nothing was changed: free space"), why);
    }
    assertTrue(ballast.toFile().delete());
    TestPackages.push(gateway.as("tenant"), TestPackages.of("small", "1", "// small"));
    assertArrayEquals(PACKAGE, fetch(first.getDigest()));
    assertEquals(
        2,
        gateway
            .functions("tenant")
            .list(ListFunctionsRequest.getDefaultInstance())
            .getFunctionsCount());
  }

  @Test
  void leases_are_refused_while_the_disk_is_full_and_none_is_damaged() throws Exception {
    FakeAgent agent = gateway.agent("exec-1", 64);
    Lease before = gateway.acquire(request(2).setShareMillis(1));
    Path ballast = fill();
    String why = "";
    // The page that the log ends in has room for a few leases yet.
    while (why.isEmpty()) {
      try {
        var events = gateway.leases().acquire(request(2).setShareMillis(1).build());
        while (events.hasNext()) {
          var event = events.next();
          why = event.getState() == LeaseState.REVOKED ? event.getReason() : "";
        }
      } catch (StatusRuntimeException e) {
        why = String.valueOf(e.getStatus().getDescription());
      }
    }
    assertTrue(why.contains("cannot write its lease store"), why);
    assertTrue(why.contains("No space left on device"), why);
    assertTrue(ballast.toFile().delete());
    Await.answer("leases are granted again", this::granted);
    gateway.restart();
    FakeAgent back = gateway.agentUnattached("exec-1");
    back.attach(back.hello(64).addAllHeld(agent.held()).build()).ready();
    assertTrue(
        gateway
            .admin("operator")
            .listLeases(ListLeasesRequest.getDefaultInstance())
            .getLeasesList()
            .stream()
            .anyMatch(row ->
                row.getLeaseId().equals(before.getLeaseId())
                    && row.getState() == LeaseState.ACTIVE));
  }

  private boolean granted() {
    try {
      lastEvent(gateway.leases().acquire(request(2).setShareMillis(1).build()), LeaseState.ACTIVE);
      return true;
    } catch (StatusRuntimeException e) {
      return false;
    }
  }
}
