package io.farwarp.cli;

import com.google.gson.JsonArray;
import io.farwarp.client.Farwarp;
import io.farwarp.executor.agent.ProbeProcess;
import io.farwarp.v1.CudaGpu;
import io.farwarp.v1.DeviceReport;
import io.farwarp.v1.ExecutorRow;
import io.farwarp.v1.HostProbe;
import io.farwarp.wire.ComputeCapability;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Executors, as the gateway knows them. */
@Command(
    name = "executor",
    mixinStandardHelpOptions = true,
    description =
        "List executors, take them out of service and back; look for this host's devices.")
public final class ExecutorCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "executor what? list, cordon, uncordon, drain or probe");
  }

  @Command(
      name = "list",
      mixinStandardHelpOptions = true,
      description = "List executors, their devices and what of them is leased.")
  void list(
      @Mixin GatewayOptions gateway,
      @Option(names = "--json", description = "Print a JSON array.") boolean json) {
    try (Farwarp farwarp = gateway.connect()) {
      List<ExecutorRow> executors = farwarp.executors();
      PrintWriter out = spec.commandLine().getOut();
      if (json) {
        JsonArray array = new JsonArray();
        executors.forEach(each -> array.add(Json.of(each)));
        Json.print(out, array);
        return;
      }
      TextTable table =
          new TextTable(
              "EXECUTOR",
              "STATE",
              "LEASES>",
              "WORKERS>",
              "WINDOWS USED>",
              "OF>",
              "HEARTBEAT>",
              "DEVICES");
      for (ExecutorRow each : executors) {
        table.row(
            each.getExecutorId(),
            each.getState()
                + (each.getCordonReason().isEmpty() ? "" : " (" + each.getCordonReason() + ")"),
            each.getLeases(),
            each.getWorkers() + "/" + each.getMaxWorkers(),
            Quantities.bytes(each.getWindowUsedBytes()),
            Quantities.bytes(each.getWindowCapacityBytes()),
            Quantities.format("%.1f s ago", each.getLastHeartbeatAgoMs() / 1e3),
            each.getDevicesList().stream()
                .map(ExecutorCommand::device)
                .collect(Collectors.joining("; ")));
      }
      out.print(table);
      out.flush();
    }
  }

  @Command(
      name = "cordon",
      mixinStandardHelpOptions = true,
      description =
          "Let nothing new be placed on an executor; its leases go on. Takes an operator's credential.")
  void cordon(
      @Mixin GatewayOptions gateway,
      @Parameters(paramLabel = "EXECUTOR") String executor,
      @Option(
              names = "--reason",
              paramLabel = "TEXT",
              defaultValue = "cordoned by an operator",
              description = "What 'executor list' shows (default: ${DEFAULT-VALUE}).")
          String reason) {
    try (Farwarp farwarp = gateway.connect()) {
      farwarp.operator().cordon(executor, reason);
    }
  }

  @Command(
      name = "uncordon",
      mixinStandardHelpOptions = true,
      description = "Undo 'cordon' and 'drain'; takes an operator's credential.")
  void uncordon(
      @Mixin GatewayOptions gateway, @Parameters(paramLabel = "EXECUTOR") String executor) {
    try (Farwarp farwarp = gateway.connect()) {
      farwarp.operator().uncordon(executor);
    }
  }

  @Command(
      name = "drain",
      mixinStandardHelpOptions = true,
      description =
          "Cordon an executor, and end its leases by a deadline; takes an operator's credential.")
  void drain(
      @Mixin GatewayOptions gateway,
      @Parameters(paramLabel = "EXECUTOR") String executor,
      @Option(
              names = "--grace",
              paramLabel = "TIME",
              converter = DurationText.class,
              defaultValue = "60s",
              description =
                  "How long their holders may go on with them (default: ${DEFAULT-VALUE}).")
          Duration grace,
      @Option(
              names = "--reason",
              paramLabel = "TEXT",
              defaultValue = "its executor is drained",
              description = "What their holders are told (default: ${DEFAULT-VALUE}).")
          String reason) {
    try (Farwarp farwarp = gateway.connect()) {
      farwarp.operator().drain(executor, grace, reason);
    }
  }

  @Command(
      name = "probe",
      mixinStandardHelpOptions = true,
      description = "Look for the GPUs of this host, as an agent does when it starts.")
  int probe(@Option(names = "--json", description = "Print a JSON object.") boolean json)
      throws IOException, InterruptedException {
    HostProbe found = ProbeProcess.run();
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      Json.print(out, Json.of(found));
      return 0;
    }
    if (!found.getCudaMissing().isEmpty()) {
      out.println("CUDA       " + found.getCudaMissing());
    } else {
      out.println(
          "CUDA       %d.%d"
              .formatted(found.getCudaVersion() / 1000, found.getCudaVersion() % 1000 / 10));
      out.println(
          "MPS        "
              + (found.getMpsPipeDirectory().isEmpty()
                  ? "no control daemon: shares of a GPU are a hint, the driver slices time"
                  : "control daemon at " + found.getMpsPipeDirectory()));
      found.getGpusList().forEach(gpu -> out.print(gpu(gpu)));
    }
    out.flush();
    return 0;
  }

  private static String gpu(CudaGpu gpu) {
    return """
    %s
      uuid       %s, PCI %s
      compute    %s, %d multiprocessors, up to %d MHz
      memory     %s
      GPUDirect  %s
    """
        .formatted(
            gpu.getName(),
            gpu.getUuid(),
            gpu.getPciBusId(),
            ComputeCapability.text(gpu.getComputeCapability()),
            gpu.getMultiprocessors(),
            gpu.getClockKhz() / 1000,
            Quantities.bytes(gpu.getMemoryBytes()),
            gpu.getGpudirectRdma() ? "possible" : "not possible");
  }

  private static String device(DeviceReport device) {
    return "%s %s, %s%d units%s"
        .formatted(
            device.getDeviceId(),
            device.getName(),
            device.getComputeCapability() == 0
                ? ""
                : "compute " + ComputeCapability.text(device.getComputeCapability()) + ", ",
            device.getComputeUnits(),
            device.getOutOfService().isEmpty()
                ? ""
                : ", out of service: " + device.getOutOfService());
  }
}
