package io.farwarp.cli.bench;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.farwarp.cli.CommandException;
import io.farwarp.cli.JavaCommand;
import io.farwarp.cli.Main;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * The demo's own figures, from a run of it: one local and one remote thread, balanced by itself.
 */
final class DemoBench {
  private final BenchProgress progress;

  DemoBench(BenchProgress progress) {
    this.progress = progress;
  }

  List<BenchRow> rows() throws IOException {
    progress.say("the demo with 1 local and 1 remote thread, --offload auto");
    Process demo =
        new ProcessBuilder(
                JavaCommand.of(
                    Main.class,
                    List.of(),
                    List.of(
                        "demo",
                        "--offload",
                        "auto",
                        "--local-threads",
                        "1",
                        "--remote-threads",
                        "1",
                        "--json")))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    String out = new String(demo.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    try {
      if (demo.waitFor() != 0) {
        throw new CommandException("the demo failed with exit code " + demo.exitValue());
      }
    } catch (InterruptedException interrupted) {
      demo.destroy();
      Thread.currentThread().interrupt();
      throw new CommandException("interrupted");
    }
    JsonObject figures = JsonParser.parseString(out).getAsJsonObject();
    JsonObject rates = figures.getAsJsonObject("optionsPerSecond");
    double efficiency = figures.get("efficiency").getAsDouble();
    double local = rates.get("local").getAsDouble() / 1e6;
    double both = rates.get("both").getAsDouble() / 1e6;
    return List.of(
        BenchRow.stated("demo, auto, 1 + 1 threads: efficiency", "", efficiency, Double.NaN)
            .reaching("0.95", efficiency >= 0.95),
        BenchRow.compared(
            "demo, auto, 1 + 1 threads: local and remote together",
            "M/s",
            both,
            Double.NaN,
            local,
            "local alone, 1 thread"));
  }
}
