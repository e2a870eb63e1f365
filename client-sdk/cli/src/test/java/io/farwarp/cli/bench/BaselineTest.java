package io.farwarp.cli.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class BaselineTest {
  @Test
  void every_baseline_goes_there_and_back_in_turn_with_the_others() throws Exception {
    try (RoundTrip spinning = new SharedRoundTrip(false);
        RoundTrip sleeping = new SharedRoundTrip(true);
        RoundTrip nio = new NioRoundTrip(64);
        RoundTrip grpc = new GrpcRoundTrip(64)) {
      List<Alternation.Sample> samples =
          new Alternation(3, 50, 20).run(List.of(spinning, sleeping, nio, grpc));
      assertEquals(4, samples.size());
      for (Alternation.Sample sample : samples) {
        assertTrue(sample.p50Ns() > 0 && sample.p99Ns() >= sample.p50Ns() / 2, sample.toString());
      }
    }
  }

  @Test
  void a_large_message_returns_whole() throws Exception {
    try (RoundTrip nio = new NioRoundTrip(8 << 20)) {
      assertTrue(new Alternation(1, 3, 1).run(List.of(nio)).getFirst().p50Ns() > 0);
    }
  }
}
