package io.farwarp.gateway;

import io.farwarp.gateway.store.EmbeddedStore;
import io.farwarp.gateway.store.Store;
import io.farwarp.v1.LeaseServiceGrpc;
import io.grpc.Server;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * One gateway: its store, its lease book and its gRPC server. {@link #create} checks the
 * configuration only; {@link #start} binds and opens; a start that fails leaves nothing open.
 */
public final class Gateway implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(Gateway.class.getName());
  private static final ThreadFactory CALLS = Thread.ofVirtual().name("farwarp-call-", 0).factory();
  private static final int MAX_MESSAGE_BYTES = 4 << 20;
  private static final int MAX_METADATA_BYTES = 16 << 10;
  private static final int MAX_CALLS_PER_CONNECTION = 1024;

  /** A connection without calls is closed after this; a client connects anew when it calls. */
  private static final int IDLE_CONNECTION_MIN = 10;

  private final GatewayConfig config;
  private final StoreOpener storeOpener;
  private final List<AutoCloseable> opened = new ArrayList<>();
  private final HealthStatusManager health = new HealthStatusManager();
  private @Nullable Server server;
  private @Nullable LeaseControl control;

  private Gateway(GatewayConfig config, StoreOpener storeOpener) {
    this.config = config;
    this.storeOpener = storeOpener;
  }

  public static Gateway create(GatewayConfig config) throws GatewayException {
    return create(config, Gateway::openStore);
  }

  /** Opens the store of a gateway in its data directory. */
  @FunctionalInterface
  interface StoreOpener {
    Store open(Path directory) throws IOException, GatewayException;
  }

  static Store openStore(Path directory) throws IOException, GatewayException {
    Path old = directory.resolve("leases.log");
    if (Files.exists(old)) {
      throw new GatewayException(
          "%s is the lease store of an older gateway, which this one cannot read: let its leases end under that one, then move it away"
              .formatted(old));
    }
    Path file = directory.resolve("gateway.db");
    Store store = EmbeddedStore.open(file.toString(), System::nanoTime);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    return store;
  }

  static Gateway create(GatewayConfig config, StoreOpener storeOpener) throws GatewayException {
    try {
      if (config.tlsCert() == null && !InetAddress.getByName(config.host()).isLoopbackAddress()) {
        throw new GatewayException(
            "listening on %s wants TLS: give --tls-cert and --tls-key, or listen on 127.0.0.1"
                .formatted(config.host()));
      }
    } catch (UnknownHostException e) {
      throw new GatewayException("host " + config.host() + " is not known", e);
    }
    return new Gateway(config, storeOpener);
  }

  /** Takes calls when it returns. */
  public synchronized void start() throws GatewayException {
    if (server != null) {
      throw new IllegalStateException("the gateway has been started");
    }
    try {
      open();
    } catch (IOException e) {
      stop(Duration.ZERO);
      throw new GatewayException(
          "data directory %s: %s".formatted(config.dataDir(), e.getMessage()), e);
    } catch (GatewayException | RuntimeException e) {
      stop(Duration.ZERO);
      throw e;
    }
  }

  private void open() throws IOException, GatewayException {
    DataDirectory directory = DataDirectory.open(config.dataDir());
    opened.add(directory);
    Credentials credentials = Credentials.loadOrCreate(directory);
    SigningKey key = SigningKey.loadOrCreate(directory.file("signing.key"));
    GatewayClock clock = GatewayClock.system();
    FunctionRegistry registry =
        FunctionRegistry.open(directory.file("functions"), config.registryLimits(), clock);
    Store store = storeOpener.open(config.dataDir());
    LeaseControl control = new LeaseControl(config.limits(), clock, key, store, registry);
    opened.add(control);
    this.control = control;
    NettyServerBuilder builder =
        NettyServerBuilder.forAddress(new InetSocketAddress(config.host(), config.port()))
            .executor(task -> CALLS.newThread(task).start())
            .maxInboundMessageSize(MAX_MESSAGE_BYTES)
            .maxInboundMetadataSize(MAX_METADATA_BYTES)
            .maxConcurrentCallsPerConnection(MAX_CALLS_PER_CONNECTION)
            .handshakeTimeout(10, TimeUnit.SECONDS)
            .keepAliveTime(20, TimeUnit.SECONDS)
            .keepAliveTimeout(10, TimeUnit.SECONDS)
            .permitKeepAliveTime(5, TimeUnit.SECONDS)
            .permitKeepAliveWithoutCalls(true)
            .maxConnectionIdle(IDLE_CONNECTION_MIN, TimeUnit.MINUTES)
            .intercept(new CredentialInterceptor(credentials, config.callLimits()))
            .addService(new LeaseCalls(control, registry))
            .addService(new FunctionCalls(registry, control, config.registryLimits()))
            .addService(new FleetCalls(control))
            .addService(new AdminCalls(control, clock))
            .addService(health.getHealthService())
            .addService(ProtoReflectionServiceV1.newInstance());
    Path cert = config.tlsCert();
    Path tlsKey = config.tlsKey();
    if (cert != null && tlsKey != null) {
      useTls(builder, cert, tlsKey);
    }
    control.start();
    registry.sweep();
    bind(builder);
    control.onStoreChange(this::storeWritable);
  }

  private static void useTls(NettyServerBuilder builder, Path cert, Path key)
      throws GatewayException {
    try {
      builder.useTransportSecurity(cert.toFile(), key.toFile());
    } catch (RuntimeException e) {
      throw new GatewayException(
          "cannot use certificate %s with key %s: %s".formatted(cert, key, e.getMessage()), e);
    }
  }

  private void bind(NettyServerBuilder builder) throws GatewayException {
    Server built = builder.build();
    try {
      built.start();
    } catch (IOException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      throw new GatewayException(
          "cannot listen on %s:%d (%s): stop what listens there or choose another --listen"
              .formatted(config.host(), config.port(), cause.getMessage()),
          e);
    }
    server = built;
    health.setStatus(HealthStatusManager.SERVICE_NAME_ALL_SERVICES, ServingStatus.SERVING);
    health.setStatus(LeaseServiceGrpc.SERVICE_NAME, ServingStatus.SERVING);
  }

  private void storeWritable(boolean writable) {
    health.setStatus(
        LeaseServiceGrpc.SERVICE_NAME,
        writable ? ServingStatus.SERVING : ServingStatus.NOT_SERVING);
  }

  /** The port that is listened on. */
  public synchronized int port() {
    Server running = server;
    if (running == null) {
      throw new IllegalStateException("the gateway is not running");
    }
    return running.getPort();
  }

  /**
   * Takes no more requests for leases, waits up to {@code patience} for those that are being
   * prepared, ends all calls and closes the store. Leases that are active stay so.
   */
  public synchronized void stop(Duration patience) {
    Server running = server;
    LeaseControl leases = control;
    if (running != null && leases != null) {
      health.enterTerminalState();
      leases.refuseNew();
      if (patience.isPositive()) {
        awaitSettled(leases, patience);
      }
      running.shutdown();
      leases.hangUp();
      try {
        if (!running.awaitTermination(2, TimeUnit.SECONDS)) {
          running.shutdownNow().awaitTermination(2, TimeUnit.SECONDS);
        }
      } catch (InterruptedException e) {
        running.shutdownNow();
        Thread.currentThread().interrupt();
      }
    }
    server = null;
    control = null;
    for (AutoCloseable each : opened.reversed()) {
      try {
        each.close();
      } catch (Exception e) {
        LOG.log(Level.WARNING, "closing the gateway", e);
      }
    }
    opened.clear();
  }

  private static void awaitSettled(LeaseControl leases, Duration patience) {
    try {
      boolean _ = leases.settled().get(patience.toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      LOG.log(Level.WARNING, "leases are still being prepared after {0}", patience);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (Refusal | ExecutionException e) {
      LOG.log(Level.WARNING, "not waiting for leases in preparation: {0}", e.getMessage());
    }
  }

  /** {@link #stop} without patience. */
  @Override
  public void close() {
    stop(Duration.ZERO);
  }
}
