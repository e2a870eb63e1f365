package io.farwarp.cli;

import io.farwarp.client.ConnectOptions;
import io.farwarp.client.Farwarp;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of every command that talks to a gateway. */
public final class GatewayOptions {
  @Option(
      names = "--gateway",
      paramLabel = "HOST:PORT",
      defaultValue = "${env:FARWARP_GATEWAY:-127.0.0.1:7070}",
      description = "The gateway (default: $FARWARP_GATEWAY, then 127.0.0.1:7070).")
  private String gateway;

  @Option(
      names = "--token-file",
      paramLabel = "FILE",
      description =
          "File with the credential (default: $FARWARP_TOKEN_FILE, then ~/.config/farwarp/token).")
  private @Nullable Path tokenFile;

  @Option(
      names = "--tls-ca",
      paramLabel = "FILE",
      description = "PEM file with the authority to trust; without it only loopback is allowed.")
  private @Nullable Path tlsCa;

  /** Connects; the caller closes it. */
  public Farwarp connect() {
    ConnectOptions options;
    try {
      options = ConnectOptions.to(gateway);
    } catch (IllegalArgumentException e) {
      throw new CommandException("--gateway " + gateway + " is no HOST:PORT", e);
    }
    if (tokenFile != null) {
      options = options.tokenFile(tokenFile);
    }
    if (tlsCa != null) {
      options = options.tlsCa(tlsCa);
    }
    return Farwarp.connect(options);
  }
}
