package io.farwarp.cli;

import com.google.gson.JsonArray;
import io.farwarp.client.Farwarp;
import io.farwarp.v1.LeaseRow;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Leases, as the gateway knows them. */
@Command(name = "lease", mixinStandardHelpOptions = true, description = "List and revoke leases.")
public final class LeaseCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "lease what? list or revoke");
  }

  @Command(
      name = "revoke",
      mixinStandardHelpOptions = true,
      description = "End a lease, whoever holds it; takes an operator's credential.")
  void revoke(
      @Mixin GatewayOptions gateway,
      @Parameters(paramLabel = "LEASE") String lease,
      @Option(
              names = "--reason",
              paramLabel = "TEXT",
              defaultValue = "revoked by an operator",
              description = "What its holder is told (default: ${DEFAULT-VALUE}).")
          String reason,
      @Option(
              names = "--grace",
              paramLabel = "TIME",
              converter = DurationText.class,
              defaultValue = "0s",
              description = "How long its holder may go on with it (default: ${DEFAULT-VALUE}).")
          Duration grace) {
    try (Farwarp farwarp = gateway.connect()) {
      farwarp.operator().revoke(lease, grace, reason);
    }
  }

  @Command(
      name = "list",
      mixinStandardHelpOptions = true,
      description = "List your leases; with an operator's credential, everyone's.")
  void list(
      @Mixin GatewayOptions gateway,
      @Option(names = "--ended", description = "Also leases that have ended.") boolean ended,
      @Option(names = "--json", description = "Print a JSON array.") boolean json) {
    try (Farwarp farwarp = gateway.connect()) {
      List<LeaseRow> leases = farwarp.leases(ended);
      PrintWriter out = spec.commandLine().getOut();
      if (json) {
        JsonArray array = new JsonArray();
        leases.forEach(each -> array.add(Json.of(each)));
        Json.print(out, array);
        return;
      }
      TextTable table =
          new TextTable(
              "LEASE",
              "TENANT",
              "STATE",
              "EXECUTOR",
              "DEVICE",
              "WINDOW>",
              "WORKERS>",
              "SHARE>",
              "LEFT>",
              "PLACE>",
              "WAIT>",
              "REASON");
      for (LeaseRow each : leases) {
        table.row(
            each.getLeaseId(),
            each.getTenant(),
            each.getState(),
            each.getExecutorId(),
            each.getDeviceId(),
            Quantities.bytes(each.getWindowBytes()),
            each.getWorkers(),
            Quantities.format("%.1f %%", each.getShareMillis() / 10.0),
            each.getRemainingMs() == 0
                ? ""
                : Quantities.format("%.0f s", each.getRemainingMs() / 1e3),
            each.getPlace() == 0 ? "" : each.getPlace(),
            each.getEstimateMs() == 0
                ? ""
                : Quantities.format("~%.0f s", each.getEstimateMs() / 1e3),
            each.getReason());
      }
      out.print(table);
      out.flush();
    }
  }
}
