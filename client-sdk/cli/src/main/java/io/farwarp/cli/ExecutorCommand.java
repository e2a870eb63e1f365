package io.farwarp.cli;

import com.google.gson.JsonArray;
import io.farwarp.client.Farwarp;
import io.farwarp.v1.DeviceReport;
import io.farwarp.v1.ExecutorRow;
import java.io.PrintWriter;
import java.util.List;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Executors, as the gateway knows them. */
@Command(
    name = "executor",
    mixinStandardHelpOptions = true,
    description = "List executors and their devices.")
public final class ExecutorCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "'list' is missing");
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
            each.getState(),
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

  private static String device(DeviceReport device) {
    return "%s %s, %d units"
        .formatted(device.getDeviceId(), device.getName(), device.getComputeUnits());
  }
}
