package io.farwarp.gateway;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import io.farwarp.function.FunctionPackage;
import io.farwarp.function.FunctionPackageException;
import io.farwarp.v1.FunctionVersion;
import io.farwarp.v1.ListFunctionsResponse;
import io.farwarp.wire.Status;
import io.grpc.Status.Code;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The function packages of all tenants on disk: each package once, under its SHA-256 ({@code
 * blobs/sha256-HEX}), and for each tenant an index ({@code tenants/NAME.json}, the JSON form of
 * ListFunctionsResponse in order of pushing).
 *
 * <p>A package is on disk before an index names it, and an index is replaced as a whole; so a crash
 * or a full disk leaves the registry as it was before the call. Any thread.
 */
final class FunctionRegistry {
  private static final System.Logger LOG = System.getLogger(FunctionRegistry.class.getName());
  private static final String INDEX_ENDING = ".json";

  private final Path blobs;
  private final Path tenants;
  private final RegistryLimits limits;
  private final GatewayClock clock;

  /** By tenant, then by "name:version", in order of pushing. Guarded by this. */
  private final Map<String, Map<String, FunctionVersion>> functions = new HashMap<>();

  private FunctionRegistry(Path directory, RegistryLimits limits, GatewayClock clock) {
    this.blobs = directory.resolve("blobs");
    this.tenants = directory.resolve("tenants");
    this.limits = limits;
    this.clock = clock;
  }

  static FunctionRegistry open(Path directory, RegistryLimits limits, GatewayClock clock)
      throws IOException, GatewayException {
    FunctionRegistry registry = new FunctionRegistry(directory, limits, clock);
    DurableFiles.createDirectory(directory);
    DurableFiles.createDirectory(registry.blobs);
    DurableFiles.createDirectory(registry.tenants);
    registry.load();
    registry.sweep();
    return registry;
  }

  private void load() throws IOException, GatewayException {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(tenants, "*" + INDEX_ENDING)) {
      for (Path file : files) {
        String name = String.valueOf(file.getFileName());
        String tenant = name.substring(0, name.length() - INDEX_ENDING.length());
        ListFunctionsResponse.Builder index = ListFunctionsResponse.newBuilder();
        try {
          JsonFormat.parser().ignoringUnknownFields().merge(Files.readString(file), index);
        } catch (InvalidProtocolBufferException e) {
          throw new GatewayException(
              "function index " + file + " is damaged: restore it or move it away", e);
        }
        Map<String, FunctionVersion> own = new LinkedHashMap<>();
        for (FunctionVersion version : index.getFunctionsList()) {
          if (Files.exists(blob(version.getDigest()))) {
            own.put(key(version), version);
          } else {
            LOG.log(
                Level.WARNING,
                "function {0} of tenant {1} is dropped: its package is missing",
                key(version),
                tenant);
          }
        }
        functions.put(tenant, own);
      }
    }
  }

  /** Deletes what a crash left behind: unfinished files and packages that no index names. */
  private void sweep() throws IOException {
    Set<String> named = new HashSet<>();
    for (Map<String, FunctionVersion> own : functions.values()) {
      own.values().forEach(version -> named.add(blobName(version.getDigest())));
    }
    for (Path directory : List.of(blobs, tenants)) {
      try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
        for (Path file : files) {
          String name = String.valueOf(file.getFileName());
          if (name.endsWith(DurableFiles.UNFINISHED)
              || (directory.equals(blobs) && !named.contains(name))) {
            Files.deleteIfExists(file);
          }
        }
      }
    }
  }

  /**
   * Stores a package under the name and version of its manifest. The same bytes again are no error;
   * other bytes under a taken name and version are refused.
   */
  synchronized FunctionVersion push(String tenant, byte[] bytes) throws Refusal {
    FunctionPackage read;
    try {
      read = FunctionPackage.read(bytes);
    } catch (FunctionPackageException e) {
      throw new Refusal(
          Code.INVALID_ARGUMENT,
          Status.INVALID_ARGUMENT,
          "the package is refused: " + e.getMessage(),
          e);
    }
    FunctionVersion version =
        FunctionVersion.newBuilder()
            .setName(read.manifest().getName())
            .setVersion(read.manifest().getVersion())
            .setDigest(ByteString.copyFrom(read.digest()))
            .setSizeBytes(bytes.length)
            .setManifest(read.manifest())
            .setPushedAtUnixMs(clock.unixMs(clock.nowNs()))
            .build();
    Map<String, FunctionVersion> own = functions.getOrDefault(tenant, Map.of());
    FunctionVersion taken = own.get(key(version));
    if (taken != null) {
      if (taken.getDigest().equals(version.getDigest())) {
        return taken;
      }
      throw new Refusal(
          Code.ALREADY_EXISTS,
          null,
          "%s is taken by another package (sha256 %s): push a new version or delete that one"
              .formatted(key(version), hex(taken.getDigest())));
    }
    checkQuota(tenant, own, version);
    Map<String, FunctionVersion> next = new LinkedHashMap<>(own);
    next.put(key(version), version);
    try {
      Path blob = blob(version.getDigest());
      if (!Files.exists(blob)) {
        DurableFiles.write(blob, bytes);
      }
      writeIndex(tenant, next);
    } catch (IOException e) {
      dropUnnamed(version.getDigest());
      throw unwritable(e);
    }
    functions.put(tenant, next);
    return version;
  }

  private void checkQuota(String tenant, Map<String, FunctionVersion> own, FunctionVersion version)
      throws Refusal {
    long used = own.values().stream().mapToLong(FunctionVersion::getSizeBytes).sum();
    if (own.size() >= limits.functions() || used + version.getSizeBytes() > limits.bytes()) {
      throw Refusal.of(
          Status.RESOURCE_EXHAUSTED,
          ("tenant %s has %d functions of %d bytes and pushes %d bytes more;"
                  + " the limits are %d functions and %d bytes: delete some")
              .formatted(
                  tenant,
                  own.size(),
                  used,
                  version.getSizeBytes(),
                  limits.functions(),
                  limits.bytes()));
    }
  }

  /** The function that "name" (the version pushed last) or "name:version" means to a tenant. */
  FunctionVersion resolve(String tenant, String reference) throws Refusal {
    int colon = reference.indexOf(':');
    return colon < 0
        ? resolve(tenant, reference, "")
        : resolve(tenant, reference.substring(0, colon), reference.substring(colon + 1));
  }

  synchronized FunctionVersion resolve(String tenant, String name, String version) throws Refusal {
    @Nullable FunctionVersion last = null;
    List<String> known = new ArrayList<>();
    for (FunctionVersion each : functions.getOrDefault(tenant, Map.of()).values()) {
      if (each.getName().equals(name)) {
        known.add(each.getVersion());
        if (version.isEmpty() || each.getVersion().equals(version)) {
          last = each;
        }
      }
    }
    if (last == null) {
      throw Refusal.of(
          Status.UNKNOWN_FUNCTION,
          "tenant %s has no function %s%s: %s"
              .formatted(
                  tenant,
                  AgentChecks.reason(name),
                  version.isEmpty() ? "" : ":" + AgentChecks.reason(version),
                  known.isEmpty() ? "push it first" : "there is " + String.join(", ", known)));
    }
    return last;
  }

  synchronized List<FunctionVersion> list(String tenant) {
    return List.copyOf(functions.getOrDefault(tenant, Map.of()).values());
  }

  /** The file of a package that {@code tenant} has. */
  synchronized Path file(String tenant, ByteString digest) throws Refusal {
    for (FunctionVersion each : functions.getOrDefault(tenant, Map.of()).values()) {
      if (each.getDigest().equals(digest)) {
        return blob(digest);
      }
    }
    throw Refusal.of(
        Status.UNKNOWN_FUNCTION,
        "tenant %s has no package with sha256 %s".formatted(tenant, hex(digest)));
  }

  synchronized void delete(String tenant, String name, String version) throws Refusal {
    if (version.isEmpty()) {
      throw Refusal.invalid("deleting wants a version: name one of " + name);
    }
    FunctionVersion gone = resolve(tenant, name, version);
    Map<String, FunctionVersion> next =
        new LinkedHashMap<>(functions.getOrDefault(tenant, Map.of()));
    next.remove(key(gone));
    try {
      writeIndex(tenant, next);
    } catch (IOException e) {
      throw unwritable(e);
    }
    functions.put(tenant, next);
    dropUnnamed(gone.getDigest());
  }

  private void writeIndex(String tenant, Map<String, FunctionVersion> own) throws IOException {
    ListFunctionsResponse index =
        ListFunctionsResponse.newBuilder().addAllFunctions(own.values()).build();
    DurableFiles.write(
        tenants.resolve(tenant + INDEX_ENDING), JsonFormat.printer().print(index).getBytes(UTF_8));
  }

  /**
   * Deletes a package that no index names; what stays because of an error goes at the next start.
   */
  private void dropUnnamed(ByteString digest) {
    for (Map<String, FunctionVersion> own : functions.values()) {
      if (own.values().stream().anyMatch(version -> version.getDigest().equals(digest))) {
        return;
      }
    }
    try {
      Files.deleteIfExists(blob(digest));
    } catch (IOException e) {
      LOG.log(Level.WARNING, "package {0} stays until the next start: {1}", hex(digest), e);
    }
  }

  private static Refusal unwritable(IOException e) {
    boolean full = String.valueOf(e.getMessage()).contains("No space left");
    return new Refusal(
        full ? Code.RESOURCE_EXHAUSTED : Code.FAILED_PRECONDITION,
        Status.RESOURCE_EXHAUSTED,
        full
            ? "the disk of the gateway's function registry is full; nothing was changed: free space"
            : "the gateway cannot write its function registry (%s); nothing was changed: mend its"
                    .formatted(e)
                + " data directory",
        e);
  }

  private Path blob(ByteString digest) {
    return blobs.resolve(blobName(digest));
  }

  private static String blobName(ByteString digest) {
    return "sha256-" + hex(digest);
  }

  private static String hex(ByteString digest) {
    return HexFormat.of().formatHex(digest.toByteArray());
  }

  private static String key(FunctionVersion version) {
    return version.getName() + ":" + version.getVersion();
  }
}
