package io.farwarp.gateway;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import io.farwarp.v1.FunctionVersion;
import io.farwarp.v1.ListFunctionsResponse;
import io.farwarp.wire.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What one tenant has: an index of versions in order of pushing, without manifests, kept in a file
 * that is replaced as a whole (the JSON form of ListFunctionsResponse); and which packages its
 * leases use. Reading waits for no write. Any thread.
 */
final class TenantFunctions {
  private record Use(FunctionVersion version, int leases) {}

  private final String tenant;
  private final Path file;

  /** Held over a change of the index, which includes writing it to disk. */
  final ReentrantLock changing = new ReentrantLock();

  /** By "name:version"; replaced as a whole, by who holds {@link #changing}. */
  private volatile Map<String, FunctionVersion> index = Map.of();

  /** By digest. Guarded by this. */
  private final Map<ByteString, Use> uses = new HashMap<>();

  TenantFunctions(String tenant, Path file) {
    this.tenant = tenant;
    this.file = file;
  }

  /** The index on disk; what it may say of manifests, as those of old gateways do, is dropped. */
  static List<FunctionVersion> read(Path file) throws IOException, GatewayException {
    ListFunctionsResponse.Builder stored = ListFunctionsResponse.newBuilder();
    try {
      JsonFormat.parser().ignoringUnknownFields().merge(Files.readString(file), stored);
    } catch (InvalidProtocolBufferException e) {
      throw new GatewayException(
          "function index " + file + " is damaged: restore it or move it away", e);
    }
    return stored.getFunctionsList().stream()
        .map(version ->
            version.toBuilder()
                .setDescription(
                    version.hasManifest()
                        ? version.getManifest().getDescription()
                        : version.getDescription())
                .clearManifest()
                .build())
        .toList();
  }

  /** Takes up what was read from disk. */
  void restore(List<FunctionVersion> versions) {
    Map<String, FunctionVersion> next = new LinkedHashMap<>();
    versions.forEach(version -> next.put(key(version), version));
    index = next;
  }

  List<FunctionVersion> list() {
    return List.copyOf(index.values());
  }

  @Nullable FunctionVersion get(String key) {
    return index.get(key);
  }

  boolean has(ByteString digest) {
    return index.values().stream().anyMatch(version -> version.getDigest().equals(digest));
  }

  /** With {@link #changing} held. */
  void put(FunctionVersion version) throws IOException {
    Map<String, FunctionVersion> next = new LinkedHashMap<>(index);
    next.put(key(version), version);
    write(next);
  }

  /** With {@link #changing} held. */
  void remove(FunctionVersion version) throws IOException {
    Map<String, FunctionVersion> next = new LinkedHashMap<>(index);
    next.remove(key(version));
    write(next);
  }

  private void write(Map<String, FunctionVersion> next) throws IOException {
    ListFunctionsResponse stored =
        ListFunctionsResponse.newBuilder().addAllFunctions(next.values()).build();
    DurableFiles.write(file, JsonFormat.printer().print(stored).getBytes(UTF_8));
    index = next;
  }

  synchronized void use(FunctionVersion version) {
    uses.merge(
        version.getDigest(),
        new Use(version, 1),
        (before, _) -> new Use(before.version, before.leases + 1));
  }

  synchronized void unuse(ByteString digest) {
    uses.computeIfPresent(
        digest, (_, use) -> use.leases == 1 ? null : new Use(use.version, use.leases - 1));
  }

  /** What is deleted and still used by a lease counts, for its package is there. */
  void checkQuota(FunctionVersion more, RegistryLimits limits) throws Refusal {
    List<FunctionVersion> all = new ArrayList<>(index.values());
    int listed = all.size();
    synchronized (this) {
      for (Use use : uses.values()) {
        if (!has(use.version.getDigest())) {
          all.add(use.version);
        }
      }
    }
    long bytes = all.stream().mapToLong(FunctionVersion::getSizeBytes).sum();
    if (all.size() >= limits.functions() || bytes + more.getSizeBytes() > limits.bytes()) {
      throw Refusal.of(
          Status.RESOURCE_EXHAUSTED,
          ("tenant %s has %d functions, and %d deleted ones that its leases use, of %d bytes, and"
                  + " pushes %d bytes more; the limits are %d functions and %d bytes: delete some")
              .formatted(
                  tenant,
                  listed,
                  all.size() - listed,
                  bytes,
                  more.getSizeBytes(),
                  limits.functions(),
                  limits.bytes()));
    }
  }

  static String key(FunctionVersion version) {
    return version.getName() + ":" + version.getVersion();
  }
}
