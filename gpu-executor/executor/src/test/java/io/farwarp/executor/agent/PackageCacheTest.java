package io.farwarp.executor.agent;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import com.google.protobuf.ByteString;
import io.farwarp.executor.TestFunctions;
import io.farwarp.executor.TestLease;
import io.farwarp.function.FunctionPackage;
import io.grpc.ManagedChannel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class PackageCacheTest {
  @TempDir Path directory;
  private ScriptedGateway gateway;
  private ManagedChannel channel;
  private FunctionPackage nothing;
  private FunctionPackage add;

  @BeforeEach
  void start() throws Exception {
    gateway = new ScriptedGateway(new TestLease("L-7", 1 << 20, 1000), 0);
    channel =
        GatewayChannel.open(
            new AgentOptions(
                "127.0.0.1",
                gateway.port(),
                TestLease.EXECUTOR,
                ScriptedGateway.TOKEN,
                1,
                List.of(AgentDevice.ofCores(1, 1 << 20)),
                1 << 20,
                1,
                directory,
                "",
                "",
                Optional.empty()));
    nothing = TestFunctions.packageOf(TestFunctions.NOTHING);
    add = TestFunctions.packageOf(TestFunctions.VECTOR_ADD);
    gateway.offer(nothing);
    gateway.offer(add);
  }

  @AfterEach
  void stop() throws Exception {
    channel.shutdownNow();
    gateway.close();
  }

  private static ByteString digest(FunctionPackage functionPackage) {
    return ByteString.copyFrom(functionPackage.digest());
  }

  private List<String> cached() throws IOException {
    try (Stream<Path> files = Files.list(directory.resolve("cache"))) {
      return files.map(file -> file.getFileName().toString()).toList();
    }
  }

  @Test
  void a_package_that_was_handed_out_outlives_its_eviction() throws Exception {
    PackageCache cache = new PackageCache(directory.resolve("cache"), channel, 1);
    Path first = directory.resolve("first");
    Path second = directory.resolve("second");
    cache.provide(digest(nothing), "L-7", first);
    cache.provide(digest(add), "L-7", second);
    assertEquals(1, cached().size());
    assertArrayEquals(nothing.bytes(), Files.readAllBytes(first));
    assertArrayEquals(add.bytes(), Files.readAllBytes(second));
  }

  @Test
  void what_was_altered_on_disk_is_fetched_again() throws Exception {
    PackageCache cache = new PackageCache(directory.resolve("cache"), channel, 1 << 20);
    cache.provide(digest(nothing), "L-7", directory.resolve("first"));
    Files.writeString(directory.resolve("cache").resolve(cached().getFirst()), "altered");
    cache.provide(digest(nothing), "L-7", directory.resolve("second"));
    assertArrayEquals(nothing.bytes(), Files.readAllBytes(directory.resolve("second")));
  }

  @Test
  void a_package_crosses_to_another_file_system_as_a_copy() throws Exception {
    Path memory = Path.of("/dev/shm");
    assumeFalse(
        Files.getFileStore(memory).equals(Files.getFileStore(directory)),
        "skipped: /dev/shm and the temporary directory are one file system");
    Path elsewhere = Files.createTempDirectory(memory, "farwarp-test");
    try {
      PackageCache cache = new PackageCache(elsewhere, channel, 1 << 20);
      Path target = directory.resolve("copy");
      cache.provide(digest(nothing), "L-7", target);
      assertArrayEquals(nothing.bytes(), Files.readAllBytes(target));
    } finally {
      RunDirectory.removeTree(elsewhere);
    }
  }

  @Test
  void a_package_that_the_gateway_does_not_have_is_an_error_and_leaves_nothing() {
    PackageCache cache = new PackageCache(directory.resolve("cache"), channel, 1 << 20);
    Path target = directory.resolve("none");
    assertThrows(
        IOException.class, () -> cache.provide(ByteString.copyFrom(new byte[32]), "L-7", target));
    assertTrue(Files.notExists(target));
  }
}
