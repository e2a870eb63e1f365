package io.farwarp.gateway.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.h2.mvstore.DataUtils;
import org.h2.store.fs.FileBaseDefault;
import org.h2.store.fs.FilePath;
import org.jspecify.annotations.Nullable;

/**
 * A directory in memory that remembers what was done to its files: what it would hold had the power
 * failed at any moment can be made from that.
 *
 * <p>As on a disk, a write that was not synced may be there, or not, or some of its sectors,
 * whatever came after it. Names change in order, as in a journal, and are there for certain when
 * the directory was synced.
 */
final class RecordedDisk {
  /** A file in this directory. */
  static final String STORE = "recorded:/store";

  private static final String DIRECTORY = "recorded:/";
  private static final int SECTOR_BYTES = 512;

  sealed interface Operation {
    record Write(int file, long at, byte[] bytes) implements Operation {}

    record Truncate(int file, long size) implements Operation {}

    record Sync(int file) implements Operation {}

    /** The name means that file; 0: none. */
    record Name(String name, int file) implements Operation {}

    record SyncDirectory() implements Operation {}
  }

  /** What is on the disk. */
  static final class Image {
    final Map<Integer, byte[]> files = new HashMap<>();
    final Map<String, Integer> names = new HashMap<>();

    void apply(Operation operation) {
      switch (operation) {
        case Operation.Write w -> write(w, 0, w.bytes.length);
        case Operation.Truncate t -> files.put(t.file, Arrays.copyOf(bytes(t.file), (int) t.size));
        case Operation.Name n -> names.put(n.name, n.file);
        case Operation.Sync _, Operation.SyncDirectory _ -> {}
      }
    }

    /** Of each sector of the write, whether it reaches the disk is left to chance. */
    void applyTorn(Operation.Write w, Random random) {
      for (int from = 0; from < w.bytes.length; from += SECTOR_BYTES) {
        if (random.nextBoolean()) {
          write(w, from, Math.min(SECTOR_BYTES, w.bytes.length - from));
        }
      }
    }

    private void write(Operation.Write w, int from, int length) {
      byte[] bytes = bytes(w.file);
      int end = (int) w.at + from + length;
      if (end > bytes.length) {
        bytes = Arrays.copyOf(bytes, end);
      }
      System.arraycopy(w.bytes, from, bytes, (int) w.at + from, length);
      files.put(w.file, bytes);
    }

    byte[] bytes(int file) {
      return files.getOrDefault(file, new byte[0]);
    }

    byte[] bytes(String name) {
      return bytes(file(name));
    }

    int file(String name) {
      return names.getOrDefault(name, 0);
    }

    Image copy() {
      Image copy = new Image();
      files.forEach((file, bytes) -> copy.files.put(file, bytes.clone()));
      copy.names.putAll(names);
      return copy;
    }
  }

  final List<Operation> operations = new ArrayList<>();
  private final Image now;
  private int lastFile;

  private RecordedDisk(Image content) {
    now = content;
    lastFile = content.files.keySet().stream().mapToInt(file -> file).max().orElse(0);
  }

  /** The directory holds {@code content} from now on, and nothing is remembered of it. */
  static RecordedDisk insert(Image content) {
    RecordedDisk disk = new RecordedDisk(content);
    FilePath.register(disk.new Name(DIRECTORY));
    return disk;
  }

  static void remove() {
    FilePath.unregister(new RecordedDisk(new Image()).new Name(DIRECTORY));
  }

  private void add(Operation operation) {
    operations.add(operation);
    now.apply(operation);
  }

  private final class Name extends FilePath {
    Name(String name) {
      this.name = name;
    }

    @Override
    public String getScheme() {
      return "recorded";
    }

    @Override
    public FilePath getPath(String path) {
      return new Name(path);
    }

    @Override
    public long size() {
      return now.bytes(name).length;
    }

    @Override
    public boolean exists() {
      return isDirectory() || now.file(name) != 0;
    }

    @Override
    public void delete() {
      add(new Operation.Name(name, 0));
    }

    @Override
    public void moveTo(FilePath target, boolean replace) {
      int file = now.file(name);
      add(new Operation.Name(target.toString(), file));
      add(new Operation.Name(name, 0));
    }

    @Override
    public FileChannel open(String mode) {
      if (isDirectory()) {
        return new Channel(0);
      }
      if (!exists()) {
        add(new Operation.Name(name, ++lastFile));
      }
      return new Channel(now.file(name));
    }

    @Override
    public @Nullable FilePath getParent() {
      return isDirectory() ? null : new Name(DIRECTORY);
    }

    @Override
    public boolean isDirectory() {
      return name.equals(DIRECTORY);
    }

    @Override
    public boolean isRegularFile() {
      return !isDirectory() && exists();
    }

    @Override
    public boolean isAbsolute() {
      return true;
    }

    @Override
    public boolean canWrite() {
      return true;
    }

    @Override
    public FilePath toRealPath() {
      return this;
    }

    @Override
    public long lastModified() {
      return 0;
    }

    @Override
    public boolean setReadOnly() {
      return false;
    }

    @Override
    public boolean createFile() {
      throw unused();
    }

    @Override
    public void createDirectory() {
      throw unused();
    }

    @Override
    public List<FilePath> newDirectoryStream() {
      throw unused();
    }

    private static RuntimeException unused() {
      return DataUtils.newUnsupportedOperationException("not used by a store");
    }
  }

  /** Of a file, or of the directory: 0. */
  private final class Channel extends FileBaseDefault {
    private final int file;

    Channel(int file) {
      this.file = file;
    }

    @Override
    public long size() {
      return now.bytes(file).length;
    }

    @Override
    public int read(ByteBuffer into, long at) {
      byte[] bytes = now.bytes(file);
      int length = (int) Math.min(into.remaining(), bytes.length - at);
      if (length <= 0) {
        return -1;
      }
      into.put(bytes, (int) at, length);
      return length;
    }

    @Override
    public int write(ByteBuffer from, long at) {
      byte[] bytes = new byte[from.remaining()];
      from.get(bytes);
      add(new Operation.Write(file, at, bytes));
      return bytes.length;
    }

    @Override
    protected void implTruncate(long size) {
      if (size < size()) {
        add(new Operation.Truncate(file, size));
      }
    }

    @Override
    public void force(boolean metaData) {
      add(file == 0 ? new Operation.SyncDirectory() : new Operation.Sync(file));
    }

    @Override
    public FileLock tryLock(long position, long size, boolean shared) {
      return new FileLock((FileChannel) this, position, size, shared) {
        @Override
        public boolean isValid() {
          return true;
        }

        @Override
        public void release() throws IOException {}
      };
    }

    @Override
    protected void implCloseChannel() {}
  }
}
