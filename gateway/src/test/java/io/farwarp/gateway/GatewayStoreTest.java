package io.farwarp.gateway;

import static io.farwarp.gateway.GatewayFixture.lastEvent;
import static io.farwarp.gateway.GatewayFixture.refused;
import static io.farwarp.gateway.GatewayFixture.request;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.gateway.store.Store;
import io.farwarp.v1.GatewayMessage.MessageCase;
import io.farwarp.v1.Lease;
import io.farwarp.v1.LeaseEvent;
import io.farwarp.v1.LeaseServiceGrpc;
import io.farwarp.v1.LeaseState;
import io.farwarp.v1.ReleaseRequest;
import io.farwarp.v1.RenewRequest;
import io.grpc.Status.Code;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A gateway whose lease store cannot be written for a while. */
class GatewayStoreTest {
  /** A store that fails while it is told to, as on a full disk. */
  private record FillingStore(Store store, AtomicBoolean full) implements Store {
    @Override
    public List<Entry> range(String prefix) throws IOException {
      return store.range(prefix);
    }

    @Override
    public boolean commit(List<Condition> conditions, List<? extends Change> changes)
        throws IOException {
      if (full.get()) {
        throw new IOException("No space left on device");
      }
      return store.commit(conditions, changes);
    }

    @Override
    public Watch watch(String prefix, Consumer<Update> listener) {
      return store.watch(prefix, listener);
    }

    @Override
    public void close() throws IOException {
      store.close();
    }
  }

  @TempDir Path directory;
  private final AtomicBoolean full = new AtomicBoolean();
  private GatewayFixture gateway;

  @BeforeEach
  void start() throws GatewayException {
    gateway =
        new GatewayFixture(
            directory.resolve("data"),
            config -> config,
            at -> new FillingStore(Gateway.openStore(at), full));
  }

  @AfterEach
  void stop() {
    gateway.close();
  }

  private ServingStatus health() {
    return HealthGrpc.newBlockingStub(gateway.raw())
        .check(HealthCheckRequest.newBuilder().setService(LeaseServiceGrpc.SERVICE_NAME).build())
        .getStatus();
  }

  private void awaitServing() {
    Iterator<HealthCheckResponse> changes =
        HealthGrpc.newBlockingStub(gateway.raw())
            .withDeadlineAfter(20, TimeUnit.SECONDS)
            .watch(
                HealthCheckRequest.newBuilder().setService(LeaseServiceGrpc.SERVICE_NAME).build());
    while (changes.next().getStatus() != ServingStatus.SERVING) {
      // The next change.
    }
  }

  @Test
  void full_disk_is_an_error_to_callers_a_red_health_check_and_no_damage() {
    FakeAgent agent = gateway.agent("exec-1", 64);
    Lease before = gateway.acquire(request(2).setShareMillis(1));
    full.set(true);
    // This one is prepared, and then cannot be kept: no one is told that it is active.
    LeaseEvent end =
        lastEvent(
            gateway.leases().acquire(request(2).setShareMillis(1).build()), LeaseState.REVOKED);
    assertTrue(end.getReason().contains("No space left on device"), end.getReason());
    agent.await(MessageCase.REVOKE, 1);
    assertEquals(ServingStatus.NOT_SERVING, health());
    String refused =
        refused(
            Code.RESOURCE_EXHAUSTED,
            () -> gateway.leases().acquire(request(2).setShareMillis(1).build()).next());
    assertTrue(refused.contains("No space left on device"), refused);
    RenewRequest renew =
        RenewRequest.newBuilder().setLeaseId(before.getLeaseId()).setDurationMs(1000).build();
    refused(Code.RESOURCE_EXHAUSTED, () -> gateway.leases().renew(renew));
    full.set(false);
    awaitServing();
    assertEquals(before.getLeaseId(), gateway.leases().renew(renew).getLeaseId());
    Lease after = gateway.acquire(request(2).setShareMillis(1));
    gateway.leases().release(ReleaseRequest.newBuilder().setLeaseId(after.getLeaseId()).build());
  }
}
