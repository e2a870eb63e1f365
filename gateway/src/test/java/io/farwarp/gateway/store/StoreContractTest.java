package io.farwarp.gateway.store;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.gateway.store.Store.Change.Delete;
import io.farwarp.gateway.store.Store.Change.Put;
import io.farwarp.gateway.store.Store.Condition;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What every {@link Store} promises. */
abstract class StoreContractTest {
  private Store store;

  /** Opens the store of this test; again after {@link Store#close}, with what it holds. */
  abstract Store open() throws IOException;

  /** Times to live see {@code ns} pass. */
  abstract void pass(long ns);

  @BeforeEach
  void openStore() throws IOException {
    store = open();
  }

  @AfterEach
  void closeStore() throws IOException {
    store.close();
  }

  private void reopen() throws IOException {
    store.close();
    store = open();
  }

  static Put put(String key, String value) {
    return new Put(key, value.getBytes(UTF_8));
  }

  private void commit(Store.Change... changes) throws IOException {
    assertTrue(store.commit(List.of(), List.of(changes)));
  }

  static List<String> texts(List<Store.Entry> entries) {
    return entries.stream()
        .map(each -> each.key() + "=" + new String(each.value(), UTF_8))
        .toList();
  }

  @Test
  void what_was_put_is_there_in_order_and_after_opening_again() throws IOException {
    commit(put("lease/b", "2"), put("lease/a", "1"), put("lease", "none"), put("tenant/a", "t"));
    commit(put("lease/b", "3"), new Delete("tenant/a"), new Delete("no such key"));
    for (int i = 0; i < 2; i++) {
      assertEquals(List.of("lease/a=1", "lease/b=3"), texts(store.range("lease/")));
      assertEquals(List.of("lease=none", "lease/a=1", "lease/b=3"), texts(store.range("")));
      assertEquals(List.of(), store.range("tenant/"));
      reopen();
    }
  }

  @Test
  void revision_of_a_key_is_that_of_the_transaction_that_put_it() throws IOException {
    commit(put("a", "1"), put("b", "1"));
    commit(put("b", "2"));
    long first = store.range("a").getFirst().revision();
    long second = store.range("b").getFirst().revision();
    assertTrue(first > 0 && second == first + 1, first + " and " + second);
    reopen();
    assertEquals(second, store.range("b").getFirst().revision());
    commit(put("a", "3"));
    assertEquals(second + 1, store.range("a").getFirst().revision());
  }

  @Test
  void conditions_that_do_not_hold_leave_everything_as_it_was() throws IOException {
    assertTrue(store.commit(List.of(new Condition("a", 0)), List.of(put("a", "1"))));
    assertFalse(
        store.commit(List.of(new Condition("a", 0)), List.of(put("a", "2"), put("b", "2"))));
    long revision = store.range("a").getFirst().revision();
    assertFalse(
        store.commit(
            List.of(new Condition("a", revision), new Condition("c", 1)), List.of(put("a", "3"))));
    assertEquals(List.of("a=1"), texts(store.range("")));
    assertTrue(store.commit(List.of(new Condition("a", revision)), List.of(new Delete("a"))));
    assertTrue(store.commit(List.of(new Condition("a", 0)), List.of(put("a", "4"))));
    assertEquals(List.of("a=4"), texts(store.range("")));
  }

  @Test
  void key_with_a_time_to_live_is_gone_after_it_unless_it_is_put_anew() throws IOException {
    long second = TimeUnit.SECONDS.toNanos(1);
    commit(
        new Put("short", new byte[] {1}, second),
        new Put("kept", new byte[] {1}, second),
        new Put("forever", new byte[] {1}, second));
    List<Store.Update> updates = new ArrayList<>();
    Store.Watch watch = store.watch("short", updates::add);
    pass(second / 2);
    commit(new Put("kept", new byte[] {2}, second), put("forever", "f"));
    pass(second / 2);
    assertEquals(
        List.of("forever", "kept"), store.range("").stream().map(Store.Entry::key).toList());
    assertEquals(1, updates.size());
    assertEquals(null, updates.getFirst().value());
    assertTrue(store.commit(List.of(new Condition("short", 0)), List.of(put("short", "free"))));
    watch.close();
    pass(second);
    assertEquals(List.of("forever=f", "short=free"), texts(store.range("")));
  }

  @Test
  void time_to_live_begins_anew_when_the_store_is_opened() throws IOException {
    long second = TimeUnit.SECONDS.toNanos(1);
    commit(new Put("short", new byte[] {1}, second));
    pass(second / 2);
    reopen();
    pass(second / 2);
    assertEquals(1, store.range("short").size());
    pass(second / 2);
    assertEquals(0, store.range("short").size());
  }

  @Test
  void watch_is_told_of_changes_of_its_prefix_in_order_until_it_is_closed() throws IOException {
    commit(put("a/1", "before"));
    List<String> told = new ArrayList<>();
    Store.Watch watch =
        store.watch(
            "a/",
            update ->
                told.add(
                    update.key()
                        + "="
                        + (update.value() == null ? "" : new String(update.value(), UTF_8))));
    commit(put("a/2", "x"), put("b/1", "x"));
    commit(new Delete("a/1"), new Delete("a/none"));
    assertFalse(store.commit(List.of(new Condition("a/2", 0)), List.of(put("a/2", "y"))));
    watch.close();
    watch.close();
    commit(put("a/3", "x"));
    assertEquals(List.of("a/2=x", "a/1="), told);
  }

  @Test
  void keys_and_values_beyond_the_limits_are_refused_and_change_nothing() throws IOException {
    String longest = "k".repeat(Store.MAX_KEY_BYTES);
    commit(new Put(longest, new byte[Store.MAX_VALUE_BYTES]));
    refused(put("", "x"));
    refused(put(longest + "k", "x"));
    refused(new Put("k", new byte[Store.MAX_VALUE_BYTES + 1]));
    refused(put("a", "1"), new Delete("a"));
    assertEquals(List.of(longest), store.range("").stream().map(Store.Entry::key).toList());
  }

  private void refused(Store.Change... changes) {
    assertThrows(IllegalArgumentException.class, () -> store.commit(List.of(), List.of(changes)));
  }

  @Test
  void closed_store_answers_nothing() throws IOException {
    store.close();
    assertThrows(IOException.class, () -> store.range(""));
    assertThrows(IOException.class, () -> store.commit(List.of(), List.of(put("a", "1"))));
  }
}
