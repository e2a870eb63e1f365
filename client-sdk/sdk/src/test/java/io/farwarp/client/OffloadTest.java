package io.farwarp.client;

import static io.farwarp.client.Argument.in;
import static io.farwarp.client.Argument.out;
import static io.farwarp.v1.ElementType.F32;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.OptionalDouble;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OffloadTest {
  private static final int N = 100_000;

  /**
   * Lanes of given rates take chunks on a clock of their own: every index once, and all lanes end
   * together but for a small part.
   */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void sides_that_balance_cover_everything_once_and_end_together(long seed) {
    Random random = new Random(seed);
    int n = 1_000_000 + random.nextInt(1_000_000);
    int localLanes = 1 + random.nextInt(3);
    int remoteLanes = 1 + random.nextInt(3);
    double[] rates = new double[localLanes + remoteLanes];
    for (int lane = 0; lane < rates.length; lane++) {
      rates[lane] = 1e6 * (lane < localLanes ? 1 : 0.2 + 5 * random.nextDouble());
    }
    OffloadRange range =
        new OffloadRange(
            n,
            new OffloadRange.Chunking(64, 64, Long.MAX_VALUE),
            OptionalDouble.empty(),
            localLanes,
            remoteLanes);
    BitSet seen = new BitSet(n);
    double[] clock = new double[rates.length];
    boolean[] done = new boolean[rates.length];
    for (int left = rates.length; left > 0; ) {
      int lane = earliest(clock, done);
      OffloadRange.Chunk chunk = range.next(lane);
      if (chunk == null) {
        done[lane] = true;
        left--;
        continue;
      }
      cover(seen, chunk);
      double seconds = chunk.size() / rates[lane];
      clock[lane] += seconds;
      range.done(lane, chunk, seconds);
    }
    assertEquals(n, seen.cardinality());
    double first = java.util.Arrays.stream(clock).min().orElseThrow();
    double last = java.util.Arrays.stream(clock).max().orElseThrow();
    assertTrue(first > 0.97 * last, first + " s, " + last + " s");
  }

  private static int earliest(double[] clock, boolean[] done) {
    int best = -1;
    for (int lane = 0; lane < clock.length; lane++) {
      if (!done[lane] && (best < 0 || clock[lane] < clock[best])) {
        best = lane;
      }
    }
    return best;
  }

  private static void cover(BitSet seen, OffloadRange.Chunk chunk) {
    assertTrue(chunk.size() > 0);
    assertEquals(0, chunk.from() % 64);
    assertEquals(-1, previousIn(seen, chunk), "taken twice");
    seen.set((int) chunk.from(), (int) chunk.to());
  }

  private static int previousIn(BitSet seen, OffloadRange.Chunk chunk) {
    int next = seen.nextSetBit((int) chunk.from());
    return next >= 0 && next < chunk.to() ? next : -1;
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 0.25, 0.5, 1})
  void fixed_fraction_is_kept_to_the_grain(double fraction) {
    OffloadRange range =
        new OffloadRange(
            1_000_003,
            new OffloadRange.Chunking(256, 1, 50_000),
            OptionalDouble.of(fraction),
            2,
            1);
    long remote = 0;
    for (OffloadRange.Chunk c = range.next(2); c != null; c = range.next(2)) {
      assertTrue(c.size() <= 50_000);
      remote += c.size();
    }
    long local = 0;
    for (OffloadRange.Chunk c = range.next(0); c != null; c = range.next(0)) {
      assertEquals(0, c.from() % 256);
      local += c.size();
    }
    assertEquals(1_000_003, local + remote);
    assertEquals(1_000_003 * fraction, remote, 256);
  }

  @Test
  void stopped_range_hands_out_nothing_more() {
    OffloadRange range =
        new OffloadRange(1000, new OffloadRange.Chunking(1, 1, 10), OptionalDouble.empty(), 1, 1);
    range.stop();
    assertNull(range.next(0));
    assertNull(range.next(1));
  }

  @ParameterizedTest
  @ValueSource(strings = {"auto", "0", "0.5", "1"})
  void both_sides_together_compute_every_element(String split, @TempDir Path directory)
      throws IOException {
    try (TestCloud cloud = new TestCloud(directory);
        Lease lease = cloud.lease();
        Session session = lease.open(SessionOptions.transport("tcp"))) {
      Tensor a = session.tensor(F32, N);
      Tensor b = session.tensor(F32, N);
      Tensor c = session.tensor(F32, N);
      TestCloud.fill(a, 0, 1);
      TestCloud.fill(b, 0, 2);
      RemoteFunction add = session.function("add:1");
      Offload offload =
          Offload.over(N)
              .chunk(1000, 20_000)
              .inFlight(3)
              .local(2, (from, to) -> addLocally(a, b, c, from, to))
              .remote((from, to) ->
                  add.invoke(
                      in(a.slice(from, to - from)),
                      in(b.slice(from, to - from)),
                      out(c.slice(from, to - from))));
      Offload.Result result =
          (split.equals("auto") ? offload.auto() : offload.fraction(Double.parseDouble(split)))
              .run();
      assertEquals(N, result.local().indices() + result.remote().indices());
      for (int i = 0; i < N; i++) {
        assertEquals(3f * i, c.segment().getAtIndex(ValueLayout.JAVA_FLOAT, i));
      }
      if (!split.equals("auto")) {
        assertEquals(Double.parseDouble(split), result.remoteFraction(), 0.01);
      }
      assertTrue(result.seconds() > 0);
    }
  }

  private static void addLocally(Tensor a, Tensor b, Tensor c, long from, long to) {
    for (long i = from; i < to; i++) {
      float sum =
          a.segment().getAtIndex(ValueLayout.JAVA_FLOAT, i)
              + b.segment().getAtIndex(ValueLayout.JAVA_FLOAT, i);
      c.segment().setAtIndex(ValueLayout.JAVA_FLOAT, i, sum);
    }
  }

  @Test
  void failure_of_either_side_stops_the_run_and_is_thrown() {
    IllegalStateException local =
        assertThrows(
            IllegalStateException.class,
            () ->
                Offload.over(N)
                    .local(
                        2,
                        (from, _) -> {
                          throw new IllegalStateException("at " + from);
                        })
                    .run());
    assertTrue(local.getMessage().startsWith("at "));
    InvocationException remote =
        assertThrows(
            InvocationException.class,
            () ->
                Offload.over(N)
                    .remote((_, _) -> {
                      throw new IOException("no way");
                    })
                    .run());
    assertTrue(remote.getMessage().contains("no way"));
  }

  @Test
  void empty_range_and_missing_sides() {
    assertEquals(0, Offload.over(0).run().seconds(), 10);
    assertThrows(IllegalStateException.class, () -> Offload.over(1).run());
    assertThrows(IllegalArgumentException.class, () -> Offload.over(-1));
    assertThrows(IllegalArgumentException.class, () -> Offload.over(1).fraction(1.5));
  }
}
