package io.farwarp.system;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The main job as a user runs it, smaller. */
@Timeout(value = 180, unit = TimeUnit.SECONDS)
class DemoTest {
  @TempDir Path directory;

  @ParameterizedTest
  @CsvSource({"shm,0.5", "tcp,auto"})
  void the_demo_prices_every_option_and_reports_its_figures(String transport, String offload)
      throws Exception {
    String out;
    try (FarwarpProcess demo =
        FarwarpProcess.start(
            directory,
            Map.of(),
            "demo",
            "--options",
            "300001",
            "--offload",
            offload,
            "--transport",
            transport,
            "--local-threads",
            "1",
            "--remote-threads",
            "1",
            "--json")) {
      out = demo.finish(0, 150);
      // Its children are gone when it is.
      assertEquals(List.of(), demo.handle().descendants().toList());
    }
    JsonObject figures = JsonParser.parseString(out).getAsJsonObject();
    assertEquals(300_001, figures.get("options").getAsLong());
    long offloaded = figures.get("offloadedOptions").getAsLong();
    assertTrue(offloaded > 0 && offloaded < 300_001, figures.toString());
    assertTrue(figures.get("dataPath").getAsString().startsWith(transport), figures.toString());
    assertEquals("PTX CPU device (no GPU)", figures.get("device").getAsString());
    assertTrue(figures.get("maxAbsError").getAsDouble() < 1e-2, figures.toString());
    assertTrue(
        figures.get("meanAbsError").getAsDouble() <= figures.get("maxAbsError").getAsDouble());
    for (String side : List.of("local", "remote", "both")) {
      assertTrue(
          figures.getAsJsonObject("optionsPerSecond").get(side).getAsDouble() > 0,
          figures.toString());
    }
    for (String name : List.of("speedup", "efficiency")) {
      assertTrue(figures.get(name).getAsDouble() > 0, figures.toString());
    }
    for (String phase :
        List.of("lease", "prepare", "fill", "push", "queue", "kernel", "return", "local")) {
      assertTrue(
          figures.getAsJsonObject("seconds").get(phase).getAsDouble() >= 0, figures.toString());
    }
  }
}
