package io.farwarp.system;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.farwarp.samples.Sample;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The main job as a user runs it, smaller. */
@Timeout(value = 180, unit = TimeUnit.SECONDS)
class DemoTest {
  private static final long LIMIT_S = 150;

  @TempDir Path directory;

  @ParameterizedTest
  @MethodSource("io.farwarp.system.DataPaths#tested")
  @Tag("data-path")
  void the_demo_prices_every_option_and_reports_its_figures(String transport) throws Exception {
    String out;
    List<ProcessHandle> started;
    try (FarwarpProcess demo =
        FarwarpProcess.start(
            directory,
            Map.of(),
            "demo",
            "--options",
            "300001",
            "--offload",
            transport.equals("shm") ? "0.5" : "auto",
            "--device",
            TestedDevice.OPTION,
            "--transport",
            transport,
            "--local-threads",
            "1",
            "--remote-threads",
            "1",
            "--json")) {
      Cluster.await("the demo has its worker", 60, () -> demo.errors().contains("demo: filling "));
      started = demo.handle().descendants().toList();
      out = demo.finish(0, LIMIT_S);
    }
    assertEquals(3, started.size(), "not a gateway, an agent and a worker: " + started);
    assertEquals(List.of(), started.stream().filter(ProcessHandle::isAlive).toList());
    JsonObject figures = JsonParser.parseString(out).getAsJsonObject();
    assertEquals(300_001, figures.get("options").getAsLong());
    long offloaded = figures.get("offloadedOptions").getAsLong();
    assertTrue(offloaded > 0 && offloaded < 300_001, figures.toString());
    assertTrue(figures.get("dataPath").getAsString().startsWith(transport), figures.toString());
    TestedDevice.assertIs(figures.get("device").getAsString());
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

  @Test
  void a_wrong_price_makes_the_demo_exit_with_1() throws Exception {
    String ptx = new String(Sample.BLACK_SCHOLES.ptx(), StandardCharsets.US_ASCII);
    String firstCoefficientOfTheNormalDistribution = "0f3EA385FA";
    assertTrue(ptx.contains(firstCoefficientOfTheNormalDistribution));
    Path altered = directory.resolve("altered");
    Path file = altered.resolve("io/farwarp/samples/black-scholes/black-scholes.ptx");
    Files.createDirectories(file.getParent());
    Files.writeString(file, ptx.replace(firstCoefficientOfTheNormalDistribution, "0f3F000000"));
    try (FarwarpProcess demo =
        FarwarpProcess.startAltered(
            altered, directory, "demo", "--options", "1000", "--offload", "0.5", "--json")) {
      JsonObject figures = JsonParser.parseString(demo.finish(1, LIMIT_S)).getAsJsonObject();
      long wrong = figures.get("wrongPrices").getAsLong();
      assertTrue(wrong > 0, figures.toString());
      String reason = "farwarp: " + wrong + " of 1000 prices are wrong, the first of option ";
      String lastLine = demo.errors().lines().toList().getLast();
      assertTrue(lastLine.startsWith(reason), lastLine);
    }
  }
}
