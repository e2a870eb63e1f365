package io.farwarp.gateway.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.gateway.store.RecordedDisk.Image;
import io.farwarp.gateway.store.RecordedDisk.Operation;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The power fails, or the file is damaged, at any moment of a history of transactions. */
class PowerLossTest {
  /** Of what was not synced, nothing has reached the disk, all of it, or some. */
  private static final int VARIANTS = 4;

  private static final int NOTHING = 0;
  private static final int ALL = 1;

  /** What a store holds after each of its transactions, and what was done to its file for that. */
  private record History(
      List<List<String>> states, List<Integer> acknowledgedAt, List<Operation> operations) {}

  @AfterEach
  void remove() {
    RecordedDisk.remove();
  }

  private static Store open() throws IOException {
    return EmbeddedStore.open(RecordedDisk.STORE, () -> 0);
  }

  private static History history(long seed, int transactions) throws IOException {
    Random random = new Random(seed);
    RecordedDisk disk = RecordedDisk.insert(new Image());
    List<List<String>> states = new ArrayList<>();
    List<Integer> acknowledgedAt = new ArrayList<>();
    TreeMap<String, String> model = new TreeMap<>();
    try (Store store = open()) {
      for (int i = 0; i < transactions; i++) {
        states.add(state(model));
        acknowledgedAt.add(disk.operations.size());
        assertTrue(store.commit(List.of(), changes(random, model, i)));
      }
      states.add(state(model));
      acknowledgedAt.add(disk.operations.size());
    }
    return new History(states, acknowledgedAt, List.copyOf(disk.operations));
  }

  private static List<String> state(TreeMap<String, String> model) {
    List<String> state = new ArrayList<>();
    model.forEach((key, value) -> state.add(key + "=" + value));
    return state;
  }

  private static List<Store.Change> changes(
      Random random, TreeMap<String, String> model, int transaction) {
    TreeMap<String, Store.Change> changes = new TreeMap<>();
    for (int i = random.nextInt(6); i >= 0; i--) {
      String key = "lease/L-" + random.nextInt(100);
      if (random.nextInt(3) == 0) {
        changes.put(key, new Store.Change.Delete(key));
        model.remove(key);
      } else {
        int length = random.nextInt(random.nextInt(20) == 0 ? 20_000 : 300);
        String value = transaction + "." + "v".repeat(length);
        changes.put(key, StoreContractTest.put(key, value));
        model.put(key, value);
      }
    }
    return List.copyOf(changes.values());
  }

  private static List<String> read(Image image) throws IOException {
    RecordedDisk.insert(image);
    try (Store store = open()) {
      return StoreContractTest.texts(store.range(""));
    }
  }

  @Test
  void power_loss_at_any_moment_loses_nothing_that_was_acknowledged() throws IOException {
    losePower(1, 250);
  }

  @Test
  @Tag("full")
  void power_loss_at_any_moment_of_long_histories() throws IOException {
    for (long seed = 2; seed < 12; seed++) {
      losePower(seed, 3_000);
    }
  }

  @Test
  void file_that_was_cut_short_is_as_it_was_then() throws IOException {
    cut(20, 60);
  }

  @Test
  @Tag("full")
  void files_that_were_cut_short_anywhere_are_as_they_were_then() throws IOException {
    for (long seed = 21; seed < 31; seed++) {
      cut(seed, 1_000);
    }
  }

  private static void cut(long seed, int transactions) throws IOException {
    History history = history(seed, transactions);
    Image whole = new Image();
    history.operations.forEach(whole::apply);
    int file = whole.file(RecordedDisk.STORE);
    int last = -1;
    int seen = 0;
    for (Operation operation : history.operations) {
      if (operation instanceof Operation.Write write && write.file() == file && write.at() > 0) {
        for (long size :
            new long[] {write.at(), write.at() + 1, write.at() + write.bytes().length - 1}) {
          Image image = whole.copy();
          image.apply(new Operation.Truncate(file, size));
          String where = "seed %d, cut at %d".formatted(seed, size);
          int found = stateOrDamaged(history, image, where);
          assertTrue(found >= last, where + ": " + found + " after " + last);
          last = Math.max(last, found);
          seen += found >= 0 ? 1 : 0;
        }
      }
    }
    assertTrue(seen > 10, "so few could be read: " + seen);
  }

  @Test
  void file_that_was_damaged_is_refused_or_has_all_but_the_last_transaction() throws IOException {
    damage(40, 60);
  }

  @Test
  @Tag("full")
  void files_that_were_damaged_anywhere_are_refused_or_have_all_but_the_last_transaction()
      throws IOException {
    for (long seed = 41; seed < 51; seed++) {
      damage(seed, 1_000);
    }
  }

  private static void damage(long seed, int transactions) throws IOException {
    History history = history(seed, transactions);
    Image whole = new Image();
    history.operations.forEach(whole::apply);
    int file = whole.file(RecordedDisk.STORE);
    Random random = new Random(seed);
    int refused = 0;
    for (Operation operation : history.operations) {
      if (operation instanceof Operation.Write write && write.file() == file) {
        for (int i = 0; i < 4; i++) {
          Image image = whole.copy();
          int at = (int) write.at() + random.nextInt(write.bytes().length);
          image.bytes(file)[at] ^= (byte) (1 + random.nextInt(255));
          String where = "seed %d, damaged at %d".formatted(seed, at);
          int found = stateOrDamaged(history, image, where);
          assertTrue(found < 0 || found >= history.states.size() - 2, where + ": " + found);
          refused += found < 0 ? 1 : 0;
        }
      }
    }
    assertTrue(refused > 10, "so few were refused: " + refused);
  }

  /** After which transaction it is; -1: it was refused. */
  private static int stateOrDamaged(History history, Image image, String where) {
    List<String> found;
    try {
      found = read(image);
    } catch (IOException refused) {
      assertTrue(String.valueOf(refused.getMessage()).contains(RecordedDisk.STORE), where);
      return -1;
    }
    int state = history.states.lastIndexOf(found);
    assertTrue(state >= 0, where + ": " + found);
    return state;
  }

  private static void losePower(long seed, int transactions) throws IOException {
    History history = history(seed, transactions);
    Random random = new Random(seed);
    Image durable = new Image();
    List<Operation> unsynced = new ArrayList<>();
    // Before the first acknowledgement there may be no store yet.
    int acknowledged = -1;
    int rewritten = 0;
    for (int at = 0; at <= history.operations.size(); at++) {
      while (acknowledged + 1 < history.acknowledgedAt.size()
          && history.acknowledgedAt.get(acknowledged + 1) <= at) {
        acknowledged++;
      }
      for (int variant = 0; variant < VARIANTS; variant++) {
        Image image = afterPowerLoss(durable, unsynced, variant, random);
        String where =
            "seed %d, after operation %d (%s), variant %d"
                .formatted(seed, at, at == 0 ? "" : text(history.operations.get(at - 1)), variant);
        List<String> found;
        try {
          found = read(image);
        } catch (IOException e) {
          throw new AssertionError(where, e);
        }
        int next = Math.min(acknowledged + 1, history.states.size() - 1);
        boolean right =
            found.equals(history.states.get(Math.max(0, acknowledged)))
                || found.equals(history.states.get(next));
        assertTrue(
            right,
            "%s: as after transaction %d, and %d was acknowledged"
                .formatted(where, history.states.indexOf(found), acknowledged));
      }
      if (at < history.operations.size()) {
        Operation next = history.operations.get(at);
        rewritten += next instanceof Operation.Name ? 1 : 0;
        take(durable, unsynced, next);
      }
    }
    assertEquals(history.states.size() - 1, acknowledged);
    assertTrue(rewritten > 6, "the file has not been written anew, " + rewritten);
  }

  private static String text(Operation operation) {
    return operation instanceof Operation.Write w
        ? "Write %d bytes at %d of file %d".formatted(w.bytes().length, w.at(), w.file())
        : operation.toString();
  }

  private static Image afterPowerLoss(
      Image durable, List<Operation> unsynced, int variant, Random random) {
    Image image = durable.copy();
    boolean namesKept = variant != NOTHING;
    for (Operation operation : unsynced) {
      switch (operation) {
        case Operation.Name name -> {
          namesKept &= variant == ALL || random.nextInt(4) != 0;
          if (namesKept) {
            image.apply(name);
          }
        }
        case Operation.Write write -> {
          if (variant == ALL || (variant != NOTHING && random.nextBoolean())) {
            image.apply(write);
          } else if (variant != NOTHING) {
            image.applyTorn(write, random);
          }
        }
        case Operation.Truncate truncate -> {
          if (variant == ALL || (variant != NOTHING && random.nextBoolean())) {
            image.apply(truncate);
          }
        }
        case Operation.Sync _, Operation.SyncDirectory _ -> {}
      }
    }
    return image;
  }

  /** A file's sync makes its writes durable, the directory's the names. */
  private static void take(Image durable, List<Operation> unsynced, Operation next) {
    unsynced.add(next);
    if (next instanceof Operation.Sync || next instanceof Operation.SyncDirectory) {
      unsynced.removeIf(operation -> {
        boolean synced =
            switch (operation) {
              case Operation.Write write ->
                  next instanceof Operation.Sync sync && sync.file() == write.file();
              case Operation.Truncate truncate ->
                  next instanceof Operation.Sync sync && sync.file() == truncate.file();
              case Operation.Name _ -> next instanceof Operation.SyncDirectory;
              case Operation.Sync _, Operation.SyncDirectory _ -> true;
            };
        if (synced) {
          durable.apply(operation);
        }
        return synced;
      });
    }
  }
}
