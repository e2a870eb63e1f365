package io.farwarp.gateway.store;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.common.hash.Hasher;
import com.google.common.hash.Hashing;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.h2.mvstore.Cursor;
import org.h2.mvstore.DataUtils;
import org.h2.mvstore.MVMap;
import org.h2.mvstore.MVStore;
import org.h2.mvstore.MVStoreException;
import org.h2.mvstore.type.ByteArrayDataType;
import org.h2.mvstore.type.StringDataType;
import org.h2.store.fs.FilePath;
import org.jspecify.annotations.Nullable;

/**
 * A {@link Store} in one file of this host, for one process: an MVStore of H2, a log-structured
 * B-tree. Nothing in the file is written over; when most of it is out of date, it is written anew.
 *
 * <p>Each version of it holds, beside the entries, how many there are and the sum of their hashes.
 * Opening reads all of them; a version where these disagree does not count. If it is the last one,
 * power was lost while it was written, and the one before it is taken, which was synced. So a file
 * that was damaged later is refused, with one exception: damage to the last transaction alone
 * cannot be told from one that was never finished.
 *
 * <p>A sector of 512 bytes is taken to be written whole or not at all.
 *
 * <p>After a write that failed the file is opened anew by the next transaction.
 */
public final class EmbeddedStore implements Store {
  private static final System.Logger LOG = System.getLogger(EmbeddedStore.class.getName());

  /** Under which the state of the store itself is kept; no key of others is empty. */
  private static final String STATE_KEY = "";

  private static final int HEAD_BYTES = 16;
  private static final int STATE_BYTES = 24;

  /** Large ones would be written whole for each small change. */
  private static final int PAGE_BYTES = 4096;

  /** A file is not written anew before it is of this size, and has grown so many times. */
  private static final long LEAST_BYTES = 1 << 20;

  private static final int GROWTH = 4;

  private record Watcher(String prefix, Consumer<Update> listener) {}

  private final String file;
  private final LongSupplier clockNs;
  private final List<Watcher> watchers = new CopyOnWriteArrayList<>();

  /** When which keys are deleted, in the clock's time. */
  private final Map<String, Long> expiriesNs = new HashMap<>();

  private @Nullable MVStore store;
  private @Nullable MVMap<String, byte[]> entries;
  private boolean closed;
  private long revision;
  private long count;
  private long sum;

  /** Of the file when it was last written anew, or opened. */
  private long wholeBytes;

  private EmbeddedStore(String file, LongSupplier clockNs) {
    this.file = file;
    this.clockNs = clockNs;
  }

  /**
   * Opens {@code file}, or makes it.
   *
   * @param file a path, or a name of one of H2's file systems
   * @param clockNs what times to live are measured by; those of a file begin anew when it is opened
   * @throws IOException it cannot be used, is in use, or is damaged
   */
  public static EmbeddedStore open(String file, LongSupplier clockNs) throws IOException {
    EmbeddedStore opened = new EmbeddedStore(file, clockNs);
    if (!FilePath.get(file).exists()) {
      opened.writeAnew(Map.of());
    }
    opened.entries();
    return opened;
  }

  /**
   * The file holds {@code content}; a file under its name is whole, so it is made under another.
   */
  private void writeAnew(Map<String, byte[]> content) throws IOException {
    FilePath unfinished = FilePath.get(file + ".tmp");
    try {
      if (unfinished.exists()) {
        unfinished.delete();
      }
      MVStore made = openFile(unfinished.toString());
      try {
        MVMap<String, byte[]> map = openMap(made);
        content.forEach(map::put);
        made.commit();
        made.sync();
      } finally {
        made.closeImmediately();
      }
      closeImmediately();
      FilePath whole = FilePath.get(file);
      unfinished.moveTo(whole, true);
      try (FileChannel directory = whole.toRealPath().getParent().open("r")) {
        directory.force(true);
      }
      wholeBytes = whole.size();
    } catch (MVStoreException e) {
      throw new IOException("store %s cannot be written: %s".formatted(file, rootOf(e)), e);
    }
  }

  private static MVStore openFile(String file) {
    // Nothing is written but by commit(): half a transaction would be.
    MVStore store =
        new MVStore.Builder().fileName(file).autoCommitDisabled().pageSplitSize(PAGE_BYTES).open();
    // Space that was given back may be written over before the file says so: a loss of power in
    // between would lose transactions.
    store.setReuseSpace(false);
    store.setVersionsToKeep(0);
    return store;
  }

  private static MVMap<String, byte[]> openMap(MVStore store) {
    return store.openMap(
        "entries",
        new MVMap.Builder<String, byte[]>()
            .keyType(StringDataType.INSTANCE)
            .valueType(ByteArrayDataType.INSTANCE));
  }

  private MVMap<String, byte[]> entries() throws IOException {
    if (closed) {
      throw new IOException("store " + file + " is closed");
    }
    MVMap<String, byte[]> open = entries;
    if (open != null) {
      return open;
    }
    try {
      open = openChecked(file);
    } catch (DamagedException e) {
      dropUnfinished(e);
      open = openChecked(file);
    }
    wholeBytes = Math.max(wholeBytes, FilePath.get(file).size() / GROWTH);
    entries = open;
    return open;
  }

  /** Opens {@code file} and reads all of it. */
  private MVMap<String, byte[]> openChecked(String file) throws IOException {
    MVStore opening = null;
    boolean opened = false;
    try {
      opening = openFile(file);
      StoreFileEnd end = StoreFileEnd.of(file);
      if (end.version() > opening.getCurrentVersion() + 1) {
        throw new DamagedException(
            "store %s is damaged: of its transactions up to %d those after %d cannot be read; restore it from a copy, or move it away to start without"
                .formatted(file, end.version(), opening.getCurrentVersion()),
            null);
      }
      MVMap<String, byte[]> map = openMap(opening);
      check(map);
      opened = true;
      store = opening;
      return map;
    } catch (MVStoreException e) {
      String message = "store %s cannot be opened: %s".formatted(file, e.getMessage());
      throw e.getErrorCode() == DataUtils.ERROR_FILE_CORRUPT
          ? new DamagedException(message, e)
          : new IOException(message, e);
    } catch (RuntimeException e) {
      // What a damaged page is taken for depends on what is in it.
      throw new DamagedException("store %s is damaged: %s".formatted(file, e), e);
    } finally {
      if (opening != null && !opened) {
        opening.closeImmediately();
      }
    }
  }

  private static final class DamagedException extends IOException {
    private static final long serialVersionUID = 1;

    DamagedException(String message, @Nullable Throwable cause) {
      super(message, cause);
    }
  }

  /**
   * The last transaction may have reached the disk in part, if power was lost before it was synced:
   * without it the file is whole, or {@code damage} it is.
   */
  private void dropUnfinished(DamagedException damage) throws IOException {
    String cut = file + ".cut";
    StoreFileEnd end = StoreFileEnd.of(file);
    if (end.version() == 0) {
      throw damage;
    }
    end.copyBefore(file, cut);
    try {
      Map<String, byte[]> content = content(openChecked(cut));
      LOG.log(
          Level.WARNING, "store {0}: its last transaction was never finished and is dropped", file);
      writeAnew(content);
    } catch (DamagedException e) {
      damage.addSuppressed(e);
      throw damage;
    } finally {
      closeImmediately();
      FilePath.get(cut).delete();
    }
  }

  private void check(MVMap<String, byte[]> map) throws IOException {
    long foundCount = 0;
    long foundSum = 0;
    byte @Nullable [] state = null;
    long nowNs = clockNs.getAsLong();
    expiriesNs.clear();
    for (Map.Entry<String, byte[]> each : map.entrySet()) {
      if (each.getKey().equals(STATE_KEY)) {
        state = each.getValue();
        continue;
      }
      foundCount++;
      foundSum += hash(each.getKey(), each.getValue());
      long ttlNs = ByteBuffer.wrap(each.getValue()).getLong(8);
      if (ttlNs != FOREVER) {
        expiriesNs.put(each.getKey(), nowNs + ttlNs);
      }
    }
    ByteBuffer expected = state == null ? ByteBuffer.allocate(STATE_BYTES) : ByteBuffer.wrap(state);
    revision = expected.getLong();
    count = expected.getLong();
    sum = expected.getLong();
    if (foundCount != count || foundSum != sum) {
      throw new DamagedException(
          "store %s is damaged: it holds %d entries that are not the %d of its revision %d; restore it from a copy, or move it away to start without"
              .formatted(file, foundCount, count, revision),
          null);
    }
  }

  private static long hash(String key, byte[] value) {
    Hasher hasher = Hashing.murmur3_128().newHasher();
    return hasher.putUnencodedChars(key).putInt(key.length()).putBytes(value).hash().asLong();
  }

  @Override
  public synchronized List<Entry> range(String prefix) throws IOException {
    expire();
    List<Entry> found = new ArrayList<>();
    Cursor<String, byte[]> cursor = entries().cursor(prefix);
    while (cursor.hasNext()) {
      String key = cursor.next();
      byte[] stored = cursor.getValue();
      if (!key.startsWith(prefix)) {
        break;
      }
      if (!key.equals(STATE_KEY)) {
        found.add(new Entry(key, value(stored), ByteBuffer.wrap(stored).getLong()));
      }
    }
    return found;
  }

  private static byte[] value(byte[] stored) {
    byte[] content = new byte[stored.length - HEAD_BYTES];
    System.arraycopy(stored, HEAD_BYTES, content, 0, content.length);
    return content;
  }

  @Override
  public synchronized boolean commit(List<Condition> conditions, List<? extends Change> changes)
      throws IOException {
    check(changes);
    expire();
    MVMap<String, byte[]> map = entries();
    for (Condition condition : conditions) {
      byte[] stored = map.get(condition.key());
      long actual = stored == null ? 0 : ByteBuffer.wrap(stored).getLong();
      if (actual != condition.revision()) {
        return false;
      }
    }
    write(map, changes);
    return true;
  }

  private static void check(List<? extends Change> changes) {
    Set<String> keys = new HashSet<>();
    for (Change change : changes) {
      int keyBytes = change.key().getBytes(UTF_8).length;
      if (keyBytes < 1 || keyBytes > MAX_KEY_BYTES) {
        throw new IllegalArgumentException(
            "a key of %d bytes; it takes 1 to %d".formatted(keyBytes, MAX_KEY_BYTES));
      }
      if (!keys.add(change.key())) {
        throw new IllegalArgumentException("key " + change.key() + " is changed twice");
      }
      if (change instanceof Change.Put put && put.value().length > MAX_VALUE_BYTES) {
        throw new IllegalArgumentException(
            "key %s has a value of %d bytes; %d is the limit"
                .formatted(put.key(), put.value().length, MAX_VALUE_BYTES));
      }
    }
  }

  /** Deletes what has not been put anew in its time. */
  private void expire() throws IOException {
    if (expiriesNs.isEmpty()) {
      return;
    }
    long nowNs = clockNs.getAsLong();
    List<Change> over = new ArrayList<>();
    expiriesNs.forEach((key, atNs) -> {
      if (atNs <= nowNs) {
        over.add(new Change.Delete(key));
      }
    });
    if (!over.isEmpty()) {
      write(entries(), over);
    }
  }

  private void write(MVMap<String, byte[]> map, List<? extends Change> changes) throws IOException {
    MVStore open = store;
    if (open == null) {
      throw new IllegalStateException("store " + file + " has entries and is not open");
    }
    try {
      revision++;
      List<Update> updates = new ArrayList<>(changes.size());
      for (Change change : changes) {
        Update update = apply(map, change);
        if (update != null) {
          updates.add(update);
        }
      }
      map.put(
          STATE_KEY,
          ByteBuffer.allocate(STATE_BYTES).putLong(revision).putLong(count).putLong(sum).array());
      open.commit();
      open.sync();
      updates.forEach(this::tell);
      writeAnewSometimes(map);
    } catch (MVStoreException e) {
      closeImmediately();
      throw new IOException("store %s: %s".formatted(file, rootOf(e).getMessage()), e);
    }
  }

  /** Null: there was nothing to delete. */
  private @Nullable Update apply(MVMap<String, byte[]> map, Change change) {
    byte @Nullable [] before;
    byte @Nullable [] content = null;
    switch (change) {
      case Change.Put put -> {
        content = put.value();
        byte[] stored =
            ByteBuffer.allocate(HEAD_BYTES + content.length)
                .putLong(revision)
                .putLong(put.ttlNs())
                .put(content)
                .array();
        before = map.put(put.key(), stored);
        count++;
        sum += hash(put.key(), stored);
        if (put.ttlNs() == FOREVER) {
          expiriesNs.remove(put.key());
        } else {
          expiriesNs.put(put.key(), clockNs.getAsLong() + put.ttlNs());
        }
      }
      case Change.Delete delete -> {
        before = map.remove(delete.key());
        expiriesNs.remove(delete.key());
      }
    }
    if (before != null) {
      count--;
      sum -= hash(change.key(), before);
    }
    return before == null && content == null ? null : new Update(change.key(), content, revision);
  }

  private void tell(Update update) {
    for (Watcher watcher : watchers) {
      if (update.key().startsWith(watcher.prefix)) {
        watcher.listener.accept(update);
      }
    }
  }

  /** Nothing in the file is written over, so it grows until it is written anew. */
  private void writeAnewSometimes(MVMap<String, byte[]> map) throws IOException {
    MVStore open = store;
    if (open != null && open.getFileStore().size() > Math.max(LEAST_BYTES, GROWTH * wholeBytes)) {
      writeAnew(content(map));
    }
  }

  private static Map<String, byte[]> content(MVMap<String, byte[]> map) {
    Map<String, byte[]> content = new TreeMap<>();
    for (Map.Entry<String, byte[]> each : map.entrySet()) {
      content.put(each.getKey(), each.getValue());
    }
    return content;
  }

  private static Throwable rootOf(Throwable e) {
    Throwable root = e;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return root;
  }

  @Override
  public Watch watch(String prefix, Consumer<Update> listener) {
    Watcher watcher = new Watcher(prefix, listener);
    watchers.add(watcher);
    return () -> watchers.remove(watcher);
  }

  private void closeImmediately() {
    MVStore open = store;
    store = null;
    entries = null;
    if (open != null) {
      open.closeImmediately();
    }
  }

  /** What was committed is synced already; so there is nothing to write. */
  @Override
  public synchronized void close() {
    closed = true;
    closeImmediately();
  }
}
