package io.farwarp.gateway;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.google.protobuf.ByteString;
import io.farwarp.function.FunctionPackage;
import io.farwarp.function.FunctionPackageException;
import io.farwarp.function.ManifestJson;
import io.farwarp.v1.FunctionManifest;
import java.io.IOException;
import java.io.InputStream;
import java.lang.System.Logger.Level;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/**
 * The packages on disk, each once under its SHA-256 ({@code sha256-HEX}) for as long as someone
 * holds it: an index that names it, or a lease that uses it. Manifests are read from the packages
 * when they are wanted; a bounded cache keeps those that were wanted last. Any thread.
 */
final class PackageFiles {
  private static final System.Logger LOG = System.getLogger(PackageFiles.class.getName());
  private static final long CACHE_BYTES = 32L << 20;

  private final Path directory;

  /** How many hold each package. Guarded by this. */
  private final Map<ByteString, Integer> holders = new HashMap<>();

  private final Cache<ByteString, FunctionManifest> manifests =
      Caffeine.newBuilder()
          .maximumWeight(CACHE_BYTES)
          .weigher((ByteString _, FunctionManifest manifest) -> manifest.getSerializedSize())
          .executor(Runnable::run)
          .build();

  PackageFiles(Path directory) {
    this.directory = directory;
  }

  /** A file for a package to arrive in. */
  IncomingPackage receive() throws IOException {
    return IncomingPackage.in(directory);
  }

  /** Takes up what has arrived, and holds it; safe from loss of power on return. */
  void add(IncomingPackage arrived, FunctionPackage checked) throws IOException {
    ByteString digest = ByteString.copyFrom(checked.digest());
    synchronized (this) {
      if (!hold(digest)) {
        Files.move(arrived.file(), file(digest), StandardCopyOption.ATOMIC_MOVE);
        holders.put(digest, 1);
      }
    }
    manifests.put(digest, checked.manifest());
    try {
      DurableFiles.syncDirectory(directory);
    } catch (IOException e) {
      release(digest);
      throw e;
    }
  }

  /** One more holds the package; false: there is none. */
  synchronized boolean hold(ByteString digest) {
    return holders.computeIfPresent(digest, (_, count) -> count + 1) != null;
  }

  /** Holds a package that was there before this start; false: its file is missing. */
  synchronized boolean holdFromDisk(ByteString digest) {
    if (!hold(digest)) {
      if (!Files.exists(file(digest))) {
        return false;
      }
      holders.put(digest, 1);
    }
    return true;
  }

  /** One less holds the package; the last one's going deletes it. */
  synchronized void release(ByteString digest) {
    int left = holders.getOrDefault(digest, 0) - 1;
    if (left > 0) {
      holders.put(digest, left);
      return;
    }
    holders.remove(digest);
    manifests.invalidate(digest);
    try {
      Files.deleteIfExists(file(digest));
    } catch (IOException e) {
      LOG.log(Level.WARNING, "package {0} stays until the next start: {1}", hex(digest), e);
    }
  }

  /** Deletes what a crash left behind: unfinished files, and packages that no one holds. */
  synchronized void sweep() throws IOException {
    Set<String> held = new HashSet<>();
    holders.keySet().forEach(digest -> held.add(name(digest)));
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
      for (Path file : files) {
        if (!held.contains(String.valueOf(file.getFileName()))) {
          Files.deleteIfExists(file);
        }
      }
    }
  }

  /** The package's bytes; the caller closes it. */
  InputStream open(ByteString digest) throws IOException {
    return Files.newInputStream(file(digest));
  }

  FunctionManifest manifest(ByteString digest) throws IOException {
    FunctionManifest cached = manifests.getIfPresent(digest);
    if (cached != null) {
      return cached;
    }
    FunctionManifest read = read(digest);
    manifests.put(digest, read);
    return read;
  }

  /** The manifest is the first entry of a package; what follows it is not read. */
  private FunctionManifest read(ByteString digest) throws IOException {
    try (ZipInputStream zip = new ZipInputStream(open(digest))) {
      ZipEntry first = zip.getNextEntry();
      if (first == null || !first.getName().equals(FunctionPackage.MANIFEST)) {
        throw new IOException("package " + file(digest) + " is damaged: no manifest comes first");
      }
      return ManifestJson.read(zip.readNBytes(ManifestJson.MAX_BYTES + 1));
    } catch (NoSuchFileException e) {
      throw new IOException("package " + file(digest) + " is missing", e);
    } catch (FunctionPackageException e) {
      throw new IOException("package " + file(digest) + " is damaged: " + e.getMessage(), e);
    }
  }

  private Path file(ByteString digest) {
    return directory.resolve(name(digest));
  }

  private static String name(ByteString digest) {
    return "sha256-" + hex(digest);
  }

  static String hex(ByteString digest) {
    return HexFormat.of().formatHex(digest.toByteArray());
  }
}
