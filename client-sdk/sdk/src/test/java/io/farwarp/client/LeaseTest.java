package io.farwarp.client;

import static java.time.Duration.ofMillis;
import static java.time.Duration.ofMinutes;
import static java.time.Duration.ofSeconds;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.rdma.Transports;
import io.farwarp.rdma.linux.HostId;
import io.farwarp.v1.DeviceClass;
import io.farwarp.v1.LeaseState;
import io.farwarp.wire.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LeaseTest {
  private Path directory;
  private TestCloud cloud;

  @BeforeEach
  void start(@TempDir Path directory) throws IOException {
    this.directory = directory;
    cloud = new TestCloud(directory);
  }

  @AfterEach
  void stop() throws IOException {
    cloud.close();
  }

  @Test
  void request_reaches_the_gateway_as_it_was_written() {
    LeaseRequest request =
        LeaseRequest.on(Device.CUDA)
            .minComputeCapability("9.0")
            .deviceName("*H100*")
            .minDeviceMemory(ByteSize.GIB.of(80))
            .memory(ByteSize.MIB.of(3))
            .share(0.25)
            .workers(2)
            .duration(ofMinutes(7))
            .waitAtMost(ofSeconds(9))
            .hot(ofMillis(2))
            .priority(3)
            .preemptible(true)
            .functions("add:1");
    try (Lease lease = cloud.farwarp.lease(request).await()) {
      assertEquals(DeviceClass.CUDA, cloud.gateway.request.getDeviceClass());
      assertEquals(90, cloud.gateway.request.getMinComputeCapability());
      assertEquals("*H100*", cloud.gateway.request.getDeviceName());
      assertEquals(80L << 30, cloud.gateway.request.getMinDeviceMemoryBytes());
      assertEquals(3 << 20, cloud.gateway.request.getWindowBytes());
      assertEquals(250, cloud.gateway.request.getShareMillis());
      assertEquals(2, cloud.gateway.request.getWorkers());
      assertEquals(420_000, cloud.gateway.request.getDurationMs());
      assertEquals(9000, cloud.gateway.request.getWaitMs());
      assertEquals(2000, cloud.gateway.request.getHotUs());
      assertEquals(3, cloud.gateway.request.getPriority());
      assertTrue(cloud.gateway.request.getPreemptible());
      assertEquals(HostId.local(), cloud.gateway.request.getClientHostId());
      assertEquals(Transports.usable(), cloud.gateway.request.getClientTransportsList());
      assertTrue(cloud.gateway.request.getClientTransportsList().contains("tcp"));
      assertEquals(16, cloud.gateway.request.getRequestId().size());
      assertEquals("L-1", lease.id());
      assertEquals("test device (no GPU)", lease.deviceName());
      assertEquals(Device.PTX, lease.device());
      assertEquals(ofMillis(5), lease.queued());
      assertEquals(ofMillis(7), lease.prepare());
      assertEquals(ofMillis(2), lease.hot());
      assertTrue(lease.timeToLive().compareTo(ofSeconds(30)) > 0);
    }
    assertEquals(List.of("L-1"), cloud.gateway.released);
  }

  @Test
  void sizes_outside_the_limits_are_refused_before_the_network() {
    LeaseRequest any = LeaseRequest.on(Device.ANY);
    assertThrows(IllegalArgumentException.class, () -> any.memory(0));
    assertThrows(IllegalArgumentException.class, () -> any.share(1.5));
    assertThrows(IllegalArgumentException.class, () -> any.workers(65));
    assertThrows(IllegalArgumentException.class, () -> any.duration(ofMillis(1)));
    assertThrows(IllegalArgumentException.class, () -> any.hot(ofSeconds(2)));
    assertThrows(IllegalArgumentException.class, () -> any.priority(10));
    assertThrows(IllegalArgumentException.class, () -> any.minComputeCapability("sm_90"));
    assertThrows(IllegalArgumentException.class, () -> any.deviceName("?".repeat(65)));
    assertThrows(IllegalArgumentException.class, () -> any.minDeviceMemory(-1));
    assertThrows(IllegalArgumentException.class, () -> any.waitAtMost(ofSeconds(-1)));
  }

  @Test
  void progress_tells_the_place_in_the_queue_until_the_lease_is_there() {
    cloud.gateway.holdsRequests = true;
    List<LeaseProgress> seen = new CopyOnWriteArrayList<>();
    Acquisition acquisition = cloud.farwarp.lease(TestCloud.request()).onProgress(seen::add);
    TestCloud.await(() -> !cloud.gateway.waiting.isEmpty() && !seen.isEmpty(), "queued");
    assertEquals(
        new LeaseProgress("L-1", LeaseState.QUEUED, 3, ofSeconds(4), "all devices are taken"),
        seen.get(0));
    cloud.gateway.grant(cloud.gateway.waiting.getFirst());
    acquisition.future().join().close();
    assertEquals(
        List.of(LeaseState.QUEUED, LeaseState.PREPARING, LeaseState.ACTIVE),
        seen.stream().map(LeaseProgress::state).toList());
  }

  @Test
  void await_that_runs_out_withdraws_the_request() {
    cloud.gateway.holdsRequests = true;
    Acquisition acquisition = cloud.farwarp.lease(TestCloud.request());
    LeaseException e = assertThrows(LeaseException.class, () -> acquisition.await(ofMillis(300)));
    assertEquals(Status.DEADLINE_EXCEEDED, e.status());
    CompletionException late =
        assertThrows(CompletionException.class, () -> acquisition.future().join());
    assertEquals(Status.CANCELLED, ((LeaseException) late.getCause()).status());
  }

  @Test
  void refusal_carries_the_gateways_status_and_reason() {
    cloud.gateway.holdsRequests = true;
    Acquisition acquisition = cloud.farwarp.lease(TestCloud.request());
    TestCloud.await(() -> !cloud.gateway.waiting.isEmpty(), "queued");
    cloud
        .gateway
        .waiting
        .getFirst()
        .onNext(
            TestGateway.event(LeaseState.FAILED, "asks for 96 GiB; the largest is 80 GiB")
                .setStatus("RESOURCE_EXHAUSTED")
                .build());
    LeaseException e = assertThrows(LeaseException.class, acquisition::await);
    assertEquals(Status.RESOURCE_EXHAUSTED, e.status());
    assertTrue(e.getMessage().contains("80 GiB"), e.getMessage());
  }

  @Test
  void lease_is_renewed_in_the_background_and_the_worker_is_told() {
    cloud.gateway.ttlMs = 400;
    List<LeaseEnd> ends = new CopyOnWriteArrayList<>();
    try (Lease lease = cloud.farwarp.lease(TestCloud.request().renewing(true)).await();
        Session session = lease.open()) {
      var _ = lease.onEnded(ends::add);
      TestCloud.await(() -> cloud.worker.renewals.size() >= 5, "five renewals have arrived");
      assertEquals(List.of(1, 2, 3), cloud.worker.renewals.subList(0, 3));
      assertTrue(lease.isLive());
      assertTrue(session.isOpen());
      assertEquals(List.of(), ends);
    }
    assertEquals(LeaseState.RELEASED, ends.getFirst().state());
    assertEquals(1, ends.size());
  }

  @Test
  void lease_that_is_told_to_end_says_so_is_renewed_no_more_and_works_until_then() {
    cloud.gateway.ttlMs = 60_000;
    try (Lease lease = cloud.farwarp.lease(TestCloud.request().renewing(true)).await();
        Session session = lease.open()) {
      CompletableFuture<LeaseExpiring> told = new CompletableFuture<>();
      CompletableFuture<LeaseEnd> end = new CompletableFuture<>();
      var _ = lease.onExpiring(told::complete).onEnded(end::complete);
      TestCloud.await(() -> !cloud.gateway.watchers.isEmpty(), "the lease is watched");
      cloud.gateway.expireLease(300, "it is preemptible");
      assertEquals(new LeaseExpiring(ofMillis(300), "it is preemptible"), told.join());
      assertTrue(lease.timeToLive().compareTo(ofMillis(300)) <= 0);
      assertTrue(session.isOpen());
      assertEquals(LeaseState.EXPIRED, end.join().state());
      assertEquals(0, cloud.gateway.renewals.get());
    }
  }

  @Test
  void gateway_that_is_away_for_a_moment_costs_no_lease() {
    cloud.gateway.ttlMs = 2000;
    for (int i = 0; i < 2; i++) {
      cloud.gateway.renewFailures.add(io.grpc.Status.UNAVAILABLE);
    }
    try (Lease lease = cloud.farwarp.lease(TestCloud.request().renewing(true)).await()) {
      TestCloud.await(() -> !lease.renewalFailure().isEmpty(), "a renewal has failed");
      TestCloud.await(() -> cloud.gateway.renewals.get() > 0, "a later one has not");
      TestCloud.await(() -> lease.renewalFailure().isEmpty(), "the failure is over");
      assertTrue(lease.isLive());
    }
  }

  @Test
  void lease_that_is_not_renewed_expires_and_says_why() {
    cloud.gateway.ttlMs = 200;
    cloud.gateway.renewFailures.add(
        io.grpc.Status.PERMISSION_DENIED.withDescription("the tenant's quota is used up"));
    try (Lease lease = cloud.farwarp.lease(TestCloud.request().renewing(true)).await();
        Session session = lease.open()) {
      CompletableFuture<LeaseEnd> end = new CompletableFuture<>();
      var _ = lease.onEnded(end::complete);
      assertEquals(LeaseState.EXPIRED, end.join().state());
      assertTrue(end.join().reason().contains("quota"), end.join().reason());
      assertFalse(session.isOpen());
      assertEquals(Status.LEASE_EXPIRED, TestCloud.statusOf(lease::open));
      assertEquals(java.time.Duration.ZERO, lease.timeToLive());
    }
  }

  @Test
  void renewing_by_hand_moves_the_deadline() {
    try (Lease lease = cloud.lease();
        Session session = lease.open()) {
      cloud.gateway.ttlMs = 600_000;
      lease.renew(ofMinutes(10));
      assertTrue(lease.timeToLive().compareTo(ofMinutes(9)) > 0);
      TestCloud.await(() -> cloud.worker.renewals.contains(1), "the worker has the new token");
      assertTrue(session.isOpen());
      cloud.gateway.renewFailures.add(io.grpc.Status.NOT_FOUND.withDescription("no lease L-1"));
      assertThrows(LeaseException.class, () -> lease.renew(ofMinutes(10)));
    }
  }

  @Test
  void wrong_credential_is_refused_by_name() throws IOException {
    Path wrong = Files.writeString(directory.resolve("wrong"), "another");
    try (Farwarp stranger = Farwarp.connect(cloud.gateway.options().tokenFile(wrong))) {
      LeaseException e =
          assertThrows(LeaseException.class, () -> stranger.lease(TestCloud.request()).await());
      assertEquals(Status.UNAUTHENTICATED, e.status());
      assertTrue(e.getMessage().contains("unknown credential"), e.getMessage());
    }
  }

  @Test
  void missing_or_malformed_token_file_is_named() throws IOException {
    Path absent = directory.resolve("absent");
    GatewayException e =
        assertThrows(
            GatewayException.class,
            () -> Farwarp.connect(cloud.gateway.options().tokenFile(absent)));
    assertEquals(Status.UNAUTHENTICATED, e.status());
    assertTrue(e.getMessage().contains(absent.toString()), e.getMessage());
    for (String content : new String[] {"", "two words", "a\nb", "x".repeat(5000)}) {
      Path file = Files.writeString(directory.resolve("malformed"), content);
      assertThrows(
          GatewayException.class, () -> Farwarp.connect(cloud.gateway.options().tokenFile(file)));
    }
  }

  @Test
  void plaintext_leaves_this_host_to_nobody() {
    GatewayException e =
        assertThrows(GatewayException.class, () -> Farwarp.connect("192.0.2.1:7070"));
    assertEquals(Status.PERMISSION_DENIED, e.status());
    assertTrue(e.getMessage().contains("TLS"), e.getMessage());
  }

  @Test
  void gateway_that_cannot_be_reached_is_named() {
    cloud.gateway.close();
    LeaseException e =
        assertThrows(LeaseException.class, () -> cloud.farwarp.lease(TestCloud.request()).await());
    assertEquals(Status.LINK_BROKEN, e.status());
    assertTrue(e.getMessage().contains("cannot be reached"), e.getMessage());
  }

  @Test
  void every_request_carries_the_credential() {
    cloud.lease().close();
    assertTrue(
        cloud.gateway.credentials.stream().allMatch(("Bearer " + TestGateway.CREDENTIAL)::equals));
  }
}
