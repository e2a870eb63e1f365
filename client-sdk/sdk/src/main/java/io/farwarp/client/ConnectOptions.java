package io.farwarp.client;

import com.google.common.net.HostAndPort;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * How to reach a gateway. Immutable; each method returns a changed copy.
 *
 * @param tokenFile file with the credential; empty: $FARWARP_TOKEN_FILE, then
 *     ~/.config/farwarp/token
 * @param tlsCa PEM file with the certificate authority to trust; empty: plaintext, which only a
 *     loopback address is allowed
 * @param requestTimeout limit for a request that does not wait in a queue
 */
public record ConnectOptions(
    HostAndPort address, Optional<Path> tokenFile, Optional<Path> tlsCa, Duration requestTimeout) {

  public static final int DEFAULT_PORT = 7070;

  public static ConnectOptions to(String hostAndPort) {
    return new ConnectOptions(
        HostAndPort.fromString(hostAndPort).withDefaultPort(DEFAULT_PORT),
        Optional.empty(),
        Optional.empty(),
        Duration.ofSeconds(30));
  }

  public ConnectOptions tokenFile(Path file) {
    return new ConnectOptions(address, Optional.of(file), tlsCa, requestTimeout);
  }

  public ConnectOptions tlsCa(Path pem) {
    return new ConnectOptions(address, tokenFile, Optional.of(pem), requestTimeout);
  }

  public ConnectOptions requestTimeout(Duration limit) {
    return new ConnectOptions(address, tokenFile, tlsCa, limit);
  }
}
