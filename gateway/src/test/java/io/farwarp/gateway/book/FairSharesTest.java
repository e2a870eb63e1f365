package io.farwarp.gateway.book;

import static io.farwarp.gateway.book.BookFixture.device;
import static io.farwarp.gateway.book.BookFixture.hello;
import static io.farwarp.gateway.book.BookFixture.request;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.v1.AcquireRequest;
import io.farwarp.v1.DeviceClass;
import io.farwarp.v1.LeaseState;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class FairSharesTest {
  private static final long HOUR_MS = 3_600_000;

  private final BookFixture f = new BookFixture();

  private static AcquireRequest.Builder patient(long mib, int share) {
    return request(mib, share).setWaitMs(HOUR_MS).setDurationMs(HOUR_MS);
  }

  @Test
  void flood_of_one_tenant_does_not_stand_before_another_tenant() {
    f.attach(hello("a", 64));
    String holds = f.active("flood", patient(64, 1000));
    List<String> flood = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      flood.add(f.ask("flood", patient(64, 1000)));
    }
    f.alive("a", 1_000);
    String other = f.ask("other", patient(64, 1000));
    assertEquals(1, f.lease(other).place());
    f.alive("a", 1_000);
    f.release(holds);
    // Neither holds anything now, and the flood asked first: once.
    assertEquals(LeaseState.PREPARING, f.state(flood.getFirst()));
    f.prepared("a", flood.getFirst());
    f.alive("a", 1_000);
    f.release(flood.getFirst());
    assertEquals(LeaseState.PREPARING, f.state(other));
    f.prepared("a", other);
    f.release(other);
    assertEquals(LeaseState.PREPARING, f.state(flood.get(1)));
  }

  @Test
  void tenant_that_was_just_served_has_not_waited_however_old_its_requests_are() {
    f.attach(hello("a", 64));
    String holds = f.active("holder", patient(64, 1000));
    String first = f.ask("early", patient(64, 1000));
    String second = f.ask("early", patient(64, 1000));
    f.alive("a", 60_000);
    String late = f.ask("late", patient(64, 1000));
    f.alive("a", 1_000);
    f.release(holds);
    assertEquals(LeaseState.PREPARING, f.state(first));
    f.prepared("a", first);
    f.alive("a", 1_000);
    f.release(first);
    assertEquals(LeaseState.PREPARING, f.state(late));
    assertEquals(LeaseState.QUEUED, f.state(second));
  }

  @Test
  void what_a_tenant_holds_most_of_is_what_counts() {
    f.attach(
        hello("a", 1_000).clearDevices().addDevices(device("ptx-0", DeviceClass.PTX_CPU, 1_000)));
    String filler = f.active("filler", patient(400, 400));
    f.active("bytes", patient(500, 10));
    f.active("compute", patient(10, 300));
    // Half of the memory is more than three tenths of the compute.
    String ofBytes = f.ask("bytes", patient(200, 400));
    String ofCompute = f.ask("compute", patient(200, 400));
    assertEquals(1, f.lease(ofCompute).place());
    assertTrue(f.lease(ofBytes).reason().contains("largest free slice"), f.lease(ofBytes).reason());
    f.release(filler);
    assertEquals(LeaseState.PREPARING, f.state(ofCompute));
    assertEquals(LeaseState.QUEUED, f.state(ofBytes));
  }

  @Test
  void long_wait_outweighs_what_a_tenant_holds() {
    f.attach(hello("a", 64));
    f.active("half", patient(32, 500));
    String filler = f.active("filler", patient(32, 500));
    String patient = f.ask("half", patient(32, 500));
    // Half of the fleet is outweighed by half of the time.
    f.alive("a", FairShares.AGEING_NS / 2_000_000 - 1_000);
    String newcomer = f.ask("new", patient(32, 500));
    assertEquals(1, f.lease(newcomer).place());
    f.alive("a", 600_000);
    f.release(filler);
    assertEquals(LeaseState.QUEUED, f.state(patient));
    f.prepared("a", newcomer);
    String later = f.ask("later", patient(32, 500));
    f.alive("a", 1_000);
    f.release(newcomer);
    assertEquals(LeaseState.PREPARING, f.state(patient));
    assertEquals(LeaseState.QUEUED, f.state(later));
  }

  @Test
  void priority_orders_a_tenants_own_requests_and_gives_way_to_age() {
    f.attach(hello("a", 64));
    String holds = f.active("t", patient(64, 1000));
    String other = f.ask("other", patient(64, 1000));
    String old = f.ask("t", patient(64, 1000));
    f.alive("a", 59_000);
    String urgent = f.ask("t", patient(64, 1000).setPriority(1));
    assertEquals(2, f.lease(urgent).place());
    f.alive("a", 2_000);
    String late = f.ask("t", patient(64, 1000).setPriority(1));
    f.alive("a", 2_000);
    assertEquals(
        List.of(1, 2, 3, 4),
        List.of(other, urgent, old, late).stream().map(id -> f.lease(id).place()).toList());
    f.release(holds);
    assertEquals(LeaseState.PREPARING, f.state(other));
  }

  @Test
  void reason_of_one_that_waits_behind_others_names_what_its_tenant_holds() {
    f.attach(hello("a", 64));
    f.active("much", patient(16, 250));
    f.ask("none", patient(64, 1000));
    String behind = f.ask("much", patient(2, 10));
    assertEquals(
        "1 requests are before it, some of them for the same executors; tenant much holds 25.0 % of"
            + " the fleet's CPU device compute, more than of anything else: who holds least is next",
        f.lease(behind).reason());
  }

  @Test
  void tenants_that_always_ask_come_to_hold_the_same_in_any_history() {
    for (long seed = 1; seed <= 20; seed++) {
      history(new BookFixture(), new Random(seed), seed);
    }
  }

  /** Tenant 0 has ten requests waiting, the others one; four leases fit, and end in any order. */
  private static void history(BookFixture f, Random random, long seed) {
    f.attach(hello("a", 64));
    for (int round = 0; round < 200; round++) {
      for (int tenant = 0; tenant < 4; tenant++) {
        String name = "t" + tenant;
        for (int i = f.of(name, LeaseState.QUEUED).size(); i < (tenant == 0 ? 10 : 1); i++) {
          f.ask(name, patient(16, 250));
        }
      }
      List<Lease> granted = new ArrayList<>();
      for (int tenant = 0; tenant < 4; tenant++) {
        List<Lease> own = f.of("t" + tenant, LeaseState.PREPARING);
        granted.addAll(own);
        assertTrue(round < 100 || own.size() == 1, "seed " + seed + ", round " + round);
      }
      f.alive("a", 500);
      Lease ends = granted.get(random.nextInt(granted.size()));
      f.apply(new Command.Release(ends.id(), "done"));
      f.ended("a", ends.id());
    }
  }
}
