package io.farwarp.executor.agent;

import io.farwarp.rdma.verbs.RdmaDevices;
import io.farwarp.rdma.verbs.VerbsTransport;
import io.farwarp.v1.HostProbe;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code farwarp agent}: runs until it is told to stop (SIGTERM), then drains. */
@Command(
    name = "agent",
    description = {
      "Offers this host's devices to a gateway; runs until SIGTERM or Ctrl-C.",
      "Then it takes no new lease, and ends when those that run have ended or the drain time-out has"
          + " passed; a second signal ends them at once.",
      "FARWARP_WORKER_JAVA_OPTIONS in the environment holds further options of the workers' JVMs."
    },
    mixinStandardHelpOptions = true)
public final class AgentCommand implements Callable<Integer> {
  private static final Logger LOG = System.getLogger(AgentCommand.class.getName());
  private static final Pattern HOST_PORT = Pattern.compile("\\[?([^\\]]+)\\]?:([0-9]{1,5})");
  private static final Pattern SIZE = Pattern.compile("([0-9]{1,15})\\s*([KMGT]i?B?|B)?");
  private static final int MAX_ID = 64;
  private static final int MAX_DRAIN_S = 86_400;

  /** So that a socket in a worker's directory fits the 107 bytes of sockaddr_un. */
  private static final int MAX_DATA_DIRECTORY = 80;

  @Spec private @Nullable CommandSpec spec;

  @Option(names = "--gateway", required = true, paramLabel = "HOST:PORT")
  private String gateway = "";

  @Option(
      names = "--token-file",
      paramLabel = "FILE",
      description = "Holds the agent's credential; default: $FARWARP_TOKEN_FILE.")
  private @Nullable Path tokenFile;

  @Option(
      names = "--id",
      paramLabel = "ID",
      description = "Name of this executor, stable over restarts; default: the host's name.")
  private @Nullable String id;

  @Option(
      names = "--device",
      paramLabel = "cuda|ptx|all",
      description =
          "What is offered: this host's GPUs, its cores as the PTX CPU device, or both as far as"
              + " they are there; default: ${DEFAULT-VALUE}.")
  private String offered = "all";

  @Option(
      names = "--ptx-threads",
      paramLabel = "N",
      description = "Threads of the PTX CPU device; default: this host's cores.")
  private int ptxThreads;

  @Option(
      names = "--deterministic",
      description =
          "For debugging: kernels on the PTX CPU device run on one thread, in one order of blocks"
              + " and threads.")
  private boolean deterministic;

  @Option(
      names = "--window-memory",
      paramLabel = "SIZE",
      description =
          "Memory that leases' windows may take together (4G, 512M); default: a quarter of what is"
              + " free, for a worker may take as much again beside its window.")
  private @Nullable String windowMemory;

  @Option(
      names = "--max-workers",
      paramLabel = "N",
      description =
          "Worker processes that may run together, 1 to 4096; default: as many as fit into what is"
              + " free beside twice the windows, at 1 GiB each.")
  private @Nullable Integer maxWorkers;

  @Option(
      names = "--data-dir",
      paramLabel = "DIR",
      description =
          "For packages and sockets; default: $XDG_RUNTIME_DIR/farwarp-ID or /tmp/farwarp-UID-ID.")
  private @Nullable Path dataDirectory;

  @Option(
      names = "--tcp-host",
      paramLabel = "HOST",
      description = "Address that workers bind tcp to, or 'none'; default: ${DEFAULT-VALUE}.")
  private String tcpHost = "127.0.0.1";

  @Option(
      names = "--verbs-host",
      paramLabel = "ADDRESS",
      description =
          "IPv4 address of the RDMA device that workers listen on, 'auto' for that of the first"
              + " device, if there is one, or 'none'; default: ${DEFAULT-VALUE}.")
  private String verbsHost = "none";

  @Option(
      names = "--tls-ca",
      paramLabel = "FILE",
      description = "Certificate authority of the gateway; needed unless it is on loopback.")
  private @Nullable Path tlsAuthority;

  @Option(
      names = "--drain-timeout",
      paramLabel = "SECONDS",
      description = "How long leases may go on after SIGTERM; default: ${DEFAULT-VALUE}.")
  private int drainSeconds = 30;

  @Override
  public Integer call() throws IOException, InterruptedException {
    AgentOptions options = options();
    Agent agent = Agent.start(options);
    // However this JVM ends, if it is not killed, no worker directory stays.
    Runtime.getRuntime()
        .addShutdownHook(Thread.ofPlatform().name("agent-stop").unstarted(agent::close));
    AtomicBoolean stopping = new AtomicBoolean();
    StopSignals.onEach(() ->
        agent.drain(stopping.getAndSet(true) ? Duration.ZERO : Duration.ofSeconds(drainSeconds)));
    try (agent) {
      var _ = CompletableFuture.anyOf(agent.attached(), agent.drained()).get();
      if (!agent.drained().isDone()) {
        PrintWriter out = commandSpec().commandLine().getOut();
        out.println(
            "agent ready as %s on %s:%d"
                .formatted(options.executorId(), options.gatewayHost(), options.gatewayPort()));
        out.flush();
      }
      agent.drained().get();
      return 0;
    } catch (ExecutionException e) {
      Throwable cause = e.getCause();
      throw cause instanceof IOException io ? io : new IOException(cause);
    }
  }

  private CommandSpec commandSpec() {
    if (spec == null) {
      throw new IllegalStateException("not run by picocli");
    }
    return spec;
  }

  private AgentOptions options() throws IOException, InterruptedException {
    if (!List.of("cuda", "ptx", "all").contains(offered)) {
      throw usage("--device takes cuda, ptx or all, not '" + offered + "'");
    }
    Matcher address = HOST_PORT.matcher(gateway);
    if (!address.matches()) {
      throw usage("--gateway takes HOST:PORT, not '" + gateway + "'");
    }
    int port = Integer.parseInt(address.group(2));
    if (port < 1 || port > 65_535) {
      throw usage("port %d; 1 to 65535".formatted(port));
    }
    String executorId = executorId();
    Path directory = dataDirectory == null ? defaultDirectory(executorId) : dataDirectory;
    directory = directory.toAbsolutePath();
    if (directory.toString().length() > MAX_DATA_DIRECTORY) {
      throw usage(
          "--data-dir %s has %d characters; %d at most, because socket paths are limited"
              .formatted(directory, directory.toString().length(), MAX_DATA_DIRECTORY));
    }
    if (deterministic && ptxThreads > 1) {
      throw usage("--deterministic runs on one thread, not --ptx-threads %d".formatted(ptxThreads));
    }
    int threads =
        deterministic
            ? 1
            : ptxThreads == 0 ? Runtime.getRuntime().availableProcessors() : ptxThreads;
    if (threads < 1 || threads > 4096) {
      throw usage("--ptx-threads %d; 1 to 4096".formatted(threads));
    }
    long memory = windowMemory == null ? HostMemory.defaultWindowBytes() : sizeBytes(windowMemory);
    if (drainSeconds < 0 || drainSeconds > MAX_DRAIN_S) {
      throw usage("--drain-timeout %d; 0 to %d".formatted(drainSeconds, MAX_DRAIN_S));
    }
    int workers = maxWorkers == null ? HostMemory.defaultMaxWorkers(memory) : maxWorkers;
    if (workers < 1 || workers > HostMemory.MAX_WORKERS) {
      throw usage("--max-workers %d; 1 to %d".formatted(workers, HostMemory.MAX_WORKERS));
    }
    return new AgentOptions(
        address.group(1),
        port,
        executorId,
        token(),
        threads,
        devices(threads, memory, directory),
        memory,
        workers,
        directory,
        tcpHost.equals("none") ? "" : tcpHost,
        verbsAddress(),
        Optional.ofNullable(tlsAuthority));
  }

  private List<AgentDevice> devices(int threads, long memory, Path directory)
      throws IOException, InterruptedException {
    List<AgentDevice> devices = new ArrayList<>();
    if (!offered.equals("ptx")) {
      HostProbe probe = ProbeProcess.run();
      devices.addAll(AgentDevice.ofGpus(probe, directory.resolve("cuda-cache")));
      if (devices.isEmpty() && offered.equals("cuda")) {
        throw usage("--device cuda: " + probe.getCudaMissing());
      }
      LOG.log(Level.INFO, "GPUs: {0}", devices.isEmpty() ? probe.getCudaMissing() : devices.size());
    }
    if (!offered.equals("cuda")) {
      devices.add(AgentDevice.ofCores(threads, memory));
    }
    return devices;
  }

  private String verbsAddress() throws IOException {
    if (verbsHost.equals("none")) {
      return "";
    }
    String unusable = new VerbsTransport().unavailable().orElse("");
    if (verbsHost.equals("auto")) {
      String found = unusable.isEmpty() ? RdmaDevices.firstAddress().orElse("") : "";
      if (found.isEmpty()) {
        LOG.log(
            Level.WARNING,
            "workers offer no verbs: {0}",
            unusable.isEmpty() ? "no RDMA device has an IPv4 address" : unusable);
      }
      return found;
    }
    if (!unusable.isEmpty()) {
      throw usage("--verbs-host %s: %s".formatted(verbsHost, unusable));
    }
    return verbsHost;
  }

  private String token() throws IOException {
    Path file = tokenFile;
    if (file == null) {
      String fromEnvironment = System.getenv("FARWARP_TOKEN_FILE");
      if (fromEnvironment == null) {
        throw usage("no credential: give --token-file or set FARWARP_TOKEN_FILE");
      }
      file = Path.of(fromEnvironment);
    }
    return Files.readString(file).strip();
  }

  private String executorId() {
    String name = id == null ? hostName() : id;
    String allowed = name.replaceAll("[^A-Za-z0-9._-]", "-");
    if (id != null && !allowed.equals(id)) {
      throw usage("--id '" + id + "' has other characters than A-Z a-z 0-9 . _ -");
    }
    if (allowed.isEmpty() || (id != null && allowed.length() > MAX_ID)) {
      throw usage("--id takes 1 to %d characters".formatted(MAX_ID));
    }
    return allowed.substring(0, Math.min(MAX_ID, allowed.length()));
  }

  private static String hostName() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      return "executor";
    }
  }

  private static Path defaultDirectory(String executorId) throws IOException {
    String runtime = System.getenv("XDG_RUNTIME_DIR");
    if (runtime != null && Files.isWritable(Path.of(runtime))) {
      return Path.of(runtime, "farwarp-" + executorId);
    }
    Object uid = Files.getAttribute(Path.of("/proc/self"), "unix:uid");
    return Path.of("/tmp", "farwarp-" + uid + "-" + executorId);
  }

  private long sizeBytes(String text) {
    Matcher size = SIZE.matcher(text.strip());
    if (!size.matches()) {
      throw usage("--window-memory '" + text + "' is no size such as 4G or 512M");
    }
    String unit = size.group(2);
    int shift =
        unit == null
            ? 0
            : switch (unit.charAt(0)) {
              case 'K' -> 10;
              case 'M' -> 20;
              case 'G' -> 30;
              case 'T' -> 40;
              default -> 0;
            };
    long number = Long.parseLong(size.group(1));
    if (number == 0 || number > Long.MAX_VALUE >> shift) {
      throw usage("--window-memory '" + text + "' is out of range");
    }
    return number << shift;
  }

  private ParameterException usage(String problem) {
    return new ParameterException(commandSpec().commandLine(), problem);
  }
}
