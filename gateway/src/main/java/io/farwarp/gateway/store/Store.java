package io.farwarp.gateway.store;

import java.io.IOException;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Keys with values that outlive the process: as much of etcd's key-value API as gateways need
 * (transactions with conditions on revisions, keys with a time to live, watches), so that several
 * gateways may share one.
 *
 * <p>The store's revision grows by one with each transaction; a key's is that of the transaction
 * that put it last. Any thread.
 */
public interface Store extends AutoCloseable {
  /** Bytes of a key in UTF-8, 1 and up. */
  int MAX_KEY_BYTES = 1024;

  int MAX_VALUE_BYTES = 1 << 20;

  /** As long as nothing else is said. */
  long FOREVER = 0;

  record Entry(String key, byte[] value, long revision) {}

  sealed interface Change {
    String key();

    /**
     * Gives a key a value.
     *
     * @param ttlNs the key is deleted unless it is put anew within that time; {@link #FOREVER}: it
     *     is not
     */
    record Put(String key, byte[] value, long ttlNs) implements Change {
      public Put(String key, byte[] value) {
        this(key, value, FOREVER);
      }
    }

    /** Nothing, if there is no such key. */
    record Delete(String key) implements Change {}
  }

  /**
   * What a transaction depends on.
   *
   * @param revision the key's; 0: there is no such key
   */
  record Condition(String key, long revision) {}

  /**
   * What a watch tells.
   *
   * @param value null: the key was deleted, or its time has passed
   */
  record Update(String key, byte @Nullable [] value, long revision) {}

  /** What a watch is ended by; ending it twice does nothing. */
  interface Watch extends AutoCloseable {
    @Override
    void close();
  }

  /** All keys that begin with {@code prefix}, in the order of their characters' code units. */
  List<Entry> range(String prefix) throws IOException;

  /**
   * Makes all {@code changes} if all {@code conditions} hold, and none otherwise. They are safe
   * from loss of power on return. After an exception, and after a crash, either all of them were
   * made or none.
   *
   * @return whether the conditions held
   * @throws IllegalArgumentException a key or a value is too long, or a key is there twice
   */
  boolean commit(List<Condition> conditions, List<? extends Change> changes) throws IOException;

  /**
   * Tells {@code listener} of each later change of keys that begin with {@code prefix}, in order,
   * on a thread of the store's or of who makes the change; it must not block.
   */
  Watch watch(String prefix, Consumer<Update> listener);

  @Override
  void close() throws IOException;
}
