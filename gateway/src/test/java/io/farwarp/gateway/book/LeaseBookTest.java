package io.farwarp.gateway.book;

import static io.farwarp.gateway.book.BookFixture.LIMITS;
import static io.farwarp.gateway.book.BookFixture.MIB;
import static io.farwarp.gateway.book.BookFixture.bytes;
import static io.farwarp.gateway.book.BookFixture.device;
import static io.farwarp.gateway.book.BookFixture.held;
import static io.farwarp.gateway.book.BookFixture.hello;
import static io.farwarp.gateway.book.BookFixture.only;
import static io.farwarp.gateway.book.BookFixture.request;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.v1.AcquireRequest;
import io.farwarp.v1.AgentHello;
import io.farwarp.v1.DeviceClass;
import io.farwarp.v1.FunctionPrepared;
import io.farwarp.v1.FunctionVersion;
import io.farwarp.v1.HeldLease;
import io.farwarp.v1.LeasePrepared;
import io.farwarp.v1.LeaseState;
import io.farwarp.v1.StoredLease;
import io.farwarp.wire.Status;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class LeaseBookTest {
  private final BookFixture f = new BookFixture();

  private String active(long mib, int share) {
    String id = f.ask(request(mib, share));
    f.prepared(f.executorOf(id), id);
    assertEquals(LeaseState.ACTIVE, f.state(id));
    return id;
  }

  @Test
  void request_is_granted_prepared_and_active() {
    f.attach(hello("a", 64));
    List<Event> events =
        f.apply(new Command.Request("L", "t", new LeaseSpec(request(3, 500).build()), List.of()));
    assertEquals(1, only(Event.Prepare.class, events).size());
    assertEquals(LeaseState.PREPARING, f.state("L"));
    List<Event> active = f.prepared("a", "L");
    assertEquals(LeaseState.ACTIVE, f.state("L"));
    assertEquals(TimeUnit.SECONDS.toNanos(60), only(Event.Extend.class, active).getFirst().ttlNs());
    // 3 MiB are rounded up to pages of 2 MiB.
    assertEquals(4 * MIB, f.book.executor("a").usedBytes());
  }

  @Test
  void released_slice_is_granted_again_only_when_its_agent_has_confirmed() {
    f.attach(hello("a", 64));
    String first = active(64, 1000);
    String second = f.ask(request(64, 1000));
    List<Event> events = f.apply(new Command.Release(first, "released"));
    assertEquals(1, only(Event.End.class, events).size());
    assertEquals(LeaseState.RELEASED, f.state(first));
    assertEquals(LeaseState.QUEUED, f.state(second));
    f.ended("a", first);
    assertEquals(LeaseState.PREPARING, f.state(second));
  }

  @Test
  void slice_that_is_never_confirmed_is_free_when_its_agents_deadline_and_the_skew_have_passed() {
    f.attach(hello("a", 64));
    String first = active(64, 1000);
    f.alive("a", 30_000);
    f.apply(new Command.Release(first, "released"));
    String second = f.ask(request(64, 1000).setWaitMs(3_600_000));
    // The agent was once told 60 s and the time to prepare, 60 s.
    long boundMs = 120_000 + TimeUnit.NANOSECONDS.toMillis(LIMITS.skewNs()) - 30_000;
    f.alive("a", boundMs - 1);
    assertEquals(LeaseState.QUEUED, f.state(second));
    f.alive("a", 1);
    assertEquals(LeaseState.PREPARING, f.state(second));
  }

  @Test
  void heartbeats_count_from_when_they_came_however_late_the_book_learns_of_them() {
    f.attach(hello("a", 64));
    f.attach(hello("b", 64));
    f.attach(hello("c", 64));
    String onA = active(64, 1000);
    long startNs = f.nowNs;
    f.nowNs = startNs + TimeUnit.SECONDS.toNanos(5);
    f.apply(
        new Command.Heartbeats(
            Map.of(
                "a", startNs + TimeUnit.MILLISECONDS.toNanos(2_001),
                "b", startNs + TimeUnit.SECONDS.toNanos(4),
                "c", startNs + TimeUnit.SECONDS.toNanos(2))));
    assertEquals(LeaseState.ACTIVE, f.state(onA));
    assertEquals("attached", f.book.executor("b").stateText());
    assertEquals("silent", f.book.executor("c").stateText());
    f.after(1);
    assertEquals(LeaseState.LOST, f.state(onA));
  }

  @Test
  void expired_lease_releases_its_window() {
    f.attach(hello("a", 64));
    String id = active(64, 1000);
    f.alive("a", 59_999);
    assertEquals(LeaseState.ACTIVE, f.state(id));
    List<Event> events = f.after(1);
    assertEquals(LeaseState.EXPIRED, f.state(id));
    assertEquals(Status.LEASE_EXPIRED, f.lease(id).status());
    assertEquals(LeaseState.EXPIRED, only(Event.End.class, events).getFirst().state());
    f.ended("a", id);
    assertEquals(0, f.book.executor("a").usedBytes());
  }

  @Test
  void renewal_moves_the_deadline_and_never_back() {
    f.attach(hello("a", 64));
    String id = active(2, 1000);
    f.alive("a", 30_000);
    f.apply(new Command.Renew(id, TimeUnit.SECONDS.toNanos(60)));
    f.apply(new Command.Renew(id, TimeUnit.SECONDS.toNanos(1)));
    assertEquals(2, f.lease(id).renewal());
    f.alive("a", 59_999);
    assertEquals(LeaseState.ACTIVE, f.state(id));
    f.alive("a", 1);
    assertEquals(LeaseState.EXPIRED, f.state(id));
    List<Event> late = f.apply(new Command.Renew(id, TimeUnit.SECONDS.toNanos(60)));
    assertEquals(Status.LEASE_EXPIRED, only(Event.Refused.class, late).getFirst().status());
  }

  @Test
  void requests_are_granted_in_order_and_a_small_one_does_not_pass_a_large_one() {
    f.attach(hello("a", 64));
    String holder = active(40, 100);
    String large = f.ask(request(64, 100));
    String small = f.ask(request(2, 100));
    assertEquals(LeaseState.QUEUED, f.state(small));
    assertEquals(1, f.lease(large).place());
    assertEquals(2, f.lease(small).place());
    f.apply(new Command.Release(holder, ""));
    f.ended("a", holder);
    assertEquals(LeaseState.PREPARING, f.state(large));
    assertEquals(LeaseState.QUEUED, f.state(small));
  }

  @Test
  void workers_of_a_lease_want_a_share_each() {
    f.attach(hello("a", 64));
    List<Event> events =
        f.apply(
            new Command.Request(
                "L-many", "t", new LeaseSpec(request(2, 1).setWorkers(64).build()), List.of()));
    Event.Refused refused = only(Event.Refused.class, events).getFirst();
    assertEquals(Status.INVALID_ARGUMENT, refused.status());
    assertEquals(
        "workers is 64 and share_millis 1; 64 workers want a share of at least 640 thousandths, 10"
            + " each: ask for fewer workers or a larger share",
        refused.reason());
    assertEquals(LeaseState.PREPARING, f.state(f.ask(request(2, 20).setWorkers(2))));
  }

  @Test
  void workers_on_an_executor_are_no_more_than_its_host_can_run() {
    f.attach(hello("a", 640).setMaxWorkers(3));
    String first = f.ask(request(2, 20).setWorkers(2));
    String waits = f.ask(request(2, 20).setWorkers(2));
    assertEquals(LeaseState.QUEUED, f.state(waits));
    String reason = f.lease(waits).reason();
    assertTrue(reason.contains("1 of 3 workers"), reason);
    String never = f.ask(request(2, 40).setWorkers(4).setWaitMs(0));
    assertEquals(LeaseState.FAILED, f.state(never));
    assertTrue(f.lease(never).reason().contains("no executor attached is large enough"));
    f.apply(new Command.Release(first, "released"));
    f.ended("a", first);
    assertEquals(LeaseState.PREPARING, f.state(waits));
  }

  @Test
  void waiting_for_a_gpu_delays_no_one_who_wants_a_cpu() {
    f.attach(hello("a", 64));
    String gpu = f.ask(request(2, 1000).setDeviceClass(DeviceClass.CUDA));
    String cpu = f.ask(request(2, 1000));
    assertEquals(LeaseState.QUEUED, f.state(gpu));
    assertEquals(LeaseState.PREPARING, f.state(cpu));
  }

  @Test
  void wait_limit_ends_the_request_and_says_what_was_missing() {
    f.attach(hello("a", 64));
    String id = f.ask(request(128, 1000).setWaitMs(5_000));
    f.alive("a", 5_000);
    assertEquals(LeaseState.FAILED, f.state(id));
    assertEquals(Status.RESOURCE_EXHAUSTED, f.lease(id).status());
    String reason = f.lease(id).reason();
    assertTrue(reason.contains("128.0 MiB") && reason.contains("64.0 MiB"), reason);
    assertTrue(reason.contains("executor a") && reason.contains("5000 ms"), reason);
  }

  @Test
  void request_that_may_not_wait_fails_at_once() {
    String id = f.ask(request(2, 1000).setWaitMs(0));
    assertEquals(LeaseState.FAILED, f.state(id));
    assertTrue(f.lease(id).reason().contains("no executor"), f.lease(id).reason());
  }

  @Test
  void withdrawn_request_frees_those_behind_it() {
    f.attach(hello("a", 64));
    active(40, 100);
    String large = f.ask(request(64, 100));
    String small = f.ask(request(2, 100));
    f.apply(new Command.Release(large, "withdrawn"));
    assertEquals(LeaseState.PREPARING, f.state(small));
  }

  @Test
  void same_request_twice_is_one_and_a_different_one_under_its_id_is_refused() {
    f.attach(hello("a", 64));
    AcquireRequest.Builder request = request(2, 100);
    LeaseSpec spec = new LeaseSpec(request.build());
    f.apply(new Command.Request("L-a", "t", spec, List.of()));
    List<Event> again = f.apply(new Command.Request("L-b", "t", spec, List.of()));
    assertEquals(new Event.Accepted("L-a", true), again.getFirst());
    assertNull(f.book.lease("L-b"));
    LeaseSpec other = new LeaseSpec(request.setShareMillis(200).build());
    List<Event> refused = f.apply(new Command.Request("L-c", "t", other, List.of()));
    assertEquals(Status.INVALID_ARGUMENT, only(Event.Refused.class, refused).getFirst().status());
    List<Event> otherTenant = f.apply(new Command.Request("L-d", "u", other, List.of()));
    assertEquals(new Event.Accepted("L-d", false), otherTenant.getFirst());
  }

  @Test
  void queue_is_bounded_for_each_tenant() {
    for (int i = 0; i < LIMITS.queuedPerTenant(); i++) {
      f.book.apply(
          new Command.Request("L-q" + i, "t", new LeaseSpec(request(2, 1).build()), List.of()), 1);
    }
    List<Event> refused =
        f.apply(new Command.Request("L-x", "t", new LeaseSpec(request(2, 1).build()), List.of()));
    assertEquals(Status.RESOURCE_EXHAUSTED, only(Event.Refused.class, refused).getFirst().status());
    assertEquals(LeaseState.QUEUED, f.state(f.ask("u", request(2, 1))));
  }

  @Test
  void best_fit_keeps_large_slices_whole_and_prefers_the_clients_host_and_a_gpu() {
    f.attach(hello("small", 8));
    f.attach(hello("large", 64));
    assertEquals("small", f.executorOf(f.ask(request(8, 100))));
    assertEquals("large", f.executorOf(f.ask(request(2, 100).setClientHostId("host-of-large"))));
    f.attach(hello("gpu", 64).clearDevices().addDevices(device("g", DeviceClass.CUDA, 32)));
    assertEquals("gpu", f.executorOf(f.ask(request(2, 100).setDeviceClass(DeviceClass.ANY))));
    assertEquals("large", f.executorOf(f.ask(request(48, 100).setDeviceClass(DeviceClass.ANY))));
  }

  @Test
  void silent_agents_leases_are_lost_and_its_slices_stay_held() {
    f.attach(hello("a", 64));
    String id = active(64, 1000);
    f.after(2_999);
    assertEquals(LeaseState.ACTIVE, f.state(id));
    List<Event> events = f.after(1);
    assertEquals(LeaseState.LOST, f.state(id));
    assertEquals(1, only(Event.AgentSilent.class, events).size());
    assertTrue(f.lease(id).reason().contains("silent for 3000 ms"), f.lease(id).reason());
    assertTrue(f.lease(id).held());
    assertEquals(64 * MIB, f.book.executor("a").usedBytes());
    // It comes back and still has the lease: it is told to end it, and only then is it free.
    List<Event> back = f.attach(hello("a", 64).addHeld(held(f.lease(id))));
    assertEquals(List.of(id), only(Event.Welcome.class, back).getFirst().endLeases());
    String next = f.ask(request(64, 1000));
    assertEquals(LeaseState.QUEUED, f.state(next));
    f.ended("a", id);
    assertEquals(LeaseState.PREPARING, f.state(next));
  }

  @Test
  void agent_that_comes_back_in_time_keeps_its_leases() {
    f.attach(hello("a", 64));
    String id = active(64, 1000);
    f.apply(new Command.AgentDetached("a", bytes(16, 1)));
    assertEquals(LeaseState.QUEUED, f.state(f.ask(request(2, 1))));
    f.after(2_000);
    List<Event> back = f.attach(hello("a", 64).addHeld(held(f.lease(id))));
    assertEquals(LeaseState.ACTIVE, f.state(id));
    assertTrue(only(Event.Welcome.class, back).getFirst().endLeases().isEmpty());
    // An extension may have been lost with the stream.
    assertEquals(TimeUnit.SECONDS.toNanos(58), only(Event.Extend.class, back).getFirst().ttlNs());
  }

  @Test
  void agent_that_restarted_without_its_leases_loses_them_and_frees_their_slices() {
    f.attach(hello("a", 64));
    String id = active(64, 1000);
    f.attach(hello("a", 64).setIncarnation(bytes(16, 2)));
    assertEquals(LeaseState.LOST, f.state(id));
    assertEquals(LeaseState.PREPARING, f.state(f.ask(request(64, 1000))));
  }

  @Test
  void lease_that_only_the_agent_knows_is_ended_and_not_free_before() {
    HeldLease unknown =
        HeldLease.newBuilder()
            .setLeaseId("L-unknown")
            .setTenant("t")
            .setDeviceId("ptx-0")
            .setWindowBytes(64 * MIB)
            .setShareMillis(1000)
            .setWorkers(1)
            .setTtlMs(10_000)
            .build();
    List<Event> events = f.attach(hello("a", 64).addHeld(unknown));
    assertEquals(List.of("L-unknown"), only(Event.Welcome.class, events).getFirst().endLeases());
    String id = f.ask(request(2, 1));
    assertEquals(LeaseState.QUEUED, f.state(id));
    f.ended("a", "L-unknown");
    assertEquals(LeaseState.PREPARING, f.state(id));
  }

  @Test
  void executor_id_in_use_by_another_host_is_refused() {
    f.attach(hello("a", 64));
    List<Event> events =
        f.attach(hello("a", 64).setHostId("elsewhere").setIncarnation(bytes(16, 2)));
    assertTrue(only(Event.Refused.class, events).getFirst().reason().contains("another host"));
    List<Event> foreign =
        f.apply(new Command.AgentAttached("other-credential", hello("a", 64).build()));
    assertFalse(only(Event.Refused.class, foreign).isEmpty());
  }

  @Test
  void draining_executor_takes_nothing_new() {
    f.attach(hello("a", 64));
    String id = active(2, 1);
    f.apply(new Command.AgentDraining("a"));
    assertEquals(LeaseState.QUEUED, f.state(f.ask(request(2, 1))));
    assertEquals(LeaseState.ACTIVE, f.state(id));
  }

  @Test
  void a_device_out_of_service_takes_nothing_new_until_it_is_back() {
    f.attach(hello("a", 64));
    String device = f.book.executor("a").devices().iterator().next().getDeviceId();
    String id = active(2, 1);
    f.apply(new Command.DeviceState("a", device, "it fell off the bus"));
    f.apply(new Command.DeviceState("a", "no-such-device", "x"));
    f.apply(new Command.DeviceState("no-such-executor", device, "x"));
    String waiting = f.ask(request(2, 1));
    assertEquals(LeaseState.QUEUED, f.state(waiting));
    assertTrue(f.book.lease(waiting).reason().contains("it fell off the bus"));
    assertEquals(LeaseState.ACTIVE, f.state(id));
    f.apply(new Command.DeviceState("a", device, ""));
    assertEquals(LeaseState.PREPARING, f.state(waiting));
  }

  @Test
  void failed_preparation_ends_the_request_with_the_agents_reason() {
    f.attach(hello("a", 64));
    String id = f.ask(request(64, 1000));
    f.apply(
        new Command.Prepared(
            "a", LeasePrepared.newBuilder().setLeaseId(id).setError("memlock is 64 KiB").build()));
    assertEquals(LeaseState.FAILED, f.state(id));
    assertTrue(f.lease(id).reason().contains("memlock is 64 KiB"), f.lease(id).reason());
    assertEquals(0, f.book.executor("a").usedBytes());
  }

  @Test
  void preparation_that_takes_too_long_is_given_up() {
    f.attach(hello("a", 64));
    String id = f.ask(request(64, 1000));
    f.alive("a", 60_000);
    assertEquals(LeaseState.FAILED, f.state(id));
    assertTrue(f.lease(id).held());
  }

  @Test
  void functions_get_one_number_each_and_are_asked_for_once() {
    f.attach(hello("a", 64));
    String id = active(2, 1);
    FunctionVersion one = FunctionVersion.newBuilder().setName("f").setDigest(bytes(32, 1)).build();
    FunctionVersion two = FunctionVersion.newBuilder().setName("g").setDigest(bytes(32, 2)).build();
    List<Event> first = f.apply(new Command.PrepareFunction(id, one));
    assertEquals(1, only(Event.PrepareFunction.class, first).size());
    List<Event> joined = f.apply(new Command.PrepareFunction(id, one));
    assertTrue(only(Event.PrepareFunction.class, joined).isEmpty());
    assertEquals(
        List.of(new Event.FunctionAllotted(id, 2)),
        only(Event.FunctionAllotted.class, f.apply(new Command.PrepareFunction(id, two))));
    FunctionPrepared ready =
        FunctionPrepared.newBuilder().setLeaseId(id).setFunctionId(1).setLoadMs(7).build();
    assertEquals(
        List.of(new Event.FunctionReady(id, 1)), f.apply(new Command.FunctionAnswered("a", ready)));
    List<Event> known = f.apply(new Command.PrepareFunction(id, one));
    assertEquals(List.of(new Event.FunctionAllotted(id, 1), new Event.FunctionReady(id, 1)), known);
    FunctionPrepared failed =
        FunctionPrepared.newBuilder()
            .setLeaseId(id)
            .setFunctionId(2)
            .setError("line 3: no such opcode")
            .setStatus("UNSUPPORTED_CODE")
            .build();
    assertEquals(
        List.of(new Event.FunctionFailed(id, 2, Status.UNSUPPORTED_CODE, "line 3: no such opcode")),
        f.apply(new Command.FunctionAnswered("a", failed)));
  }

  @Test
  void function_whose_order_or_answer_was_lost_with_a_stream_is_ordered_again_on_the_next() {
    f.attach(hello("a", 64));
    String id = active(2, 1);
    FunctionVersion one = FunctionVersion.newBuilder().setName("f").setDigest(bytes(32, 1)).build();
    FunctionVersion two = FunctionVersion.newBuilder().setName("g").setDigest(bytes(32, 2)).build();
    f.apply(new Command.PrepareFunction(id, one));
    f.apply(new Command.PrepareFunction(id, two));
    FunctionPrepared.Builder ready = FunctionPrepared.newBuilder().setLeaseId(id);
    f.apply(new Command.FunctionAnswered("a", ready.setFunctionId(2).build()));
    f.apply(new Command.AgentDetached("a", bytes(16, 1)));
    List<Event> back = f.attach(hello("a", 64).addHeld(held(f.lease(id))));
    Event again = new Event.PrepareFunction("a", id, 1);
    assertEquals(List.of(again), only(Event.PrepareFunction.class, back));
    assertTrue(
        back.indexOf(again) > back.indexOf(new Event.Welcome("a", List.of())), back.toString());
    // Who asks meanwhile waits for the same answer.
    List<Event> joined = f.apply(new Command.PrepareFunction(id, one));
    assertTrue(only(Event.PrepareFunction.class, joined).isEmpty());
    assertEquals(
        List.of(new Event.FunctionReady(id, 1)),
        f.apply(new Command.FunctionAnswered("a", ready.setFunctionId(1).build())));
  }

  @Test
  void restored_lease_waits_for_its_agent_and_is_lost_without_it() {
    Command.Restore restore = restore("L-stored");
    f.apply(restore);
    assertEquals(LeaseState.ACTIVE, f.state("L-stored"));
    f.after(TimeUnit.NANOSECONDS.toMillis(LIMITS.reattachNs()) - 1);
    assertEquals(LeaseState.ACTIVE, f.state("L-stored"));
    f.after(1);
    assertEquals(LeaseState.LOST, f.state("L-stored"));
  }

  @Test
  void restored_lease_goes_on_when_its_agent_holds_it() {
    f.apply(restore("L-stored"));
    f.after(5_000);
    List<Event> events = f.attach(hello("a", 64).addHeld(held(f.lease("L-stored"))));
    assertEquals(LeaseState.ACTIVE, f.state("L-stored"));
    assertTrue(only(Event.Welcome.class, events).getFirst().endLeases().isEmpty());
    assertEquals(LeaseState.QUEUED, f.state(f.ask(request(64, 1))));
    f.alive("a", 25_000);
    assertEquals(LeaseState.EXPIRED, f.state("L-stored"));
  }

  private Command.Restore restore(String id) {
    StoredLease stored =
        StoredLease.newBuilder()
            .setLeaseId(id)
            .setTenant("t")
            .setRequest(new LeaseSpec(request(64, 1000).build()).request())
            .setExecutorId("a")
            .setDeviceId("ptx-0")
            .setAgent("agent")
            .build();
    long nowNs = f.nowNs;
    return new Command.Restore(
        stored,
        nowNs,
        nowNs,
        nowNs + TimeUnit.SECONDS.toNanos(30),
        nowNs + TimeUnit.SECONDS.toNanos(35));
  }

  @Test
  void requests_beyond_the_limits_are_refused_by_field() {
    assertRefused("window_bytes", request(2, 1).setWindowBytes(4095));
    assertRefused("window_bytes", request(2, 1).setWindowBytes(Long.MAX_VALUE));
    assertRefused("window_bytes", request(2, 1).setWindowBytes(-1));
    assertRefused("share_millis", request(2, 1001));
    assertRefused("workers", request(2, 1).setWorkers(65));
    assertRefused("duration_ms", request(2, 1).setDurationMs(999));
    assertRefused("wait_ms", request(2, 1).setWaitMs(-1));
    assertRefused("hot_us", request(2, 1).setHotUs(1_000_001));
    assertRefused("request_id", request(2, 1).setRequestId(bytes(15, 1)));
    assertRefused("client_public_key", request(2, 1).setClientPublicKey(bytes(31, 1)));
    assertRefused("device_class", request(2, 1).setDeviceClassValue(77));
  }

  private static void assertRefused(String field, AcquireRequest.Builder request) {
    IllegalArgumentException refused =
        assertThrows(IllegalArgumentException.class, () -> new LeaseSpec(request.build()));
    assertTrue(String.valueOf(refused.getMessage()).contains(field), refused.getMessage());
  }

  @Test
  void ended_leases_of_one_tenant_make_the_book_forget_no_one_elses() {
    BookFixture small =
        new BookFixture(
            new BookLimits(
                LIMITS.heartbeatNs(),
                LIMITS.skewNs(),
                LIMITS.prepareNs(),
                LIMITS.reattachNs(),
                LIMITS.graceNs(),
                LIMITS.queued(),
                LIMITS.queuedPerTenant(),
                6,
                4));
    String others = small.ask("u", request(2, 1).setWaitMs(0));
    List<String> own = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      own.add(small.ask("t", request(2, 1).setWaitMs(0)));
    }
    assertEquals(LeaseState.FAILED, small.state(others));
    assertEquals(
        own.subList(6, 10),
        small.book.leases().stream().map(Lease::id).filter(id -> !id.equals(others)).toList());
    // A third and a fourth: the tenant with the most gives way.
    String third = small.ask("v", request(2, 1).setWaitMs(0));
    String fourth = small.ask("w", request(2, 1).setWaitMs(0));
    assertEquals(
        List.of(others, own.get(7), own.get(8), own.get(9), third, fourth),
        small.book.leases().stream().map(Lease::id).toList());
  }

  @Test
  void hello_that_comes_after_that_of_a_later_stream_says_nothing_of_what_is_held() {
    f.attach(hello("a", 64).setStream(2));
    String id = f.ask(request(64, 1000));
    f.prepared("a", id);
    List<Event> events = f.attach(hello("a", 64).setStream(1));
    assertEquals(1, only(Event.Refused.class, events).size());
    assertEquals(LeaseState.ACTIVE, f.state(id));
    assertTrue(f.lease(id).held());
  }

  @Test
  void agent_whose_host_has_set_its_clock_back_is_taken_when_its_last_run_has_fallen_silent() {
    f.attach(hello("a", 64).setStream(2));
    AgentHello.Builder earlier = hello("a", 64).setStream(1).setIncarnation(bytes(16, 2));
    assertEquals(1, only(Event.Refused.class, f.attach(earlier)).size());
    f.after(3_000);
    assertEquals(1, only(Event.Welcome.class, f.attach(earlier)).size());
  }

  @Test
  void slice_that_an_agent_comes_back_with_is_held_for_as_long_as_the_agent_says() {
    f.attach(hello("a", 64));
    String id = f.ask(request(64, 1000).setDurationMs(1_000));
    f.apply(new Command.Release(id, "withdrawn"));
    // It was told all that only when its host had stood still for a while.
    f.after(65_000);
    HeldLease late = held(f.lease(id)).toBuilder().setTtlMs(61_000).build();
    f.attach(hello("a", 64).addHeld(late));
    f.alive("a", 65_000);
    assertTrue(f.lease(id).held());
    f.ended("a", id);
    assertFalse(f.lease(id).held());
  }
}
