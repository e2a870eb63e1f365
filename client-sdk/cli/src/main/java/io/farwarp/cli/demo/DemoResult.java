package io.farwarp.cli.demo;

import com.google.gson.JsonObject;
import io.farwarp.cli.Quantities;
import io.farwarp.cli.TextTable;
import io.farwarp.client.DataPath;
import io.farwarp.client.Offload;
import io.farwarp.samples.OptionBook;
import io.farwarp.samples.PriceErrors;
import java.util.LinkedHashMap;
import java.util.Map;

/** What the demo found out, as a table for people and as JSON. */
record DemoResult(
    String device,
    DataPath dataPath,
    int localThreads,
    int remoteThreads,
    double leaseSeconds,
    double prepareSeconds,
    double fillSeconds,
    double pushSeconds,
    double returnSeconds,
    double verifySeconds,
    Rates rates,
    PriceErrors errors) {

  private PricingJob.Run run() {
    return Rates.median(rates.both());
  }

  /** Seconds by phase; those of the worker are sums over the chunks of the median run. */
  private Map<String, Double> seconds() {
    Map<String, Double> seconds = new LinkedHashMap<>();
    seconds.put("lease", leaseSeconds);
    seconds.put("prepare", prepareSeconds);
    seconds.put("fill", fillSeconds);
    seconds.put("push", pushSeconds);
    seconds.put("queue", run().queue());
    seconds.put("kernel", run().kernel());
    seconds.put("return", returnSeconds);
    seconds.put("local", run().result().local().seconds());
    seconds.put("both", run().result().seconds());
    seconds.put("verify", verifySeconds);
    return seconds;
  }

  JsonObject json() {
    Offload.Result both = run().result();
    JsonObject object = new JsonObject();
    object.addProperty("options", errors.options());
    object.addProperty("offloadedOptions", both.remote().indices());
    object.addProperty("dataPath", dataPath.transport());
    object.addProperty("dataPathReason", dataPath.reason());
    object.addProperty("device", device);
    object.addProperty("localThreads", localThreads);
    object.addProperty("remoteThreads", remoteThreads);
    object.addProperty("wrongPrices", errors.wrong());
    object.addProperty("maxAbsError", errors.greatest());
    object.addProperty("meanAbsError", errors.mean());
    JsonObject rate = new JsonObject();
    rate.addProperty("local", Rates.perSecond(rates.local()));
    rate.addProperty("remote", Rates.perSecond(rates.remote()));
    rate.addProperty("both", Rates.perSecond(rates.both()));
    rate.addProperty("plainThreads", Rates.perSecond(rates.plain()));
    object.add("optionsPerSecond", rate);
    object.addProperty("speedup", rates.speedup());
    object.addProperty("idealSpeedup", ideal());
    object.addProperty("efficiency", rates.efficiency(localThreads, remoteThreads));
    JsonObject phases = new JsonObject();
    seconds().forEach(phases::addProperty);
    object.add("seconds", phases);
    return object;
  }

  private double ideal() {
    return (double) (localThreads + remoteThreads) / localThreads;
  }

  String text() {
    Offload.Result both = run().result();
    StringBuilder text = new StringBuilder();
    text.append("device     ").append(device).append('\n');
    text.append("data path  ").append(dataPath).append("\n\n");
    TextTable sides = new TextTable("side", "threads>", "options>", "bytes in>", "bytes out>");
    side(sides, "local", localThreads, both.local());
    side(sides, "worker", remoteThreads, both.remote());
    text.append(sides).append('\n');
    TextTable phases = new TextTable("phase", "time>", "");
    seconds().forEach((phase, s) -> phases.row(phase, Quantities.duration(s), meaning(phase)));
    text.append(phases).append('\n');
    TextTable speed = new TextTable("run", "M options/s>", "");
    speed.row("local alone", millions(Rates.perSecond(rates.local())), "");
    speed.row("worker alone", millions(Rates.perSecond(rates.remote())), "");
    speed.row(
        "both",
        millions(Rates.perSecond(rates.both())),
        Quantities.format(
            "%.2f x local alone; %.0f %% of the ideal %.2f x",
            rates.speedup(), 100 * rates.speedup() / ideal(), ideal()));
    speed.row(
        (localThreads + remoteThreads) + " plain threads",
        millions(Rates.perSecond(rates.plain())),
        "all in this process, for comparison");
    text.append(speed).append('\n');
    text.append(
        Quantities.format(
            "efficiency %.3f: both over the sum of each alone, relative to plain threads%n",
            rates.efficiency(localThreads, remoteThreads)));
    text.append(
        Quantities.format(
            "error      greatest %.2e, mean %.2e, over all %,d options against double precision%n",
            errors.greatest(), errors.mean(), errors.options()));
    return text.toString();
  }

  private static void side(TextTable table, String name, int threads, Offload.Side side) {
    table.row(
        name,
        threads,
        Quantities.format("%,d", side.indices()),
        Quantities.bytes(side.indices() * OptionBook.INPUTS * Float.BYTES),
        Quantities.bytes(side.indices() * Float.BYTES));
  }

  private static String millions(double perSecond) {
    return Quantities.format("%.1f", perSecond / 1e6);
  }

  private static String meaning(String phase) {
    return switch (phase) {
      case "lease" -> "from the request to the grant";
      case "prepare" -> "worker process, window, function compiled and warmed up";
      case "fill" -> "making the options";
      case "push" -> "the offloaded inputs to the worker, alone";
      case "queue" -> "chunks waiting behind the one before, summed";
      case "kernel" -> "launches, summed";
      case "return" -> "their prices back, alone";
      case "local" -> "until the local side had done its part";
      case "both" -> "until all options were priced";
      case "verify" -> "every price against the reference";
      default -> "";
    };
  }
}
