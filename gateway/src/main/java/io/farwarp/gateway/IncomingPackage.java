package io.farwarp.gateway;

import com.google.protobuf.ByteString;
import io.farwarp.function.FunctionPackage;
import io.farwarp.function.FunctionPackageException;
import io.farwarp.wire.Status;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * A package on its way in: on disk, so that a slow sender costs no memory. Not yet checked. One
 * thread at a time.
 */
final class IncomingPackage implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(IncomingPackage.class.getName());

  /** Checking holds a package several times in memory; and needs nothing of any client. */
  private static final Semaphore CHECKS = new Semaphore(1, true);

  private static final long CHECK_WAIT_S = 60;

  private final Path file;
  private final FileChannel channel;
  private long sizeBytes;

  private IncomingPackage(Path file, FileChannel channel) {
    this.file = file;
    this.channel = channel;
  }

  static IncomingPackage in(Path directory) throws IOException {
    Path file = Files.createTempFile(directory, "push-", DurableFiles.UNFINISHED);
    return new IncomingPackage(file, FileChannel.open(file, StandardOpenOption.WRITE));
  }

  Path file() {
    return file;
  }

  void append(ByteString chunk) throws IOException, Refusal {
    if (sizeBytes + chunk.size() > FunctionPackage.MAX_BYTES) {
      throw Refusal.of(
          Status.RESOURCE_EXHAUSTED,
          "the package is larger than %d bytes, the limit".formatted(FunctionPackage.MAX_BYTES));
    }
    ByteBuffer rest = chunk.asReadOnlyByteBuffer();
    while (rest.hasRemaining()) {
      channel.write(rest);
    }
    sizeBytes += chunk.size();
  }

  /** What has arrived, if it is a package; its bytes are on disk on return. */
  FunctionPackage check() throws IOException, Refusal {
    channel.force(true);
    boolean admitted = false;
    try {
      admitted = CHECKS.tryAcquire(CHECK_WAIT_S, TimeUnit.SECONDS);
      if (!admitted) {
        throw Refusal.of(
            Status.RESOURCE_EXHAUSTED,
            "other packages were being checked for %d s: push again later".formatted(CHECK_WAIT_S));
      }
      return FunctionPackage.read(Files.readAllBytes(file));
    } catch (FunctionPackageException e) {
      throw Refusal.invalid("the package is refused: " + e.getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw Refusal.unavailable("the gateway is shutting down");
    } finally {
      if (admitted) {
        CHECKS.release();
      }
    }
  }

  /** Deletes the file unless the registry has taken it up. */
  @Override
  public void close() {
    try {
      channel.close();
      Files.deleteIfExists(file);
    } catch (IOException e) {
      LOG.log(Level.WARNING, "{0} stays until the next start: {1}", file, e);
    }
  }
}
