package io.farwarp.executor.agent;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import org.jspecify.annotations.Nullable;

/**
 * The directory of one run of an agent, for its workers' sockets and temporary files; readable by
 * its owner only. A lock on it, which the kernel drops with the process, tells a later agent that
 * its owner is gone.
 */
final class RunDirectory implements AutoCloseable {
  private static final Logger LOG = System.getLogger(RunDirectory.class.getName());
  private static final String PREFIX = "run-";
  private static final String LOCK = "lock";

  private final Path path;
  private final FileChannel lockFile;
  private int nextWorker;
  private int nextPackage;

  private RunDirectory(Path path, FileChannel lockFile) {
    this.path = path;
    this.lockFile = lockFile;
  }

  /** Makes a directory below {@code base}, which is made too; removes those of agents that died. */
  static synchronized RunDirectory create(Path base) throws IOException {
    createPrivate(base);
    // Held for a moment, so that nobody takes a directory whose lock is yet to come for stale.
    try (FileChannel starting =
            FileChannel.open(
                base.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock _ = starting.lock()) {
      removeStale(base);
      return createLocked(base);
    }
  }

  private static RunDirectory createLocked(Path base) throws IOException {
    Path path = base.resolve(PREFIX + ProcessHandle.current().pid());
    for (int i = 1; Files.exists(path); i++) {
      path = base.resolve(PREFIX + ProcessHandle.current().pid() + "-" + i);
    }
    createPrivate(path);
    FileChannel lockFile =
        FileChannel.open(path.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try {
      if (lockFile.tryLock() == null) {
        throw new IOException("another agent has locked " + path);
      }
    } catch (IOException e) {
      lockFile.close();
      throw e;
    }
    return new RunDirectory(path, lockFile);
  }

  /** A new private directory for a worker. */
  synchronized Path newWorkerDirectory() throws IOException {
    Path directory = path.resolve("w" + nextWorker++);
    createPrivate(directory);
    return directory;
  }

  /** A new name for a function package that workers are to read. */
  synchronized Path newPackagePath() {
    return path.resolve("p" + nextPackage++);
  }

  private static void createPrivate(Path directory) throws IOException {
    if (!Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
      Files.createDirectories(
          directory,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    }
    PosixFileAttributes there =
        Files.readAttributes(directory, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    Object uid = Files.getAttribute(Path.of("/proc/self"), "unix:uid");
    if (!uid.equals(Files.getAttribute(directory, "unix:uid", LinkOption.NOFOLLOW_LINKS))
        || there.permissions().contains(PosixFilePermission.GROUP_WRITE)
        || there.permissions().contains(PosixFilePermission.OTHERS_WRITE)) {
      throw new IOException(
          "%s belongs to somebody else or others may write to it; give another --data-dir"
              .formatted(directory));
    }
  }

  private static void removeStale(Path base) throws IOException {
    try (DirectoryStream<Path> runs = Files.newDirectoryStream(base, PREFIX + "*")) {
      for (Path run : runs) {
        if (isStale(run)) {
          LOG.log(Level.INFO, "removing {0} of an agent that is gone", run);
          removeTree(run);
        }
      }
    }
  }

  private static boolean isStale(Path run) throws IOException {
    try (FileChannel lockFile =
        FileChannel.open(run.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      FileLock lock = lockFile.tryLock();
      return lock != null;
    } catch (OverlappingFileLockException e) {
      return false; // an agent in this very process
    } catch (NoSuchFileException e) {
      return false; // removed meanwhile
    }
  }

  /** Removes a directory and everything in it; links are not followed. */
  static void removeTree(Path top) throws IOException {
    if (!Files.exists(top)) {
      return;
    }
    Files.walkFileTree(
        top,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.deleteIfExists(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException failure)
              throws IOException {
            if (failure != null) {
              throw failure;
            }
            Files.deleteIfExists(directory);
            return FileVisitResult.CONTINUE;
          }
        });
  }

  @Override
  public void close() throws IOException {
    lockFile.close();
    removeTree(path);
  }
}
