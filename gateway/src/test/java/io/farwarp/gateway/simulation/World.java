package io.farwarp.gateway.simulation;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.PriorityQueue;
import java.util.SplittableRandom;

/** Virtual time, chance, what is to happen and what has happened: all of it follows from a seed. */
final class World {
  static final long MS = 1_000_000;
  static final long S = 1_000 * MS;

  private static final int TRACE = 300;
  private static final int WIDTH = 240;

  private record Due(long atNs, long order, Runnable what) {}

  private record Note(long atNs, String who, String format, Object[] args) {
    @Override
    public String toString() {
      String text = format.formatted(args).replaceAll("\\s+", " ");
      return "%11.6f s  %-10s %s"
          .formatted(atNs / 1e9, who, text.substring(0, Math.min(text.length(), WIDTH)));
    }
  }

  private final SplittableRandom random;
  private final Deque<Note> notes = new ArrayDeque<>(TRACE);
  private final PriorityQueue<Due> due =
      new PriorityQueue<>((a, b) ->
          a.atNs == b.atNs ? Long.compare(a.order, b.order) : Long.compare(a.atNs, b.atNs));
  private long orders;
  private long nowNs;

  World(long seed) {
    random = new SplittableRandom(seed);
  }

  long nowNs() {
    return nowNs;
  }

  void at(long atNs, Runnable what) {
    due.add(new Due(Math.max(nowNs, atNs), ++orders, what));
  }

  void after(long delayNs, Runnable what) {
    at(nowNs + delayNs, what);
  }

  /** Lets happen what is due until then. */
  void runUntil(long untilNs) {
    for (Due next = due.peek(); next != null && next.atNs <= untilNs; next = due.peek()) {
      due.remove();
      nowNs = next.atNs;
      next.what.run();
    }
    nowNs = Math.max(nowNs, untilNs);
  }

  boolean chance(double probability) {
    return random.nextDouble() < probability;
  }

  /** Both ends included. */
  long between(long least, long most) {
    return random.nextLong(least, most + 1);
  }

  int below(int bound) {
    return random.nextInt(bound);
  }

  /** Mostly near {@code least}, seldom near {@code most}. */
  long skewed(long least, long most) {
    double x = random.nextDouble();
    return least + (long) ((most - least) * x * x * x);
  }

  /** The arguments are written out only if the history fails; they must not change. */
  void note(String who, String format, Object... args) {
    if (notes.size() == TRACE) {
      notes.removeFirst();
    }
    notes.addLast(new Note(nowNs, who, format, args));
  }

  /** What happened last, a line each. */
  String trace() {
    StringBuilder lines = new StringBuilder();
    notes.forEach(note -> lines.append(note).append('\n'));
    return lines.toString();
  }

  static void check(boolean holds, String format, Object... args) {
    if (!holds) {
      throw new AssertionError(format.formatted(args));
    }
  }
}
