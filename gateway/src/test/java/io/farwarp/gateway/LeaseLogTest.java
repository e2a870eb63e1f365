package io.farwarp.gateway;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.v1.StoredLease;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LeaseLogTest {
  @TempDir Path directory;

  private Path file() {
    return directory.resolve("leases.log");
  }

  private static StoredLease lease(String id, int renewal) {
    return StoredLease.newBuilder().setLeaseId(id).setTenant("t").setRenewal(renewal).build();
  }

  private Set<StoredLease> kept() throws Exception {
    try (LeaseLog log = LeaseLog.open(file())) {
      return Set.copyOf(log.load());
    }
  }

  @Test
  void what_was_put_and_not_removed_is_there_after_opening_again() throws Exception {
    try (LeaseLog log = LeaseLog.open(file())) {
      log.update(List.of(lease("a", 0), lease("b", 0)), List.of());
      log.update(List.of(lease("a", 1)), List.of("b"));
      log.update(List.of(lease("c", 0)), List.of("no-such-lease"));
    }
    assertEquals(Set.of(lease("a", 1), lease("c", 0)), kept());
  }

  /** The file is cut at every length, as a crash in the middle of a write may leave it. */
  @Test
  void log_cut_anywhere_keeps_every_change_that_is_whole() throws Exception {
    List<Long> ends = new ArrayList<>();
    byte[] whole;
    try (LeaseLog log = LeaseLog.open(file())) {
      ends.add(Files.size(file()));
      log.update(List.of(lease("a", 0)), List.of());
      ends.add(Files.size(file()));
      log.update(List.of(lease("a", 1)), List.of());
      ends.add(Files.size(file()));
      log.update(List.of(), List.of("a"));
      ends.add(Files.size(file()));
      log.update(List.of(lease("b", 0)), List.of());
      ends.add(Files.size(file()));
      whole = Files.readAllBytes(file());
    }
    List<Set<StoredLease>> expected =
        List.of(
            Set.of(),
            Set.of(lease("a", 0)),
            Set.of(lease("a", 1)),
            Set.of(),
            Set.of(lease("b", 0)));
    for (int length = Math.toIntExact(ends.getFirst()); length <= whole.length; length++) {
      Files.write(file(), Arrays.copyOf(whole, length));
      int changes = 0;
      while (changes + 1 < ends.size() && ends.get(changes + 1) <= length) {
        changes++;
      }
      assertEquals(expected.get(changes), kept(), "cut at " + length);
    }
  }

  @Test
  void update_of_any_size_is_written_lease_by_lease() throws Exception {
    List<StoredLease> large = new ArrayList<>();
    for (int i = 0; i < 70; i++) {
      large.add(lease("lease-" + i, 0).toBuilder().setDeviceName("x".repeat(1 << 20)).build());
    }
    try (LeaseLog log = LeaseLog.open(file())) {
      log.update(large, List.of());
      log.update(List.of(lease("small", 0)), List.of());
    }
    assertTrue(Files.size(file()) > 64 << 20);
    assertEquals(71, kept().size());
  }

  @Test
  void flipped_bit_in_the_last_update_drops_that_update_only() throws Exception {
    try (LeaseLog log = LeaseLog.open(file())) {
      log.update(List.of(lease("a", 0)), List.of());
      log.update(List.of(lease("b", 0)), List.of());
    }
    byte[] bytes = Files.readAllBytes(file());
    bytes[bytes.length - 2] ^= 4;
    Files.write(file(), bytes);
    assertEquals(Set.of(lease("a", 0)), kept());
  }

  @Test
  void file_that_is_no_lease_store_is_refused_and_left_alone() throws Exception {
    Files.writeString(file(), "something else entirely");
    GatewayException refused =
        assertThrows(GatewayException.class, () -> LeaseLog.open(file()).close());
    assertTrue(String.valueOf(refused.getMessage()).contains("leases.log"));
    assertEquals("something else entirely", Files.readString(file()));
  }

  @Test
  void log_of_changes_is_written_anew_before_it_grows_without_bound() throws Exception {
    try (LeaseLog log = LeaseLog.open(file())) {
      String big = "L".repeat(64 << 10);
      for (int i = 0; i < 200; i++) {
        log.update(List.of(lease(big, i)), List.of());
      }
      assertTrue(Files.size(file()) < 2 << 20, "size " + Files.size(file()));
      assertEquals(199, log.load().iterator().next().getRenewal());
    }
    assertEquals(199, kept().iterator().next().getRenewal());
  }

  @Test
  void update_that_fails_changes_nothing_and_a_later_one_works() throws Exception {
    LeaseLog log = LeaseLog.open(file());
    log.close();
    Files.delete(file());
    Path aside = Files.move(directory, directory.resolveSibling(directory.getFileName() + "-x"));
    try {
      assertThrows(IOException.class, () -> log.update(List.of(lease("a", 0)), List.of()));
    } finally {
      Files.move(aside, directory);
    }
    // The directory is back, and so is the log.
    log.update(List.of(lease("b", 0)), List.of());
    log.close();
    assertEquals(Set.of(lease("b", 0)), kept());
  }
}
