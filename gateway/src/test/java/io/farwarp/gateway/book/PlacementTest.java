package io.farwarp.gateway.book;

import static io.farwarp.gateway.book.BookFixture.bytes;
import static io.farwarp.gateway.book.BookFixture.device;
import static io.farwarp.gateway.book.BookFixture.hello;
import static io.farwarp.gateway.book.BookFixture.request;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.farwarp.v1.AcquireRequest;
import io.farwarp.v1.DeviceClass;
import io.farwarp.v1.FunctionPrepared;
import io.farwarp.v1.FunctionVersion;
import io.farwarp.v1.LeaseFunction;
import io.farwarp.v1.LeaseState;
import io.farwarp.v1.StoredFunction;
import io.farwarp.v1.StoredLease;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** On which device a request is placed, and why on none. */
class PlacementTest {
  private final BookFixture f = new BookFixture();

  private void attachGpu(String id, String name, int computeCapability, long mib) {
    f.attach(
        hello(id, 64)
            .clearDevices()
            .addDevices(
                device("g", DeviceClass.CUDA, mib).toBuilder()
                    .setName(name)
                    .setComputeCapability(computeCapability)));
  }

  private static AcquireRequest.Builder gpu() {
    return request(2, 10).setDeviceClass(DeviceClass.CUDA);
  }

  private String place(AcquireRequest.Builder request, FunctionVersion... functions) {
    String id = f.ask("t", request, List.of(functions));
    String executor = f.executorOf(id);
    f.ended(executor, id);
    return executor;
  }

  private String reason(AcquireRequest.Builder request) {
    String id = f.ask(request);
    assertEquals(LeaseState.QUEUED, f.state(id));
    return f.lease(id).reason();
  }

  @Test
  void device_has_at_least_the_compute_capability_that_is_asked_for() {
    attachGpu("volta", "Tesla V100", 70, 32);
    attachGpu("hopper", "NVIDIA H100", 90, 64);
    f.attach(hello("cpu", 8));
    assertEquals("hopper", place(gpu().setMinComputeCapability(71)));
    assertEquals("volta", place(gpu().setMinComputeCapability(70)));
    assertEquals(
        "hopper",
        place(request(2, 10).setDeviceClass(DeviceClass.ANY).setMinComputeCapability(90)));
    assertEquals(
        "it asks for 2.0 MiB, 1 worker and 10/1000 of a CUDA device with compute capability 10.0 or"
            + " more; no executor with such a device is attached: the nearest, \"NVIDIA H100\" on"
            + " executor hopper, has compute capability 9.0",
        reason(gpu().setMinComputeCapability(100)));
  }

  @Test
  void cpu_device_has_no_compute_capability() {
    f.attach(hello("cpu", 8));
    String reason =
        reason(request(2, 10).setDeviceClass(DeviceClass.ANY).setMinComputeCapability(50));
    assertTrue(reason.endsWith("\"a device\" on executor cpu, has no compute capability"), reason);
    IllegalArgumentException refused =
        assertThrows(
            IllegalArgumentException.class,
            () -> new LeaseSpec(request(2, 10).setMinComputeCapability(50).build()));
    assertEquals(
        "min_compute_capability is 50 (5.0) and device_class PTX_CPU, which has no compute"
            + " capability: ask for CUDA, or for none",
        refused.getMessage());
  }

  @Test
  void device_is_named_like_what_is_asked_for() {
    attachGpu("a", "NVIDIA A100-SXM4-40GB", 80, 32);
    attachGpu("b", "NVIDIA A100-SXM4-80GB", 80, 64);
    assertEquals("b", place(gpu().setDeviceName("*a100*80gb")));
    assertEquals("a", place(gpu().setDeviceName("NVIDIA A100-SXM4-?0GB")));
    assertEquals(
        "it asks for 2.0 MiB, 1 worker and 10/1000 of a CUDA device with a name like \"A100\"; no"
            + " executor with such a device is attached: the nearest, \"NVIDIA A100-SXM4-40GB\" on"
            + " executor a, has another name",
        reason(gpu().setDeviceName("A100")));
  }

  @Test
  void memory_of_the_device_counts_whoever_holds_it() {
    attachGpu("a", "NVIDIA L4", 89, 48);
    attachGpu("b", "NVIDIA L4", 89, 64);
    long least = 56L << 20;
    assertEquals("b", place(request(60, 10).setDeviceClass(DeviceClass.CUDA)));
    assertEquals("b", place(gpu().setMinDeviceMemoryBytes(least)));
    assertEquals("a", place(gpu()));
    String reason = reason(gpu().setMinDeviceMemoryBytes(65L << 20).setMinComputeCapability(89));
    assertTrue(
        reason.endsWith(
            "with compute capability 8.9 or more and 65.0 MiB of memory or more; no executor with"
                + " such a device is attached: the nearest, \"NVIDIA L4\" on executor b, has 64.0 MiB"),
        reason);
  }

  @Test
  void request_waits_for_the_device_that_it_wants_and_delays_no_one_who_wants_another() {
    attachGpu("a", "NVIDIA A100", 80, 64);
    String waits = f.ask(gpu().setShareMillis(1000).setMinComputeCapability(90));
    String other = f.ask(gpu().setShareMillis(1000));
    assertEquals(LeaseState.QUEUED, f.state(waits));
    assertEquals("a", f.executorOf(other));
    attachGpu("h", "NVIDIA H100", 90, 64);
    assertEquals("h", f.executorOf(waits));
  }

  @Test
  void preemptible_lease_stays_when_its_device_is_not_what_is_wanted() {
    attachGpu("a", "NVIDIA A100", 80, 64);
    String stays = f.ask(gpu().setShareMillis(1000).setPreemptible(true));
    f.prepared("a", stays);
    f.ask(gpu().setShareMillis(1000).setMinComputeCapability(90));
    assertEquals(LeaseState.ACTIVE, f.state(stays));
    f.ask(gpu().setShareMillis(1000).setMinComputeCapability(80));
    assertEquals(LeaseState.EXPIRING, f.state(stays));
  }

  @Test
  void shared_memory_goes_before_rdma_and_rdma_before_tcp() {
    f.attach(hello("far", 4));
    f.attach(hello("rdma", 16).addTransports("tcp").addTransports("verbs"));
    f.attach(hello("here", 64).addTransports("tcp"));
    assertEquals("far", place(request(2, 10)));
    assertEquals("rdma", place(request(2, 10).addClientTransports("verbs")));
    assertEquals(
        "here", place(request(2, 10).addClientTransports("verbs").setClientHostId("host-of-here")));
    assertEquals("far", place(request(2, 10).addClientTransports("tcp")));
  }

  @Test
  void
      host_with_the_functions_in_its_caches_goes_before_a_better_fit_but_not_before_a_nearer_one() {
    FunctionVersion add = version("add", 1);
    FunctionVersion mul = version("mul", 2);
    f.attach(hello("large", 64));
    String first = f.ask("t", request(2, 10), List.of(add));
    f.prepared("large", first);
    f.apply(new Command.PrepareFunction(first, mul));
    f.apply(
        new Command.FunctionAnswered(
            "large", FunctionPrepared.newBuilder().setLeaseId(first).setFunctionId(2).build()));
    f.ended("large", first);
    f.attach(hello("small", 32));
    assertEquals("small", place(request(2, 10)));
    assertEquals("large", place(request(2, 10), mul));
    assertEquals("small", place(request(2, 10), version("new", 3)));
    AcquireRequest.Builder near = request(2, 10).setClientHostId("host-of-small");
    assertEquals("small", place(near, add, mul));
  }

  @Test
  void function_that_is_still_prepared_or_could_not_be_is_in_no_cache() {
    FunctionVersion add = version("add", 1);
    FunctionVersion bad = version("bad", 2);
    f.attach(hello("large", 64));
    String first = f.ask("t", request(2, 10), List.of(add));
    f.attach(hello("small", 32));
    f.ask(request(2, 20).setClientHostId("host-of-small"));
    assertEquals("small", place(request(2, 10), add));
    f.prepared("large", first);
    f.apply(new Command.PrepareFunction(first, bad));
    f.apply(
        new Command.FunctionAnswered(
            "large",
            FunctionPrepared.newBuilder()
                .setLeaseId(first)
                .setFunctionId(2)
                .setError("it cannot be compiled")
                .build()));
    f.ended("large", first);
    assertEquals("small", place(request(2, 10), bad));
    assertEquals("large", place(request(2, 10), add));
  }

  @Test
  void caches_outlive_the_lease_and_the_agent_but_not_the_host() {
    FunctionVersion add = version("add", 1);
    f.attach(hello("large", 64));
    String first = f.ask("t", request(2, 10), List.of(add));
    f.prepared("large", first);
    f.ended("large", first);
    f.attach(hello("small", 32));
    f.attach(hello("large", 64).setIncarnation(bytes(16, 2)));
    String second = f.ask("t", request(2, 10), List.of(add));
    assertEquals("large", f.executorOf(second));
    f.ended("large", second);
    f.apply(new Command.AgentDetached("large", bytes(16, 2)));
    f.attach(hello("large", 64).setIncarnation(bytes(16, 3)).setHostId("another host"));
    assertEquals("small", place(request(2, 10), add));
  }

  @Test
  void gateway_that_has_restarted_knows_the_caches_by_its_leases() {
    FunctionVersion add = version("add", 1);
    AcquireRequest.Builder request = request(2, 10);
    f.apply(
        new Command.Restore(
            StoredLease.newBuilder()
                .setLeaseId("L-stored")
                .setTenant("t")
                .setRequest(new LeaseSpec(request.build()).request())
                .setExecutorId("large")
                .setDeviceId("ptx-0")
                .setAgent("agent")
                .addFunctions(
                    StoredFunction.newBuilder()
                        .setFunction(LeaseFunction.newBuilder().setFunctionId(1).setVersion(add))
                        .setReady(true))
                .build(),
            1,
            1,
            TimeUnit.SECONDS.toNanos(60),
            TimeUnit.SECONDS.toNanos(65)));
    f.attach(hello("large", 64).addHeld(BookFixture.held(f.lease("L-stored"))));
    f.ended("large", "L-stored");
    f.attach(hello("small", 32));
    assertEquals("small", place(request(2, 10)));
    assertEquals("large", place(request(2, 10), add));
  }

  @Test
  void packages_that_were_not_used_for_longest_are_forgotten_first() {
    f.attach(hello("large", 64));
    FunctionVersion first = version("f", 1);
    run(List.of(first));
    for (int i = 2; i <= 256; i++) {
      run(List.of(version("f", i)));
    }
    run(List.of(first, version("f", 257)));
    f.attach(hello("small", 32));
    assertEquals("large", place(request(2, 10), first));
    assertEquals("small", place(request(2, 10), version("f", 2)));
    assertEquals("large", place(request(2, 10), version("f", 3)));
  }

  private void run(List<FunctionVersion> functions) {
    String id = f.ask("t", request(2, 10), functions);
    f.prepared("large", id);
    f.ended("large", id);
  }

  private static FunctionVersion version(String name, int number) {
    ByteString digest = bytes(32, number);
    return FunctionVersion.newBuilder().setName(name).setVersion("1").setDigest(digest).build();
  }

  @Test
  void constraints_beyond_the_limits_are_refused_by_field() {
    assertRefused("min_compute_capability", gpu().setMinComputeCapability(1000));
    assertRefused("min_compute_capability", gpu().setMinComputeCapability(-1));
    assertRefused("device_name length is 65", gpu().setDeviceName("*".repeat(65)));
    assertRefused("min_device_memory_bytes", gpu().setMinDeviceMemoryBytes(-1));
    assertRefused("min_device_memory_bytes", gpu().setMinDeviceMemoryBytes((1L << 50) + 1));
    AcquireRequest.Builder many = gpu();
    for (int i = 0; i < 9; i++) {
      many.addClientTransports("verbs");
    }
    assertRefused("client_transports is 9", many);
    assertRefused("client_transports name", gpu().addClientTransports("v".repeat(17)));
  }

  private static void assertRefused(String field, AcquireRequest.Builder request) {
    IllegalArgumentException refused =
        assertThrows(IllegalArgumentException.class, () -> new LeaseSpec(request.build()));
    assertTrue(String.valueOf(refused.getMessage()).contains(field), refused.getMessage());
  }
}
