package io.farwarp.gateway.book;

import static io.farwarp.gateway.book.BookFixture.hello;
import static io.farwarp.gateway.book.BookFixture.only;
import static io.farwarp.gateway.book.BookFixture.request;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.v1.AcquireRequest;
import io.farwarp.v1.LeaseState;
import io.farwarp.wire.Status;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Leases that were told to end: preempted, drained, revoked with grace, or in a gap. */
class ExpiringTest {
  private static final long GRACE_MS = TimeUnit.NANOSECONDS.toMillis(BookFixture.LIMITS.graceNs());

  private final BookFixture f = new BookFixture();

  private static AcquireRequest.Builder patient(long mib, int share) {
    return request(mib, share).setWaitMs(3_600_000).setDurationMs(600_000);
  }

  @Test
  void preemptible_lease_goes_for_a_request_that_is_not_after_its_grace() {
    f.attach(hello("a", 64));
    String victim = f.active("t", patient(64, 1000).setPreemptible(true));
    String waits = f.ask("u", patient(64, 1000));
    assertEquals(LeaseState.EXPIRING, f.state(victim));
    assertEquals(
        "it is preemptible, and request " + waits + " waits for its slice",
        f.lease(victim).reason());
    List<Event> renewal = f.apply(new Command.Renew(victim, TimeUnit.SECONDS.toNanos(60)));
    assertTrue(only(Event.Refused.class, renewal).getFirst().reason().contains("EXPIRING"));
    f.alive("a", GRACE_MS - 1);
    assertEquals(LeaseState.EXPIRING, f.state(victim));
    f.alive("a", 1);
    assertEquals(LeaseState.REVOKED, f.state(victim));
    assertEquals(Status.LEASE_REVOKED, f.lease(victim).status());
    assertEquals(LeaseState.QUEUED, f.state(waits));
    f.ended("a", victim);
    assertEquals(LeaseState.PREPARING, f.state(waits));
  }

  @Test
  void preempted_lease_that_its_agent_ends_first_was_revoked_all_the_same() {
    f.attach(hello("a", 64));
    String victim = f.active("t", patient(64, 1000).setPreemptible(true));
    f.ask("u", patient(64, 1000));
    f.apply(new Command.Ended("a", victim, LeaseState.EXPIRED, "its time has passed"));
    assertEquals(LeaseState.REVOKED, f.state(victim));
    assertTrue(f.lease(victim).reason().contains("preemptible"), f.lease(victim).reason());
  }

  @Test
  void fewest_and_youngest_go_and_only_as_many_as_are_wanted() {
    f.attach(hello("a", 64));
    f.attach(hello("b", 64));
    String old = f.active("t", patient(32, 500).setPreemptible(true).setClientHostId("host-of-a"));
    String young =
        f.active("t", patient(32, 500).setPreemptible(true).setClientHostId("host-of-a"));
    String large = f.active("t", patient(64, 1000).setPreemptible(true));
    String kept = f.ask("u", patient(16, 100));
    assertEquals(
        LeaseState.EXPIRING, f.state(young), "one of either executor would do; a is first");
    assertEquals(LeaseState.ACTIVE, f.state(old));
    assertEquals(LeaseState.ACTIVE, f.state(large));
    // Another has to have another executor's.
    String second = f.ask("v", patient(64, 1000));
    assertEquals(LeaseState.EXPIRING, f.state(large));
    assertEquals(LeaseState.ACTIVE, f.state(old));
    f.release(young);
    assertEquals(LeaseState.PREPARING, f.state(kept));
    f.release(large);
    assertEquals(LeaseState.PREPARING, f.state(second));
  }

  @Test
  void what_is_not_preemptible_stays_and_what_is_preempts_nothing() {
    f.attach(hello("a", 64));
    String holder = f.active("t", patient(40, 500));
    String small = f.active("t", patient(24, 500).setPreemptible(true));
    f.ask("u", patient(64, 1000));
    f.ask("u", patient(24, 500).setPreemptible(true));
    assertEquals(LeaseState.ACTIVE, f.state(holder));
    // It would not help.
    assertEquals(LeaseState.ACTIVE, f.state(small));
  }

  @Test
  void drained_executor_takes_nothing_new_and_its_leases_end_at_the_deadline() {
    f.attach(hello("a", 64));
    String id = f.active("t", patient(8, 100));
    String preparing = f.ask("t", patient(8, 100));
    f.apply(new Command.Drain("a", TimeUnit.SECONDS.toNanos(30), "for a new driver"));
    assertEquals(LeaseState.EXPIRING, f.state(id));
    assertEquals(LeaseState.REVOKED, f.state(preparing));
    assertEquals("cordoned", f.book.executor("a").stateText());
    String waits = f.ask("t", patient(8, 100));
    assertEquals(LeaseState.QUEUED, f.state(waits));
    f.alive("a", 30_000);
    assertEquals(LeaseState.REVOKED, f.state(id));
    assertEquals("for a new driver", f.lease(id).reason());
    f.ended("a", id);
    f.ended("a", preparing);
    // Its agent's restart changes nothing.
    f.attach(hello("a", 64).setIncarnation(BookFixture.bytes(16, 2)));
    assertEquals(LeaseState.QUEUED, f.state(waits));
    f.apply(new Command.Uncordon("a"));
    assertEquals(LeaseState.PREPARING, f.state(waits));
  }

  @Test
  void cordoned_executor_keeps_its_leases_and_their_renewals() {
    f.attach(hello("a", 64));
    String id = f.active("t", patient(8, 100));
    f.apply(new Command.Cordon("a", "looked at"));
    f.apply(new Command.Renew(id, TimeUnit.SECONDS.toNanos(900)));
    f.alive("a", 800_000);
    assertEquals(LeaseState.ACTIVE, f.state(id));
    List<Event> unknown = f.apply(new Command.Cordon("b", ""));
    assertEquals(Status.OUT_OF_RANGE, only(Event.Refused.class, unknown).getFirst().status());
    unknown = f.apply(new Command.Uncordon("b"));
    assertEquals(Status.OUT_OF_RANGE, only(Event.Refused.class, unknown).getFirst().status());
  }

  @Test
  void revoked_with_grace_a_lease_ends_no_later_than_its_own_deadline() {
    f.attach(hello("a", 64));
    String id = f.active("t", patient(8, 100).setDurationMs(20_000));
    f.apply(new Command.Revoke(id, TimeUnit.SECONDS.toNanos(30), "by an operator"));
    assertEquals(LeaseState.EXPIRING, f.state(id));
    f.alive("a", 20_000);
    assertEquals(LeaseState.REVOKED, f.state(id));
  }

  @Test
  void expiring_lease_can_be_used_and_its_functions_prepared() {
    f.attach(hello("a", 64));
    String id = f.active("t", patient(8, 100));
    f.apply(new Command.Revoke(id, TimeUnit.SECONDS.toNanos(30), "by an operator"));
    List<Event> events =
        f.apply(
            new Command.PrepareFunction(
                id, io.farwarp.v1.FunctionVersion.newBuilder().setName("f").build()));
    assertEquals(1, only(Event.PrepareFunction.class, events).size());
  }

  @Test
  void short_request_passes_one_that_waits_for_what_is_held_for_longer() {
    f.attach(hello("a", 64));
    f.active("t", patient(48, 500));
    String large = f.ask("u", patient(64, 1000));
    String tooLong = f.ask("v", patient(8, 100));
    String quick = f.ask("w", patient(8, 100).setDurationMs(60_000));
    f.alive("a", 2_000);
    assertEquals(LeaseState.QUEUED, f.state(large));
    assertEquals(LeaseState.QUEUED, f.state(tooLong));
    assertEquals(LeaseState.PREPARING, f.state(quick));
  }

  @Test
  void request_too_long_for_a_gap_makes_no_way_for_another_one_behind_it() {
    f.attach(hello("a", 64));
    f.active("t", patient(48, 500));
    String large = f.ask("u", patient(64, 1000));
    String tooLong = f.ask("v", patient(8, 100));
    String another = f.ask("w", patient(4, 100));
    f.alive("a", 2_000);
    assertEquals(LeaseState.QUEUED, f.state(large));
    assertEquals(LeaseState.QUEUED, f.state(tooLong));
    assertEquals(LeaseState.QUEUED, f.state(another));
  }

  @Test
  void lease_in_a_gap_is_renewed_no_further_than_the_request_before_it_may_wait() {
    f.attach(hello("a", 64));
    String holder = f.active("t", patient(48, 500));
    String large = f.ask("u", patient(64, 1000));
    String quick = f.ask("w", patient(8, 100).setDurationMs(60_000));
    f.alive("a", 2_000);
    f.prepared("a", quick);
    f.apply(new Command.Renew(quick, TimeUnit.SECONDS.toNanos(300)));
    assertEquals(LeaseState.ACTIVE, f.state(quick));
    f.apply(new Command.Renew(quick, TimeUnit.SECONDS.toNanos(3_600)));
    assertEquals(LeaseState.EXPIRING, f.state(quick));
    assertTrue(f.lease(quick).reason().contains(large), f.lease(quick).reason());
    assertTrue(f.lease(quick).holdUntilNs() <= f.lease(holder).holdUntilNs());
    f.alive("a", 660_000);
    assertEquals(LeaseState.EXPIRED, f.state(quick));
  }

  @Test
  void lease_in_a_gap_is_renewed_as_any_other_once_no_one_waits_before_it() {
    f.attach(hello("a", 64));
    f.active("t", patient(48, 500));
    String large = f.ask("u", patient(64, 1000));
    String quick = f.ask("w", patient(8, 100).setDurationMs(60_000));
    f.alive("a", 2_000);
    f.prepared("a", quick);
    f.apply(new Command.Release(large, "withdrawn"));
    f.apply(new Command.Renew(quick, TimeUnit.SECONDS.toNanos(3_600)));
    assertEquals(LeaseState.ACTIVE, f.state(quick));
  }
}
