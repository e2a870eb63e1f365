package io.farwarp.gateway;

import io.farwarp.gateway.book.BookLimits;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * How a gateway runs.
 *
 * @param host name or address to listen on; other than loopback only with TLS
 * @param port 0: any free one
 * @param dataDir what it keeps over restarts; made if missing
 * @param tlsCert certificate chain in PEM; together with {@code tlsKey} or not at all
 * @param tlsKey its private key in PEM, PKCS #8
 */
public record GatewayConfig(
    String host,
    int port,
    Path dataDir,
    @Nullable Path tlsCert,
    @Nullable Path tlsKey,
    BookLimits limits,
    RegistryLimits registryLimits,
    CallLimits callLimits) {

  public static final int DEFAULT_PORT = 7070;
  public static final long DEFAULT_HEARTBEAT_MS = 1000;

  public GatewayConfig {
    if (port < 0 || port > 65535) {
      throw new IllegalArgumentException("port " + port + "; it takes 0 to 65535");
    }
    if ((tlsCert == null) != (tlsKey == null)) {
      throw new IllegalArgumentException("--tls-cert and --tls-key go together");
    }
  }

  /** On loopback, any free port, without TLS. */
  public static GatewayConfig local(Path dataDir) {
    return new GatewayConfig(
        "127.0.0.1",
        0,
        dataDir,
        null,
        null,
        BookLimits.of(TimeUnit.MILLISECONDS.toNanos(DEFAULT_HEARTBEAT_MS)),
        RegistryLimits.DEFAULT,
        CallLimits.DEFAULT);
  }

  public GatewayConfig withAddress(String host, int port) {
    return new GatewayConfig(
        host, port, dataDir, tlsCert, tlsKey, limits, registryLimits, callLimits);
  }

  public GatewayConfig withTls(Path cert, Path key) {
    return new GatewayConfig(host, port, dataDir, cert, key, limits, registryLimits, callLimits);
  }

  public GatewayConfig withLimits(BookLimits limits) {
    return new GatewayConfig(
        host, port, dataDir, tlsCert, tlsKey, limits, registryLimits, callLimits);
  }

  public GatewayConfig withHeartbeatMs(long heartbeatMs) {
    return withLimits(BookLimits.of(TimeUnit.MILLISECONDS.toNanos(heartbeatMs)));
  }

  public GatewayConfig withRegistryLimits(RegistryLimits limits) {
    return new GatewayConfig(host, port, dataDir, tlsCert, tlsKey, this.limits, limits, callLimits);
  }

  public GatewayConfig withCallLimits(CallLimits limits) {
    return new GatewayConfig(
        host, port, dataDir, tlsCert, tlsKey, this.limits, registryLimits, limits);
  }
}
