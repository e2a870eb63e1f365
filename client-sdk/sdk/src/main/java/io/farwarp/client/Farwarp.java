package io.farwarp.client;

import io.farwarp.v1.AdminServiceGrpc;
import io.farwarp.v1.ExecutorRow;
import io.farwarp.v1.LeaseRow;
import io.farwarp.v1.ListExecutorsRequest;
import io.farwarp.v1.ListLeasesRequest;
import io.farwarp.v1.ListTenantsRequest;
import io.farwarp.v1.TenantRow;
import io.grpc.StatusRuntimeException;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * A connection to a gateway: the door to leases and functions. All methods may be called from any
 * thread. Closing it does not end leases; close them first.
 */
public final class Farwarp implements AutoCloseable {
  private final GatewayChannel gateway;
  private final ConnectOptions options;
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("farwarp-leases").factory());

  private Farwarp(GatewayChannel gateway, ConnectOptions options) {
    this.gateway = gateway;
    this.options = options;
  }

  /**
   * Connects to {@code host:port} (port 7070 where none is given), in plaintext and only to
   * loopback, with the credential in $FARWARP_TOKEN_FILE or ~/.config/farwarp/token.
   */
  public static Farwarp connect(String hostAndPort) {
    return connect(ConnectOptions.to(hostAndPort));
  }

  /** Reads the credential; the network is first used by the first request. */
  public static Farwarp connect(ConnectOptions options) {
    return new Farwarp(GatewayChannel.open(options), options);
  }

  /** Asks for a lease; returns at once. */
  public Acquisition lease(LeaseRequest request) {
    return Acquisition.start(gateway, options, timer, request);
  }

  /** The registry of function packages. */
  public FunctionRegistry functions() {
    return new FunctionRegistry(gateway, options);
  }

  /**
   * Leases that this credential may see.
   *
   * @param ended also those that have ended, as far back as the gateway remembers
   */
  public List<LeaseRow> leases(boolean ended) {
    try {
      return admin()
          .listLeases(ListLeasesRequest.newBuilder().setEnded(ended).build())
          .getLeasesList();
    } catch (StatusRuntimeException e) {
      throw gateway.error("list of leases", e);
    }
  }

  /** Leases of this credential that live. */
  public List<LeaseRow> leases() {
    return leases(false);
  }

  public List<ExecutorRow> executors() {
    try {
      return admin().listExecutors(ListExecutorsRequest.getDefaultInstance()).getExecutorsList();
    } catch (StatusRuntimeException e) {
      throw gateway.error("list of executors", e);
    }
  }

  /** Policies and use of the tenants that this credential may see; a tenant sees its own. */
  public List<TenantRow> tenants() {
    try {
      return admin().listTenants(ListTenantsRequest.getDefaultInstance()).getTenantsList();
    } catch (StatusRuntimeException e) {
      throw gateway.error("list of tenants", e);
    }
  }

  /** What only an operator's credential may do. */
  public Operator operator() {
    return new Operator(gateway, options);
  }

  private AdminServiceGrpc.AdminServiceBlockingStub admin() {
    return AdminServiceGrpc.newBlockingStub(gateway.channel())
        .withDeadlineAfter(options.requestTimeout().toNanos(), TimeUnit.NANOSECONDS);
  }

  @Override
  public void close() {
    timer.shutdownNow();
    gateway.close();
  }
}
