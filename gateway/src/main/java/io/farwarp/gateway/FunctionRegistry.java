package io.farwarp.gateway;

import com.google.protobuf.ByteString;
import io.farwarp.function.FunctionPackage;
import io.farwarp.v1.FunctionVersion;
import io.farwarp.wire.Status;
import io.grpc.Status.Code;
import java.io.IOException;
import java.io.InputStream;
import java.lang.System.Logger.Level;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.jspecify.annotations.Nullable;

/**
 * The function packages of all tenants on disk: each package once ({@code blobs/}), and for each
 * tenant an index ({@code tenants/NAME.json}). In memory are the indexes without their manifests.
 *
 * <p>A package is on disk before an index names it, and an index is replaced as a whole; so a crash
 * or a full disk leaves the registry as it was before the call. A package whose function is deleted
 * stays until no lease uses it. Any thread.
 */
final class FunctionRegistry {
  private static final System.Logger LOG = System.getLogger(FunctionRegistry.class.getName());
  private static final String INDEX_ENDING = ".json";
  private static final int DIGEST_BYTES = 32;

  /** Versions that an error names. */
  private static final int NAMED_VERSIONS = 8;

  private final Path tenants;
  private final PackageFiles packages;
  private final RegistryLimits limits;
  private final GatewayClock clock;
  private final ConcurrentMap<String, TenantFunctions> functions = new ConcurrentHashMap<>();

  private FunctionRegistry(Path directory, RegistryLimits limits, GatewayClock clock) {
    this.packages = new PackageFiles(directory.resolve("blobs"));
    this.tenants = directory.resolve("tenants");
    this.limits = limits;
    this.clock = clock;
  }

  /** What leases use has to be said before {@link #sweep}. */
  static FunctionRegistry open(Path directory, RegistryLimits limits, GatewayClock clock)
      throws IOException, GatewayException {
    DurableFiles.createDirectory(directory);
    DurableFiles.createDirectory(directory.resolve("blobs"));
    DurableFiles.createDirectory(directory.resolve("tenants"));
    FunctionRegistry registry = new FunctionRegistry(directory, limits, clock);
    registry.load();
    return registry;
  }

  private void load() throws IOException, GatewayException {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(tenants)) {
      for (Path file : files) {
        String name = String.valueOf(file.getFileName());
        if (name.endsWith(DurableFiles.UNFINISHED)) {
          Files.deleteIfExists(file);
        } else if (name.endsWith(INDEX_ENDING)) {
          load(file, name.substring(0, name.length() - INDEX_ENDING.length()));
        }
      }
    }
  }

  private void load(Path file, String tenant) throws IOException, GatewayException {
    List<FunctionVersion> present = new ArrayList<>();
    for (FunctionVersion version : TenantFunctions.read(file)) {
      if (packages.holdFromDisk(version.getDigest())) {
        present.add(version);
      } else {
        LOG.log(
            Level.WARNING,
            "function {0} of tenant {1} is dropped: its package is missing",
            TenantFunctions.key(version),
            tenant);
      }
    }
    of(tenant).restore(present);
  }

  private TenantFunctions of(String tenant) {
    return functions.computeIfAbsent(
        tenant, name -> new TenantFunctions(name, tenants.resolve(name + INDEX_ENDING)));
  }

  /** A lease of before this start uses {@code version}; false: its package is missing. */
  boolean useFromDisk(String tenant, FunctionVersion version) {
    if (!packages.holdFromDisk(version.getDigest())) {
      LOG.log(
          Level.WARNING,
          "a lease of tenant {0} uses {1}, whose package is missing",
          tenant,
          TenantFunctions.key(version));
      return false;
    }
    of(tenant).use(version);
    return true;
  }

  /** Deletes what a crash left behind. */
  void sweep() throws IOException {
    packages.sweep();
  }

  // Pushing and deleting

  /** A place for a package to arrive in; the caller closes it, also after {@link #push}. */
  IncomingPackage receive() throws Refusal {
    try {
      return packages.receive();
    } catch (IOException e) {
      throw unwritable(e);
    }
  }

  /**
   * Stores a package under the name and version of its manifest. The same bytes again are no error;
   * other bytes under a taken name and version are refused.
   */
  FunctionVersion push(String tenant, IncomingPackage arrived) throws Refusal {
    FunctionPackage read;
    try {
      read = arrived.check();
    } catch (IOException e) {
      throw unwritable(e);
    }
    FunctionVersion version =
        FunctionVersion.newBuilder()
            .setName(read.manifest().getName())
            .setVersion(read.manifest().getVersion())
            .setDigest(ByteString.copyFrom(read.digest()))
            .setSizeBytes(read.sizeBytes())
            .setDescription(read.manifest().getDescription())
            .setPushedAtUnixMs(clock.unixMs(clock.nowNs()))
            .build();
    TenantFunctions own = of(tenant);
    own.changing.lock();
    try {
      FunctionVersion taken = own.get(TenantFunctions.key(version));
      if (taken == null) {
        own.checkQuota(version, limits);
        store(own, version, arrived, read);
        taken = version;
      } else if (!taken.getDigest().equals(version.getDigest())) {
        throw new Refusal(
            Code.ALREADY_EXISTS,
            null,
            "%s is taken by another package (sha256 %s): push a new version or delete that one"
                .formatted(TenantFunctions.key(version), PackageFiles.hex(taken.getDigest())));
      }
      return taken.toBuilder().setManifest(read.manifest()).build();
    } finally {
      own.changing.unlock();
    }
  }

  private void store(
      TenantFunctions own, FunctionVersion version, IncomingPackage arrived, FunctionPackage read)
      throws Refusal {
    try {
      packages.add(arrived, read);
    } catch (IOException e) {
      throw unwritable(e);
    }
    try {
      own.put(version);
    } catch (IOException e) {
      packages.release(version.getDigest());
      throw unwritable(e);
    }
  }

  /** Takes the version out of the index; its package stays for as long as a lease uses it. */
  void delete(String tenant, String name, String version) throws Refusal {
    if (version.isEmpty()) {
      throw Refusal.invalid("deleting wants a version: name one of " + name);
    }
    TenantFunctions own = of(tenant);
    own.changing.lock();
    try {
      FunctionVersion gone = resolve(tenant, name, version);
      own.remove(gone);
      packages.release(gone.getDigest());
    } catch (IOException e) {
      throw unwritable(e);
    } finally {
      own.changing.unlock();
    }
  }

  // Asking; without manifests unless it is said

  /** The function that a name and a version (empty: the one pushed last) mean to a tenant. */
  FunctionVersion resolve(String tenant, String name, String version) throws Refusal {
    @Nullable FunctionVersion last = null;
    List<String> known = new ArrayList<>();
    TenantFunctions own = functions.get(tenant);
    for (FunctionVersion each : own == null ? List.<FunctionVersion>of() : own.list()) {
      if (each.getName().equals(name)) {
        known.add(each.getVersion());
        if (version.isEmpty() || each.getVersion().equals(version)) {
          last = each;
        }
      }
    }
    if (last == null) {
      List<String> named = known.subList(Math.max(0, known.size() - NAMED_VERSIONS), known.size());
      throw Refusal.of(
          Status.UNKNOWN_FUNCTION,
          "tenant %s has no function %s%s: %s"
              .formatted(
                  tenant,
                  AgentChecks.reason(name),
                  version.isEmpty() ? "" : ":" + AgentChecks.reason(version),
                  known.isEmpty()
                      ? "push it first"
                      : "there is "
                          + String.join(", ", named)
                          + (named.size() < known.size()
                              ? " and %d older ones".formatted(known.size() - named.size())
                              : "")));
    }
    return last;
  }

  List<FunctionVersion> list(String tenant) {
    TenantFunctions own = functions.get(tenant);
    return own == null ? List.of() : own.list();
  }

  /**
   * The function that "name" or "name:version" means to a tenant, for a lease to use: its package
   * stays until {@link #unuse}.
   */
  FunctionVersion use(String tenant, String reference) throws Refusal {
    int colon = reference.indexOf(':');
    String name = colon < 0 ? reference : reference.substring(0, colon);
    String wanted = colon < 0 ? "" : reference.substring(colon + 1);
    FunctionVersion version = resolve(tenant, name, wanted);
    while (!packages.hold(version.getDigest())) {
      // Deleted since: it does not resolve again, or to another one.
      version = resolve(tenant, name, wanted);
    }
    of(tenant).use(version);
    return version;
  }

  /** A lease that used {@code version} does no more. */
  void unuse(String tenant, FunctionVersion version) {
    of(tenant).unuse(version.getDigest());
    packages.release(version.getDigest());
  }

  /** The same with its manifest, from disk if it has to be. */
  FunctionVersion withManifest(FunctionVersion version) throws Refusal {
    try {
      return version.toBuilder().setManifest(packages.manifest(version.getDigest())).build();
    } catch (IOException e) {
      throw unreadable(e);
    }
  }

  /** A package that {@code tenant} has in its index. */
  InputStream open(String tenant, ByteString digest) throws Refusal {
    if (digest.size() != DIGEST_BYTES) {
      throw Refusal.invalid(
          "digest is of %d bytes; it must be %d".formatted(digest.size(), DIGEST_BYTES));
    }
    TenantFunctions own = functions.get(tenant);
    if (own == null || !own.has(digest)) {
      throw Refusal.of(
          Status.UNKNOWN_FUNCTION,
          "tenant %s has no package with sha256 %s".formatted(tenant, PackageFiles.hex(digest)));
    }
    return open(digest);
  }

  /** A package that a lease uses, or that an index has just named. */
  InputStream open(ByteString digest) throws Refusal {
    try {
      return packages.open(digest);
    } catch (NoSuchFileException e) {
      throw Refusal.of(
          Status.UNKNOWN_FUNCTION,
          "the package with sha256 %s has been deleted".formatted(PackageFiles.hex(digest)));
    } catch (IOException e) {
      throw unreadable(e);
    }
  }

  private static Refusal unreadable(IOException e) {
    return new Refusal(
        Code.INTERNAL, Status.INTERNAL, "the gateway cannot read the package: " + e, e);
  }

  static Refusal unwritable(IOException e) {
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
}
