package io.farwarp.gateway.book;

import static io.farwarp.gateway.book.BookFixture.MIB;
import static io.farwarp.gateway.book.BookFixture.hello;
import static io.farwarp.gateway.book.BookFixture.only;
import static io.farwarp.gateway.book.BookFixture.request;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.v1.AcquireRequest;
import io.farwarp.v1.LeaseState;
import io.farwarp.v1.TenantPolicy;
import io.farwarp.wire.Status;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class QuotaTest {
  private final BookFixture f = new BookFixture();

  @BeforeEach
  void attach() {
    f.attach(hello("a", 64));
  }

  private void set(TenantPolicy.Builder policy) {
    f.apply(new Command.SetTenant(policy.setTenant("t").build(), false));
  }

  private static AcquireRequest.Builder small() {
    return request(2, 100);
  }

  private Event.Refused refusal(AcquireRequest.Builder request) {
    List<Event> events =
        f.apply(new Command.Request("L-refused", "t", new LeaseSpec(request.build()), List.of()));
    return only(Event.Refused.class, events).getFirst();
  }

  @Test
  void request_over_the_quota_of_leases_waits_for_one_of_its_tenants_own_and_delays_no_one() {
    set(TenantPolicy.newBuilder().setMaxLeases(2));
    String first = f.ask(small());
    f.ask(small());
    String third = f.ask(small());
    assertEquals(LeaseState.QUEUED, f.state(third));
    assertEquals(
        "tenant t holds 2 leases, and 2 is its quota (max_leases): it waits for one of these to end",
        f.lease(third).reason());
    assertEquals(LeaseState.PREPARING, f.state(f.ask("other", request(48, 500))));
    f.release(first);
    assertEquals(LeaseState.PREPARING, f.state(third));
  }

  @Test
  void request_that_may_not_wait_fails_with_the_quota_and_the_use() {
    set(TenantPolicy.newBuilder().setMaxLeases(1));
    f.ask(small());
    String second = f.ask(small().setWaitMs(0));
    assertEquals(LeaseState.FAILED, f.state(second));
    assertEquals(Status.RESOURCE_EXHAUSTED, f.lease(second).status());
    assertTrue(f.lease(second).reason().contains("max_leases"), f.lease(second).reason());
  }

  @Test
  void windows_of_a_tenant_stay_within_its_quota_of_bytes() {
    set(TenantPolicy.newBuilder().setMaxWindowBytes(20 * MIB));
    Event.Refused refused = refusal(request(24, 100));
    assertEquals(Status.RESOURCE_EXHAUSTED, refused.status());
    assertEquals(
        "tenant t may hold 20.0 MiB of windows (quota max_window_bytes), and this asks for 24.0 MiB:"
            + " ask for less",
        refused.reason());
    String first = f.ask(request(16, 100));
    String second = f.ask(request(8, 100));
    assertEquals(LeaseState.QUEUED, f.state(second));
    // What its tenant waits for keeps its order: this one would fit.
    String third = f.ask(request(2, 100));
    assertEquals(LeaseState.QUEUED, f.state(third));
    f.release(first);
    assertEquals(LeaseState.PREPARING, f.state(second));
    assertEquals(LeaseState.PREPARING, f.state(third));
  }

  @Test
  void device_time_is_share_times_active_time_and_ends_with_the_quota() {
    set(TenantPolicy.newBuilder().setMaxDeviceSeconds(90));
    String whole = f.ask(request(2, 500));
    f.alive("a", 5_000);
    f.prepared("a", whole);
    f.alive("a", 20_000);
    // Half of a device for 20 s, of 60 s; preparing it is free.
    assertEquals(seconds(10), f.book.account("t").deviceNs(f.nowNs));
    // 30 s of the first, and 60 s of this: all that there is.
    String second = f.ask(request(2, 500).setDurationMs(120_000));
    assertEquals(LeaseState.PREPARING, f.state(second));
    String third = f.ask(request(2, 100).setDurationMs(1_000));
    assertTrue(f.lease(third).reason().contains("max_device_seconds"), f.lease(third).reason());
    List<Event> renewal = f.apply(new Command.Renew(whole, seconds(60)));
    assertTrue(
        only(Event.Refused.class, renewal).getFirst().reason().contains("max_device_seconds"));
    f.release(second);
    assertEquals(LeaseState.PREPARING, f.state(third));
    f.release(third);
    f.alive("a", 40_000);
    f.ended("a", whole);
    assertEquals(LeaseState.EXPIRED, f.state(whole));
    assertEquals(seconds(30), f.book.account("t").deviceNs(f.nowNs));
    Event.Refused refused = refusal(request(2, 1000).setDurationMs(61_000));
    assertEquals(
        "tenant t has used 30 of its 90 device-seconds (quota max_device_seconds), and this asks for"
            + " up to 61: ask for a shorter time or a smaller share",
        refused.reason());
  }

  @Test
  void use_that_is_reset_counts_from_now_on_also_for_leases_that_run() {
    String id = f.ask(request(2, 1000));
    f.prepared("a", id);
    f.alive("a", 20_000);
    f.apply(
        new Command.SetTenant(
            TenantPolicy.newBuilder().setTenant("t").setMaxDeviceSeconds(50).build(), true));
    assertEquals(0, f.book.account("t").deviceNs(f.nowNs));
    f.alive("a", 10_000);
    assertEquals(seconds(10), f.book.account("t").deviceNs(f.nowNs));
    f.release(id);
    assertEquals(seconds(10), f.book.account("t").deviceNs(f.nowNs));
    f.alive("a", 10_000);
    assertEquals(seconds(10), f.book.account("t").deviceNs(f.nowNs));
  }

  @Test
  void requests_beyond_so_many_a_second_are_refused_and_say_when_to_come_again() {
    set(TenantPolicy.newBuilder().setMaxRequestsPerSecond(2));
    f.ask(small());
    f.ask(small());
    Event.Refused refused = refusal(small());
    assertEquals(Status.RESOURCE_EXHAUSTED, refused.status());
    assertEquals(
        "tenant t asks more often than 2 times a second, its quota (max_requests_per_second): try"
            + " again in 500 ms",
        refused.reason());
    f.after(500);
    assertEquals(LeaseState.PREPARING, f.state(f.ask(small())));
    assertEquals(Status.RESOURCE_EXHAUSTED, refusal(small()).status());
    assertEquals(LeaseState.PREPARING, f.state(f.ask("other", small())));
  }

  @Test
  void tenant_of_twice_the_weight_comes_to_hold_twice_as_much() {
    f.apply(
        new Command.SetTenant(
            TenantPolicy.newBuilder().setTenant("heavy").setWeight(2).build(), false));
    List<String> held = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      for (String tenant : List.of("heavy", "light")) {
        String id = f.ask(tenant, request(10, 160).setWaitMs(3_600_000));
        if (f.state(id) == LeaseState.PREPARING) {
          held.add(id);
        }
      }
    }
    for (int i = 0; i < 12; i++) {
      f.alive("a", 1_000);
      f.release(held.removeFirst());
      f.book.leases().stream()
          .filter(lease -> lease.state() == LeaseState.PREPARING && !held.contains(lease.id()))
          .forEach(lease -> held.add(lease.id()));
      if (f.of("light", LeaseState.QUEUED).isEmpty()
          || f.of("heavy", LeaseState.QUEUED).isEmpty()) {
        break;
      }
    }
    assertEquals(4, f.of("heavy", LeaseState.PREPARING).size());
    assertEquals(2, f.of("light", LeaseState.PREPARING).size());
  }

  @Test
  void policies_beyond_the_limits_are_refused_by_field() {
    assertRefused("tenant", TenantPolicy.newBuilder().setTenant("../t"));
    assertRefused("weight", TenantPolicy.newBuilder().setTenant("t").setWeight(1001));
    assertRefused("max_leases", TenantPolicy.newBuilder().setTenant("t").setMaxLeases(-1));
    assertRefused(
        "max_window_bytes", TenantPolicy.newBuilder().setTenant("t").setMaxWindowBytes(-1));
    assertRefused(
        "max_device_seconds",
        TenantPolicy.newBuilder().setTenant("t").setMaxDeviceSeconds(Long.MAX_VALUE));
    assertRefused(
        "max_requests_per_second",
        TenantPolicy.newBuilder().setTenant("t").setMaxRequestsPerSecond(-1));
  }

  private static void assertRefused(String field, TenantPolicy.Builder policy) {
    IllegalArgumentException refused =
        assertThrows(
            IllegalArgumentException.class, () -> new Command.SetTenant(policy.build(), false));
    assertTrue(String.valueOf(refused.getMessage()).contains(field), refused.getMessage());
  }

  private static long seconds(long seconds) {
    return TimeUnit.SECONDS.toNanos(seconds);
  }
}
