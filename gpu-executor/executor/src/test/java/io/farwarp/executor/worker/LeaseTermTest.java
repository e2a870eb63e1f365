package io.farwarp.executor.worker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.executor.worker.LeaseTerm.Effect;
import io.farwarp.v1.ExtendLease;
import io.farwarp.v1.LeaseToken;
import io.farwarp.v1.PrepareLease;
import org.junit.jupiter.api.Test;

final class LeaseTermTest {
  private static final long MS = 1_000_000;
  private static final long ISSUED_MS = 1_000_000;

  /** Arrived when this host's clock showed -5 s, to last for 10 s. */
  private static final long ARRIVED_NS = -5_000 * MS;

  private final LeaseTerm term =
      new LeaseTerm(
          PrepareLease.newBuilder().setTtlMs(10_000).setIssuedAtUnixMs(ISSUED_MS).build(),
          ARRIVED_NS);

  private static LeaseToken token(int renewal, long expiresMs) {
    return LeaseToken.newBuilder()
        .setRenewal(renewal)
        .setExpiresAtUnixMs(ISSUED_MS + expiresMs)
        .build();
  }

  @Test
  void time_counts_from_arrival() {
    assertFalse(term.hasPassed(4_999 * MS));
    assertTrue(term.hasPassed(5_000 * MS));
    assertEquals(1_000, term.leftMs(4_000 * MS));
    assertEquals(0, term.leftMs(6_000 * MS));
  }

  @Test
  void a_token_moves_the_deadline_on_and_never_back() {
    assertEquals(Effect.ACCEPTED, term.accept(token(1, 20_000), 0));
    assertFalse(term.hasPassed(14_999 * MS));
    assertEquals(Effect.ACCEPTED, term.accept(token(2, 15_000), 0));
    assertFalse(term.hasPassed(14_999 * MS));
    assertTrue(term.hasPassed(15_000 * MS));
  }

  @Test
  void an_older_token_than_one_seen_is_outdated() {
    assertEquals(Effect.ACCEPTED, term.accept(token(3, 20_000), 0));
    assertEquals(Effect.OUTDATED, term.accept(token(2, 90_000), 0));
    assertEquals(Effect.ACCEPTED, term.accept(token(3, 20_000), 0));
    assertTrue(term.hasPassed(15_000 * MS));
  }

  @Test
  void a_token_that_has_expired_changes_nothing() {
    assertEquals(Effect.EXPIRED, term.accept(token(5, 1_000), 0));
    assertEquals(Effect.ACCEPTED, term.accept(token(0, 10_000), 0));
  }

  @Test
  void the_agent_sets_the_deadline_also_back_and_with_it_the_gateway_s_time() {
    term.set(
        ExtendLease.newBuilder().setTtlMs(2_000).setExpiresAtUnixMs(ISSUED_MS + 102_000).build(),
        0);
    assertTrue(term.hasPassed(2_000 * MS));
    assertEquals(Effect.ACCEPTED, term.accept(token(1, 105_000), 0));
    assertFalse(term.hasPassed(4_999 * MS));
    assertTrue(term.hasPassed(5_000 * MS));
  }

  @Test
  void absurd_times_overflow_nothing() {
    assertEquals(Effect.ACCEPTED, term.accept(token(1, Long.MAX_VALUE / 2), 0));
    assertFalse(term.hasPassed(1_000_000 * MS));
    term.set(ExtendLease.newBuilder().setTtlMs(Long.MIN_VALUE).build(), 0);
    assertTrue(term.hasPassed(0));
  }
}
