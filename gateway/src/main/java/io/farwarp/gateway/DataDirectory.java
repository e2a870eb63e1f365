package io.farwarp.gateway;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/** The directory of one gateway, locked for as long as this is open. */
final class DataDirectory implements AutoCloseable {
  private final Path path;
  private final FileChannel lockFile;

  private DataDirectory(Path path, FileChannel lockFile) {
    this.path = path;
    this.lockFile = lockFile;
  }

  static DataDirectory open(Path path) throws GatewayException {
    try {
      DurableFiles.createDirectory(path);
      if (!Files.isWritable(path)) {
        throw new GatewayException(
            "data directory " + path + " is not writable: change its mode or use --data-dir");
      }
      FileChannel channel =
          FileChannel.open(
              path.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      @Nullable FileLock lock = null;
      try {
        lock = channel.tryLock();
      } catch (OverlappingFileLockException e) {
        // Held by another gateway of this process: the same answer as by another process.
      }
      if (lock == null) {
        channel.close();
        throw new GatewayException(
            "data directory "
                + path
                + " is in use by another gateway: stop that one or use another --data-dir");
      }
      return new DataDirectory(path, channel);
    } catch (IOException e) {
      throw new GatewayException("cannot use data directory " + path + ": " + e, e);
    }
  }

  Path file(String name) {
    return path.resolve(name);
  }

  /** Gives the lock back. */
  @Override
  public void close() throws IOException {
    lockFile.close();
  }
}
