package io.farwarp.gateway.simulation;

import com.google.protobuf.InvalidProtocolBufferException;
import io.farwarp.gateway.store.Store;
import io.farwarp.v1.StoredLease;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The store of a gateway as it outlives it: a transaction is kept as a whole when it returns, and
 * kept or not if the gateway dies in it.
 */
final class Disk {
  private static final String LEASES = "leases/";

  private final World world;
  private final TreeMap<String, Store.Entry> entries = new TreeMap<>();
  private long revision;
  private boolean full;
  private boolean failing;

  Disk(World world) {
    this.world = world;
  }

  void fill(boolean full) {
    this.full = full;
    world.note("disk", full ? "is full" : "has room again");
  }

  /** The last transaction failed, or there will be no other. */
  boolean isFailing() {
    return failing || full;
  }

  /** What a gateway that started now would know of the lease. */
  @Nullable StoredLease lease(String leaseId) {
    Store.Entry entry = entries.get(LEASES + leaseId);
    try {
      return entry == null ? null : StoredLease.parseFrom(entry.value());
    } catch (InvalidProtocolBufferException e) {
      throw new AssertionError("the store has something else for lease " + leaseId, e);
    }
  }

  /** As a process has it that dies when {@code fuse} blows. */
  Store openedBy(Fuse fuse) {
    return new Opened(fuse);
  }

  private final class Opened implements Store {
    private final Fuse fuse;

    Opened(Fuse fuse) {
      this.fuse = fuse;
    }

    @Override
    public List<Entry> range(String prefix) {
      return new ArrayList<>(
          entries.subMap(prefix, true, prefix + Character.MAX_VALUE, false).values());
    }

    @Override
    public boolean commit(List<Condition> conditions, List<? extends Change> changes)
        throws IOException {
      if (fuse.isBlown()) {
        return true;
      }
      failing = full;
      if (full) {
        throw new IOException("no space left on device");
      }
      if (!conditions.stream().allMatch(this::holds)) {
        return false;
      }
      if (fuse.passes() || world.chance(0.5)) {
        revision++;
        changes.forEach(this::make);
      }
      return true;
    }

    private boolean holds(Condition condition) {
      Entry entry = entries.get(condition.key());
      return condition.revision() == (entry == null ? 0 : entry.revision());
    }

    private void make(Change change) {
      switch (change) {
        case Change.Put(String key, byte[] value, long ttlNs) -> {
          World.check(ttlNs == FOREVER, "gateways keep nothing for a while: %s", key);
          entries.put(key, new Entry(key, value.clone(), revision));
        }
        case Change.Delete(String key) -> entries.remove(key);
      }
    }

    @Override
    public Watch watch(String prefix, Consumer<Update> listener) {
      throw new UnsupportedOperationException("one gateway alone watches nothing");
    }

    @Override
    public void close() {}
  }
}
