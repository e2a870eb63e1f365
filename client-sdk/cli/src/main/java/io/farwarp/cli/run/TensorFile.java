package io.farwarp.cli.run;

import io.farwarp.cli.CommandException;
import io.farwarp.function.ElementTypes;
import io.farwarp.v1.ElementType;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A file that holds a tensor: NumPy's {@code .npy}, or {@code .bin}, which is the little-endian
 * elements alone. Its elements are mapped, never read into the heap.
 *
 * @param elements the mapped elements, valid as long as the arena they were mapped in
 * @param header what a {@code .npy} file says of them; null for {@code .bin}
 */
record TensorFile(Path path, MemorySegment elements, @Nullable NpyHeader header) {
  /** Bytes that one write to a file takes at most. */
  private static final long WRITE_BYTES = 256L << 20;

  /** Maps a file for reading. */
  static TensorFile map(Path path, Arena arena) {
    boolean npy = isNpy(path);
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      NpyHeader header = npy ? header(channel) : null;
      long offset = header == null ? 0 : header.dataOffset();
      long size = channel.size() - offset;
      if (header != null) {
        long wanted = header.elements() * ElementTypes.bytes(header.type());
        if (size != wanted) {
          throw new NpyException(
              "it holds " + size + " bytes of elements; its header says " + wanted);
        }
      }
      MemorySegment elements =
          size == 0
              ? MemorySegment.NULL
              : channel.map(FileChannel.MapMode.READ_ONLY, offset, size, arena);
      return new TensorFile(path, elements, header);
    } catch (NpyException e) {
      throw new CommandException(path + ": " + e.getMessage(), e);
    } catch (NoSuchFileException e) {
      throw new CommandException(path + ": no such file", e);
    } catch (IOException e) {
      throw new CommandException(path + " cannot be read: " + e.getMessage(), e);
    }
  }

  private static NpyHeader header(FileChannel channel) throws IOException, NpyException {
    ByteBuffer start = ByteBuffer.allocate((int) Math.min(NpyHeader.MAX_BYTES, channel.size()));
    while (start.hasRemaining() && channel.read(start, start.position()) >= 0) {}
    return NpyHeader.read(start.array());
  }

  /** Refuses a name that says neither {@code .npy} nor {@code .bin}. */
  private static boolean isNpy(Path path) {
    String name = path.toString();
    if (name.endsWith(".npy")) {
      return true;
    }
    if (name.endsWith(".bin")) {
      return false;
    }
    throw new CommandException(
        path + ": tensors come from and go to files named .npy (NumPy) or .bin (bare elements)");
  }

  /** Refuses an output that could not be written, before any work is done for it. */
  static void checkWritable(Path path) {
    var _ = isNpy(path);
    Path directory = directory(path);
    if (!Files.isDirectory(directory) || !Files.isWritable(directory)) {
      throw new CommandException(path + ": the directory " + directory + " cannot be written");
    }
    if (Files.isDirectory(path)) {
      throw new CommandException(path + " is a directory");
    }
  }

  private static Path directory(Path path) {
    Path parent = path.toAbsolutePath().getParent();
    return parent == null ? path.toAbsolutePath() : parent;
  }

  /**
   * Writes a tensor to a file that appears complete or not at all. It is written, not mapped: a
   * full disk is an error of a write, but a fault of a mapping.
   */
  static void write(Path path, ElementType type, List<Long> shape, MemorySegment elements) {
    try {
      // Not createTempFile: the file is to have the permissions that any new file gets.
      Path temporary =
          directory(path)
              .resolve(".%s.%d.part".formatted(path.getFileName(), ProcessHandle.current().pid()));
      try {
        try (FileChannel channel =
            FileChannel.open(
                temporary,
                StandardOpenOption.CREATE,
                StandardOpenOption.TRUNCATE_EXISTING,
                StandardOpenOption.WRITE)) {
          if (isNpy(path)) {
            writeAll(channel, ByteBuffer.wrap(NpyHeader.write(type, shape)));
          }
          for (long at = 0; at < elements.byteSize(); at += WRITE_BYTES) {
            long length = Math.min(WRITE_BYTES, elements.byteSize() - at);
            writeAll(channel, elements.asSlice(at, length).asByteBuffer());
          }
        }
        move(temporary, path);
      } finally {
        Files.deleteIfExists(temporary);
      }
    } catch (IOException e) {
      throw new CommandException(path + " cannot be written: " + e.getMessage(), e);
    }
  }

  private static void writeAll(FileChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      var _ = channel.write(bytes);
    }
  }

  private static void move(Path from, Path to) throws IOException {
    try {
      Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException e) {
      Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
    }
  }
}
