package io.farwarp.cli.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.HdrHistogram.Histogram;

/**
 * Times several round trips in turn: a burst of the first, a burst of the second, and again, so
 * that whatever the machine does in the meantime hits all of them alike.
 *
 * @param rounds how often each has its turn
 * @param burst round trips in a turn
 * @param warmUp round trips of each before anything is counted
 */
record Alternation(int rounds, int burst, int warmUp) {
  /**
   * Nanoseconds of one subject: median over the rounds of each round's p50, and the p99 of all of
   * them.
   */
  record Sample(double p50Ns, double p99Ns) {}

  /** Times {@code subjects} and returns their samples in the same order. */
  List<Sample> run(List<? extends Timed> subjects) throws IOException {
    for (Timed subject : subjects) {
      subject.warmUp(warmUp);
    }
    double[][] medians = new double[subjects.size()][rounds];
    List<Histogram> all = new ArrayList<>();
    for (int s = 0; s < subjects.size(); s++) {
      all.add(new Histogram(3));
    }
    // The first round trips of a turn pay for waking the peer, not for the path.
    int leadIn = Math.min(burst / 10 + 1, 200);
    Histogram turn = new Histogram(3);
    for (int round = 0; round < rounds; round++) {
      for (int s = 0; s < subjects.size(); s++) {
        turn.reset();
        subjects.get(s).turn(leadIn, burst, turn);
        medians[s][round] = turn.getValueAtPercentile(50);
        all.get(s).add(turn);
      }
    }
    List<Sample> samples = new ArrayList<>();
    for (int s = 0; s < subjects.size(); s++) {
      Arrays.sort(medians[s]);
      samples.add(new Sample(medians[s][rounds / 2], all.get(s).getValueAtPercentile(99)));
    }
    return samples;
  }
}
