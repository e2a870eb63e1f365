package io.farwarp.rdma.verbs;

import static org.junit.jupiter.api.Assumptions.abort;

import io.farwarp.rdma.QueuePair;
import io.farwarp.rdma.Transport;
import io.farwarp.rdma.TransportUnderTest;
import io.farwarp.rdma.linux.SharedMemory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The verbs provider, for the contract, on the device that {@code -Dverbs.device=NAME} names, or
 * the first one that has an IPv4 address. Where there is none, tests are skipped with the reason.
 */
final class VerbsUnderTest implements TransportUnderTest {
  /** Left to everything else. */
  private static final long SPARE_BYTES = 256L << 20;

  private final VerbsTransport transport = new VerbsTransport();
  private final String address;

  VerbsUnderTest() {
    transport
        .unavailable()
        .ifPresent(reason -> abort("skipped: verbs cannot be used here: " + reason));
    address = deviceAddress().orElseGet(() -> abort("skipped: no RDMA device has an IPv4 address"));
  }

  /** Whether making one would not abort the test. */
  static boolean isUsable() {
    return new VerbsTransport().unavailable().isEmpty() && deviceAddress().isPresent();
  }

  private static Optional<String> deviceAddress() {
    try {
      return RdmaDevices.firstAddress(System.getProperty("verbs.device", ""));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public Transport transport() {
    return transport;
  }

  @Override
  public String freshAddress(Path privateDirectory) {
    return address + ":0";
  }

  @Override
  public MemorySegment connectorMemory(QueuePair connector, Arena arena, long sizeBytes) {
    return arena.allocate(sizeBytes, 64);
  }

  @Override
  public void requireMemory(long bytes) throws IOException {
    long available = availableBytes();
    if (available < bytes + SPARE_BYTES) {
      abort(
          "skipped: verbs pins all of its memory, and of %d MiB there are %d available"
              .formatted(bytes >> 20, available >> 20));
    }
  }

  @Override
  public void prepare(SharedMemory memory) throws IOException {
    memory.prefault();
  }

  private static long availableBytes() throws IOException {
    try (Stream<String> lines = Files.lines(Path.of("/proc/meminfo"))) {
      return lines
          .filter(line -> line.startsWith("MemAvailable:"))
          .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) << 10)
          .sum();
    }
  }

  @Override
  public Optional<SocketChannel> raw(String listener) {
    return Optional.empty();
  }
}
