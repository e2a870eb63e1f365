package io.farwarp.cli.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.farwarp.client.Offload;
import java.util.ArrayList;
import org.junit.jupiter.api.Test;

class RatesTest {
  private static PricingJob.Run run(double perSecond) {
    Offload.Side side = new Offload.Side(1000, 1, 1000 / perSecond, perSecond);
    Offload.Side none = new Offload.Side(0, 0, 0, 0);
    return new PricingJob.Run(new Offload.Result(side, none, 1000 / perSecond), 0, 0);
  }

  private static void round(Rates rates, double local, double remote, double both, double plain) {
    rates.add(() -> run(local), () -> run(remote), () -> run(both), () -> run(plain));
  }

  private static Rates rates() {
    return new Rates(new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
  }

  @Test
  void sides_that_lose_no_more_than_plain_threads_are_fully_efficient() {
    Rates rates = rates();
    round(rates, 10, 12, 0.9 * 22, 18);
    assertEquals(1.0, rates.efficiency(1, 1), 1e-9);
    assertEquals(1.98, rates.speedup(), 1e-9);
  }

  @Test
  void efficiency_is_the_median_of_the_rounds() {
    Rates rates = rates();
    round(rates, 10, 10, 20, 20);
    round(rates, 5, 5, 9, 10);
    round(rates, 10, 10, 2, 20);
    assertEquals(0.9, rates.efficiency(1, 1), 1e-9);
  }

  @Test
  void more_threads_on_one_side_count_as_such() {
    Rates rates = rates();
    round(rates, 20, 10, 30, 30);
    assertEquals(1.0, rates.efficiency(2, 1), 1e-9);
  }
}
