package io.farwarp.ptx;

import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Whatever bytes come, loading them ends, and gives a module or a {@link PtxException}. Seeded: a
 * failure names the round that repeats it.
 */
final class DamagedInputTest {
  /** Far above what any takes; only a load that does not end reaches it. */
  private static final Duration FOR_EVER = Duration.ofSeconds(60);

  private static final PtxOptions OPTIONS = new PtxOptions(1 << 20, 1 << 22, 1 << 16);
  private static final List<String> TEXTS =
      List.of("finance.ptx", "linear.ptx", "mixed.ptx", "control.ptx", "cooperation.ptx");
  private static final List<String> FATBINS =
      List.of("plain", "zstandard", "lz4", "cubins", "tensor-cores");

  private static List<byte[]> texts() {
    return TEXTS.stream().map(n -> Ptx.resource(n).getBytes(StandardCharsets.UTF_8)).toList();
  }

  private static List<byte[]> fatbins() throws Exception {
    List<byte[]> files = new ArrayList<>();
    for (String name : FATBINS) {
      try (InputStream in = Ptx.class.getResourceAsStream("fatbin/" + name + ".fatbin")) {
        files.add(Objects.requireNonNull(in, name).readAllBytes());
      }
    }
    return files;
  }

  private static void load(byte[] file, String which) {
    try {
      PtxModule.load(file, OPTIONS).close();
    } catch (PtxException refused) {
      Throwable cause = refused.getCause();
      boolean expected =
          !(cause instanceof RuntimeException)
              || cause instanceof NumberFormatException
              || refused.getMessage().contains("too large");
      if (!expected) {
        fail(which, cause);
      }
      assertTrue(refused.line() >= 0, which);
    } catch (RuntimeException | Error unexpected) {
      fail(which, unexpected);
    }
  }

  private static void run(List<byte[]> corpus, long seed, int rounds) {
    Damage damage = new Damage(corpus, seed);
    for (int round = 0; round < rounds; round++) {
      byte[] file = damage.next();
      String which = "seed " + seed + ", round " + round;
      assertTimeoutPreemptively(FOR_EVER, () -> load(file, which), which);
    }
  }

  @Test
  void damaged_text_gives_a_module_or_a_refusal() {
    run(texts(), 1, 1500);
  }

  @Test
  void a_damaged_fatbin_gives_a_module_or_a_refusal() throws Exception {
    run(fatbins(), 2, 3000);
  }

  @Test
  void text_made_to_be_expensive_is_loaded_or_refused() {
    List<byte[]> extremes = Damage.extremes();
    for (int i = 0; i < extremes.size(); i++) {
      byte[] file = extremes.get(i);
      String which = "extreme " + i;
      assertTimeoutPreemptively(FOR_EVER, () -> load(file, which), which);
    }
  }

  @Tag("full")
  @ParameterizedTest
  @ValueSource(longs = {11, 12, 13, 14})
  void much_damage_gives_modules_or_refusals(long seed) throws Exception {
    run(texts(), seed, 5_000);
    run(fatbins(), seed, 20_000);
  }
}
