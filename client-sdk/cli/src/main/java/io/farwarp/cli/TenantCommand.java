package io.farwarp.cli;

import com.google.gson.JsonArray;
import io.farwarp.client.Farwarp;
import io.farwarp.v1.TenantPolicy;
import io.farwarp.v1.TenantRow;
import java.io.PrintWriter;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Tenants: their weights and quotas, and what they use. */
@Command(
    name = "tenant",
    mixinStandardHelpOptions = true,
    description = "Show what tenants hold and have used; set their weights and quotas.")
public final class TenantCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "tenant what? list or set");
  }

  @Command(
      name = "list",
      mixinStandardHelpOptions = true,
      description = "Show your weight, quotas and use; with an operator's credential, everyone's.")
  void list(
      @Mixin GatewayOptions gateway,
      @Option(names = "--json", description = "Print a JSON array.") boolean json) {
    try (Farwarp farwarp = gateway.connect()) {
      List<TenantRow> tenants = farwarp.tenants();
      PrintWriter out = spec.commandLine().getOut();
      if (json) {
        JsonArray array = new JsonArray();
        tenants.forEach(each -> array.add(Json.of(each)));
        Json.print(out, array);
        return;
      }
      TextTable table =
          new TextTable(
              "TENANT", "WEIGHT>", "LEASES>", "WINDOWS>", "DEVICE TIME>", "QUEUED>", "REQUESTS/S>");
      for (TenantRow each : tenants) {
        TenantPolicy policy = each.getPolicy();
        table.row(
            policy.getTenant(),
            policy.getWeight(),
            each.getLeases() + of(policy.getMaxLeases(), "" + policy.getMaxLeases()),
            Quantities.bytes(each.getWindowBytes())
                + of(policy.getMaxWindowBytes(), Quantities.bytes(policy.getMaxWindowBytes())),
            Quantities.format("%.1f s", each.getDeviceMs() / 1e3)
                + of(policy.getMaxDeviceSeconds(), policy.getMaxDeviceSeconds() + " s"),
            each.getQueued(),
            policy.getMaxRequestsPerSecond() == 0
                ? "any"
                : "up to " + policy.getMaxRequestsPerSecond());
      }
      out.print(table);
      out.flush();
    }
  }

  private static String of(long quota, String text) {
    return quota == 0 ? "" : " of " + text;
  }

  @Command(
      name = "set",
      mixinStandardHelpOptions = true,
      description =
          "Set a tenant's weight and quotas; what is not named stays. A quota of 0 is none. Takes an"
              + " operator's credential.")
  void set(
      @Mixin GatewayOptions gateway,
      @Parameters(paramLabel = "TENANT") String tenant,
      @Option(
              names = "--weight",
              paramLabel = "N",
              description =
                  "How much it may hold compared with others when several want it, 1 to 1000.")
          @Nullable Integer weight,
      @Option(
              names = "--max-leases",
              paramLabel = "N",
              description = "Leases that it may hold at a time.")
          @Nullable Integer leases,
      @Option(
              names = "--max-window",
              paramLabel = "SIZE",
              converter = SizeText.class,
              description = "Bytes of windows that these may have together: 512M, 64G.")
          @Nullable Long windowBytes,
      @Option(
              names = "--max-device-seconds",
              paramLabel = "N",
              description = "Device time (share times active time) until its use is reset.")
          @Nullable Long deviceSeconds,
      @Option(
              names = "--max-requests",
              paramLabel = "N",
              description = "Requests for leases a second.")
          @Nullable Integer requests,
      @Option(
              names = "--reset-use",
              description = "Device time that it has used so far counts no more.")
          boolean resetUse) {
    try (Farwarp farwarp = gateway.connect()) {
      TenantPolicy.Builder policy =
          farwarp.tenants().stream()
              .map(TenantRow::getPolicy)
              .filter(each -> each.getTenant().equals(tenant))
              .findFirst()
              .map(TenantPolicy::toBuilder)
              .orElseGet(() -> TenantPolicy.newBuilder().setTenant(tenant));
      if (weight != null) {
        policy.setWeight(weight);
      }
      if (leases != null) {
        policy.setMaxLeases(leases);
      }
      if (windowBytes != null) {
        policy.setMaxWindowBytes(windowBytes);
      }
      if (deviceSeconds != null) {
        policy.setMaxDeviceSeconds(deviceSeconds);
      }
      if (requests != null) {
        policy.setMaxRequestsPerSecond(requests);
      }
      farwarp.operator().setTenant(policy.build(), resetUse);
    }
  }
}
