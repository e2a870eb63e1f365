package io.farwarp.gateway;

import static io.farwarp.gateway.GatewayFixture.lastEvent;
import static io.farwarp.gateway.GatewayFixture.refused;
import static io.farwarp.gateway.GatewayFixture.request;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.v1.AdminServiceGrpc;
import io.farwarp.v1.LeaseEvent;
import io.farwarp.v1.LeaseServiceGrpc;
import io.farwarp.v1.LeaseState;
import io.farwarp.v1.ListLeasesRequest;
import io.farwarp.v1.ListLeasesResponse;
import io.farwarp.v1.RevokeLeaseRequest;
import io.grpc.Channel;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Starting, what stands in its way, and who gets in. */
class GatewayStartTest {
  @TempDir Path directory;

  private static String cannotStart(GatewayConfig config) {
    GatewayException error =
        assertThrows(
            GatewayException.class,
            () -> {
              try (Gateway gateway = Gateway.create(config)) {
                gateway.start();
              }
            });
    String message = String.valueOf(error.getMessage());
    assertEquals(1, message.lines().count(), message);
    return message;
  }

  @Test
  void first_start_makes_credentials_and_key_for_the_owner_only() throws Exception {
    try (GatewayFixture gateway = new GatewayFixture(directory.resolve("data"))) {
      for (String name :
          List.of("tokens.json", "tenant.token", "agent.token", "operator.token", "signing.key")) {
        Path file = gateway.directory.resolve(name);
        assertEquals(
            "rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)), name);
      }
      assertFalse(
          Files.readString(gateway.directory.resolve("tokens.json"))
              .contains(gateway.token("tenant")));
    }
  }

  @Test
  void only_known_credentials_of_the_right_role_get_in() throws Exception {
    try (GatewayFixture gateway = new GatewayFixture(directory.resolve("data"))) {
      String none =
          refused(
              Code.UNAUTHENTICATED,
              () ->
                  LeaseServiceGrpc.newBlockingStub(gateway.raw())
                      .acquire(request(2).build())
                      .next());
      assertTrue(none.contains("no credential"), none);
      refused(
          Code.UNAUTHENTICATED,
          () ->
              LeaseServiceGrpc.newBlockingStub(gateway.withToken(gateway.token("tenant") + "x"))
                  .acquire(request(2).build())
                  .next());
      String role =
          refused(
              Code.PERMISSION_DENIED,
              () -> gateway.leases("operator").acquire(request(2).build()).next());
      assertTrue(role.contains("role tenant"), role);
      refused(
          Code.PERMISSION_DENIED,
          () -> gateway.admin("agent").listLeases(ListLeasesRequest.getDefaultInstance()));
      assertEquals(
          ServingStatus.SERVING,
          HealthGrpc.newBlockingStub(gateway.raw())
              .check(
                  HealthCheckRequest.newBuilder().setService(LeaseServiceGrpc.SERVICE_NAME).build())
              .getStatus());
    }
  }

  @Test
  void open_calls_of_one_caller_are_limited_and_no_one_else_is() throws Exception {
    try (GatewayFixture gateway =
        new GatewayFixture(
            directory.resolve("data"),
            config -> config.withCallLimits(new CallLimits(10, 10, 10, 2)))) {
      Iterator<LeaseEvent> first = gateway.leases().acquire(request(2).build());
      assertEquals(LeaseState.QUEUED, first.next().getState());
      Iterator<LeaseEvent> second = gateway.leases().acquire(request(2).build());
      assertEquals(LeaseState.QUEUED, second.next().getState());
      String why =
          refused(
              Code.RESOURCE_EXHAUSTED, () -> gateway.leases().acquire(request(2).build()).next());
      assertEquals("\"default\" has 2 calls open, which is the limit: end some, or try later", why);
      // An agent and an operator get in, and what they do ends the tenant's calls.
      gateway.agent("exec-1", 64);
      lastEvent(first, LeaseState.ACTIVE);
      gateway
          .admin("operator")
          .revokeLease(
              RevokeLeaseRequest.newBuilder()
                  .setLeaseId(
                      gateway
                          .admin("operator")
                          .listLeases(ListLeasesRequest.getDefaultInstance())
                          .getLeases(0)
                          .getLeaseId())
                  .build());
      lastEvent(second, LeaseState.ACTIVE);
      Await.answer("calls are let in again", () -> letIn(gateway.as("tenant")));
    }
  }

  @Test
  void streams_of_who_shows_no_credential_are_limited_and_health_checks_are_not() throws Exception {
    try (GatewayFixture gateway =
        new GatewayFixture(
            directory.resolve("data"),
            config -> config.withCallLimits(new CallLimits(10, 2, 10, 10)))) {
      HealthGrpc.HealthBlockingStub health =
          HealthGrpc.newBlockingStub(gateway.raw()).withDeadlineAfter(30, TimeUnit.SECONDS);
      HealthCheckRequest all = HealthCheckRequest.getDefaultInstance();
      Iterator<HealthCheckResponse> first = health.watch(all);
      assertEquals(ServingStatus.SERVING, first.next().getStatus());
      Iterator<HealthCheckResponse> second = health.watch(all);
      assertEquals(ServingStatus.SERVING, second.next().getStatus());
      String why = refused(Code.RESOURCE_EXHAUSTED, () -> health.watch(all).next());
      assertEquals(
          "\"127.0.0.1\" has 2 calls open, which is the limit: end some, or try later", why);
      assertEquals(ServingStatus.SERVING, health.check(all).getStatus());
      assertTrue(letIn(gateway.as("tenant")));
    }
  }

  private static boolean letIn(Channel channel) {
    try {
      ListLeasesResponse _ =
          AdminServiceGrpc.newBlockingStub(channel)
              .listLeases(ListLeasesRequest.getDefaultInstance());
      return true;
    } catch (StatusRuntimeException e) {
      return false;
    }
  }

  @Test
  void credential_that_is_added_works_without_a_restart() throws Exception {
    try (GatewayFixture gateway = new GatewayFixture(directory.resolve("data"))) {
      String token = TestCredentials.add(gateway.directory, "other", "tenant");
      Await.answer("the credential is known", () -> letIn(gateway.withToken(token)));
    }
  }

  @Test
  void second_gateway_on_a_directory_or_a_port_is_refused_in_one_line() throws Exception {
    try (GatewayFixture gateway = new GatewayFixture(directory.resolve("data"))) {
      String sameDirectory = cannotStart(GatewayConfig.local(gateway.directory));
      assertTrue(sameDirectory.contains("in use by another gateway"), sameDirectory);
      GatewayConfig samePort =
          GatewayConfig.local(directory.resolve("other")).withAddress("127.0.0.1", gateway.port());
      String taken = cannotStart(samePort);
      assertTrue(taken.contains("cannot listen on 127.0.0.1:" + gateway.port()), taken);
      assertTrue(taken.contains("Address already in use"), taken);
    }
    // The one that failed gave its directory back.
    try (GatewayFixture gateway = new GatewayFixture(directory.resolve("other"))) {
      assertTrue(gateway.port() > 0);
    }
  }

  @Test
  void anything_but_loopback_wants_tls() {
    GatewayConfig open = GatewayConfig.local(directory.resolve("data")).withAddress("0.0.0.0", 0);
    String refused = cannotStart(open);
    assertTrue(refused.contains("wants TLS"), refused);
    assertFalse(Files.exists(directory.resolve("data")));
    String noFile =
        cannotStart(open.withTls(directory.resolve("no.crt"), directory.resolve("no.key")));
    assertTrue(noFile.contains("no.crt"), noFile);
  }

  @Test
  void directory_that_cannot_be_made_or_read_is_an_error() throws Exception {
    Path file = Files.writeString(directory.resolve("file"), "x");
    String notDirectory = cannotStart(GatewayConfig.local(file));
    assertTrue(notDirectory.contains("data directory"), notDirectory);
    try (GatewayFixture gateway = new GatewayFixture(directory.resolve("data"))) {
      assertTrue(gateway.port() > 0);
    }
    Files.writeString(directory.resolve("data/signing.key"), "garbage\n");
    String key = cannotStart(GatewayConfig.local(directory.resolve("data")));
    assertTrue(key.contains("signing.key"), key);
  }
}
