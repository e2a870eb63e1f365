package io.farwarp.ptx.cache;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SecureDirectoryStream;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A directory of files whose content is run, so that nobody but this user may have written them.
 * Owner and mode are those of the directory that is open, and its files are opened relative to it:
 * a name that is turned to another place in the meantime makes no difference.
 */
final class CacheDirectory implements AutoCloseable {
  static final int MAX_FILE_BYTES = 32 << 20;
  private static final long MAX_BYTES = 256L << 20;
  private static final Set<PosixFilePermission> PRIVATE =
      PosixFilePermissions.fromString("rwx------");
  private static final Set<PosixFilePermission> PRIVATE_FILE =
      PosixFilePermissions.fromString("rw-------");

  private final SecureDirectoryStream<Path> directory;

  private CacheDirectory(SecureDirectoryStream<Path> directory) {
    this.directory = directory;
  }

  /**
   * Opens the directory, and makes it if it is not there.
   *
   * @throws IOException if it cannot be made or opened, or is not this user's alone
   */
  @SuppressWarnings("StreamResourceLeak") // closed with the result
  static CacheDirectory open(Path path) throws IOException {
    if (Files.notExists(path)) {
      Files.createDirectories(path, PosixFilePermissions.asFileAttribute(PRIVATE));
    }
    DirectoryStream<Path> stream = Files.newDirectoryStream(path);
    if (!(stream instanceof SecureDirectoryStream<Path> directory)) {
      stream.close();
      throw new IOException(path + ": this system cannot open files relative to a directory");
    }
    CacheDirectory cache = new CacheDirectory(directory);
    try {
      cache.requirePrivate(path);
      return cache;
    } catch (IOException e) {
      cache.close();
      throw e;
    }
  }

  private void requirePrivate(Path path) throws IOException {
    PosixFileAttributes attributes =
        directory.getFileAttributeView(PosixFileAttributeView.class).readAttributes();
    if (!attributes.owner().equals(Files.getOwner(Path.of("/proc/self")))) {
      throw new IOException(path + " belongs to " + attributes.owner() + ", not to this user");
    }
    Set<PosixFilePermission> others = EnumSet.copyOf(attributes.permissions());
    others.removeAll(PRIVATE);
    if (!others.isEmpty()) {
      throw new IOException(
          path
              + " has mode "
              + PosixFilePermissions.toString(attributes.permissions())
              + ": others may enter it; chmod 700 makes it usable");
    }
  }

  /** The content of a file; empty if there is none, or none of a length that is written here. */
  Optional<byte[]> read(String name) throws IOException {
    try (SeekableByteChannel file =
        directory.newByteChannel(
            Path.of(name), Set.of(StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS))) {
      if (file.size() > MAX_FILE_BYTES) {
        return Optional.empty();
      }
      ByteBuffer content = ByteBuffer.allocate((int) file.size());
      while (content.hasRemaining()) {
        if (file.read(content) < 0) {
          return Optional.empty();
        }
      }
      return Optional.of(content.array());
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
  }

  /**
   * Puts a file in place of any of the same name, at once and as a whole. The oldest files go if
   * there would be too much in the directory.
   */
  void write(String name, byte[] content) throws IOException {
    makeRoom(content.length);
    Path unfinished = Path.of(name + "." + ProcessHandle.current().pid() + "." + System.nanoTime());
    try (SeekableByteChannel file =
        directory.newByteChannel(
            unfinished,
            Set.of(
                StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW, LinkOption.NOFOLLOW_LINKS),
            PosixFilePermissions.asFileAttribute(PRIVATE_FILE))) {
      ByteBuffer buffer = ByteBuffer.wrap(content);
      while (buffer.hasRemaining()) {
        var _ = file.write(buffer);
      }
    }
    // Should this process end before, the file is one of those that go when they are the oldest.
    directory.move(unfinished, directory, Path.of(name));
  }

  private record Entry(Path name, FileTime written, long bytes) {}

  private void makeRoom(long bytes) throws IOException {
    List<Entry> entries = new ArrayList<>();
    long total = bytes;
    for (Path path : directory) {
      Path name = path.getFileName();
      try {
        BasicFileAttributes attributes =
            directory
                .getFileAttributeView(name, BasicFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
                .readAttributes();
        if (attributes.isRegularFile()) {
          entries.add(new Entry(name, attributes.lastModifiedTime(), attributes.size()));
          total += attributes.size();
        }
      } catch (NoSuchFileException e) {
        // Another process has made room.
      }
    }
    entries.sort(Comparator.comparing(Entry::written));
    for (int i = 0; i < entries.size() && total > MAX_BYTES; i++) {
      total -= entries.get(i).bytes();
      try {
        directory.deleteFile(entries.get(i).name());
      } catch (NoSuchFileException e) {
        // Another process has made room.
      }
    }
  }

  @Override
  public void close() throws IOException {
    directory.close();
  }
}
