package io.farwarp.gateway;

import com.google.common.net.HostAndPort;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code farwarp gateway}: runs a gateway until SIGTERM. */
@Command(
    name = "gateway",
    mixinStandardHelpOptions = true,
    description = {
      "Runs a gateway until SIGTERM: grants leases, keeps functions, watches executors.",
      "Its data directory holds the credentials to hand out: tenant.token for clients, agent.token"
          + " for agents, operator.token for operators."
    })
public final class GatewayCommand implements Callable<Integer> {
  private static final Duration DRAIN = Duration.ofSeconds(10);

  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--listen",
      paramLabel = "HOST:PORT",
      defaultValue = "127.0.0.1:7070",
      description = "Where to listen; port 0: any free one. Default: ${DEFAULT-VALUE}.")
  private String listen = "127.0.0.1:7070";

  @Option(
      names = "--data-dir",
      paramLabel = "DIR",
      description =
          "What it keeps over restarts. Default: $XDG_STATE_HOME/farwarp/gateway, or"
              + " ~/.local/state/farwarp/gateway.")
  private @Nullable Path dataDir;

  @Option(
      names = "--tls-cert",
      paramLabel = "FILE",
      description = "Certificate chain, PEM; wanted for anything but loopback.")
  private @Nullable Path tlsCert;

  @Option(names = "--tls-key", paramLabel = "FILE", description = "Its private key, PEM (PKCS #8).")
  private @Nullable Path tlsKey;

  @Option(
      names = "--heartbeat-ms",
      paramLabel = "N",
      defaultValue = "1000",
      description =
          "How often agents report; one that misses three is silent. 10 to 60000. Default:"
              + " ${DEFAULT-VALUE}.")
  private long heartbeatMs = GatewayConfig.DEFAULT_HEARTBEAT_MS;

  @Override
  public Integer call() throws GatewayException, InterruptedException {
    Gateway gateway = Gateway.create(config());
    gateway.start();
    CountDownLatch stopped = new CountDownLatch(1);
    Thread drain =
        new Thread(
            () -> {
              gateway.stop(DRAIN);
              stopped.countDown();
              // The signal's own status would say that it was killed; it ended as asked.
              Runtime.getRuntime().halt(0);
            },
            "farwarp-gateway-drain");
    Runtime.getRuntime().addShutdownHook(drain);
    PrintWriter out = line().getOut();
    out.println("gateway ready on " + HostAndPort.fromParts(host(), gateway.port()));
    out.flush();
    stopped.await();
    return 0;
  }

  private GatewayConfig config() {
    try {
      HostAndPort address = HostAndPort.fromString(listen);
      GatewayConfig config =
          GatewayConfig.local(dataDir == null ? defaultDataDir() : dataDir)
              .withAddress(address.getHost(), address.getPortOrDefault(GatewayConfig.DEFAULT_PORT))
              .withHeartbeatMs(heartbeatMs);
      Path cert = tlsCert;
      Path key = tlsKey;
      if ((cert == null) != (key == null)) {
        throw new IllegalArgumentException("--tls-cert and --tls-key go together");
      }
      return cert == null || key == null ? config : config.withTls(cert, key);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(line(), String.valueOf(e.getMessage()), e);
    }
  }

  private CommandLine line() {
    return Objects.requireNonNull(spec, "run by picocli").commandLine();
  }

  private String host() {
    return HostAndPort.fromString(listen).getHost();
  }

  /** What a gateway uses that is given no --data-dir. */
  public static Path defaultDataDir() {
    String state = System.getenv("XDG_STATE_HOME");
    Path base =
        state == null || state.isEmpty()
            ? Path.of(System.getProperty("user.home"), ".local", "state")
            : Path.of(state);
    return base.resolve("farwarp").resolve("gateway");
  }
}
