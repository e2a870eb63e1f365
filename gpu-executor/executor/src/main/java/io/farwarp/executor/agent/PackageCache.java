package io.farwarp.executor.agent;

import com.google.common.hash.Hasher;
import com.google.common.hash.Hashing;
import com.google.protobuf.ByteString;
import io.farwarp.function.FunctionPackage;
import io.farwarp.v1.FetchFunctionRequest;
import io.farwarp.v1.FunctionChunk;
import io.farwarp.v1.FunctionServiceGrpc;
import io.farwarp.v1.FunctionServiceGrpc.FunctionServiceBlockingStub;
import io.grpc.Channel;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Function packages on this host's disk, by digest; fetched from the gateway when they are first
 * needed, verified each time that they are handed out. One thread at a time.
 */
final class PackageCache {
  static final long DEFAULT_BYTES = 1L << 30;
  private static final long FETCH_LIMIT_S = 60;

  private final Path directory;
  private final Channel gateway;
  private final long maxBytes;

  /**
   * @param maxBytes that are kept, but for the package that was asked for last
   */
  PackageCache(Path directory, Channel gateway, long maxBytes) {
    this.directory = directory;
    this.gateway = gateway;
    this.maxBytes = maxBytes;
  }

  /**
   * Makes {@code target} the package with {@code digest}; blocks while it is fetched. The name is
   * the caller's own: the package stays there whatever the cache throws out.
   *
   * @throws IOException the gateway does not give it, it is not what was asked for, or the disk is
   *     full
   */
  void provide(ByteString digest, String leaseId, Path target) throws IOException {
    Files.createDirectories(directory);
    Path file = directory.resolve(HexFormat.of().formatHex(digest.toByteArray()));
    if (Files.exists(file) && isIntact(file, digest)) {
      Files.setLastModifiedTime(file, FileTime.from(Instant.now()));
    } else {
      fetch(digest, leaseId, file);
      trim(file);
    }
    link(file, target);
  }

  private static void link(Path file, Path target) throws IOException {
    try {
      Files.createLink(target, file);
    } catch (FileSystemException | UnsupportedOperationException e) {
      // Another file system, or one without hard links.
      Files.copy(file, target);
    }
  }

  private static boolean isIntact(Path file, ByteString digest) throws IOException {
    return Files.size(file) <= FunctionPackage.MAX_BYTES
        && Arrays.equals(
            Hashing.sha256().hashBytes(Files.readAllBytes(file)).asBytes(), digest.toByteArray());
  }

  private void fetch(ByteString digest, String leaseId, Path file) throws IOException {
    FunctionServiceBlockingStub stub =
        FunctionServiceGrpc.newBlockingStub(gateway)
            .withDeadlineAfter(FETCH_LIMIT_S, TimeUnit.SECONDS);
    Path partial = Files.createTempFile(directory, "partial-", "");
    try {
      Hasher sum = Hashing.sha256().newHasher();
      try (OutputStream out = Files.newOutputStream(partial)) {
        Iterator<FunctionChunk> chunks =
            stub.fetch(
                FetchFunctionRequest.newBuilder().setDigest(digest).setLeaseId(leaseId).build());
        long bytes = 0;
        while (chunks.hasNext()) {
          byte[] chunk = chunks.next().getChunk().toByteArray();
          bytes += chunk.length;
          if (bytes > FunctionPackage.MAX_BYTES) {
            throw new IOException(
                "the package is larger than the limit of %d bytes"
                    .formatted(FunctionPackage.MAX_BYTES));
          }
          sum.putBytes(chunk);
          out.write(chunk);
        }
      }
      if (!Arrays.equals(sum.hash().asBytes(), digest.toByteArray())) {
        throw new IOException("the gateway sent another package than " + file.getFileName());
      }
      Files.move(partial, file, StandardCopyOption.ATOMIC_MOVE);
    } catch (StatusRuntimeException e) {
      throw new IOException("the gateway does not give the package: " + e.getStatus(), e);
    } finally {
      Files.deleteIfExists(partial);
    }
  }

  /** Removes the packages that were not used for longest while all together are too large. */
  private void trim(Path keep) throws IOException {
    List<Path> files = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      entries.forEach(files::add);
    }
    long bytes = 0;
    files.sort(Comparator.comparing(PackageCache::lastUsed).reversed());
    for (Path file : files) {
      bytes += Files.size(file);
      if (bytes > maxBytes && !file.equals(keep)) {
        Files.deleteIfExists(file);
      }
    }
  }

  private static FileTime lastUsed(Path file) {
    try {
      return Files.getLastModifiedTime(file);
    } catch (IOException e) {
      return FileTime.fromMillis(0);
    }
  }
}
