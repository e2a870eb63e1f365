package io.farwarp.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class GatewayBenchTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int bench(String... arguments) {
    List<String> all = new ArrayList<>(List.of("bench", "gateway"));
    all.addAll(List.of(arguments));
    CommandLine command = Main.commandLine();
    command.setOut(new PrintWriter(out, true));
    command.setErr(new PrintWriter(err, true));
    return command.execute(all.toArray(String[]::new));
  }

  @Test
  void short_run_has_every_figure_and_a_plot(@TempDir Path directory) throws Exception {
    Path plot = directory.resolve("plot.svg");
    assertEquals(0, bench("--short", "--json", "--plot", plot.toString()), err::toString);
    JsonArray rows = JsonParser.parseString(out.toString()).getAsJsonArray();
    assertEquals(7, rows.size(), out.toString());
    for (JsonElement row : rows) {
      // The kernel counts processor time in hundredths of a second.
      boolean cores = row.getAsJsonObject().get("unit").getAsString().equals("cores");
      double ours = row.getAsJsonObject().get("ours").getAsDouble();
      assertTrue(cores ? ours >= 0 : ours > 0, row.toString());
    }
    String drawn = Files.readString(plot);
    assertTrue(drawn.startsWith("<svg ") && drawn.endsWith("</svg>\n"), drawn);
  }

  @Test
  void fleet_of_another_size_is_refused() {
    assertEquals(1, bench("--agents", "0"));
    assertTrue(err.toString().contains("--agents 0; it takes 1 to 10000"), err.toString());
  }
}
