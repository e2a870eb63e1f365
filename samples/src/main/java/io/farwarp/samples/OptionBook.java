package io.farwarp.samples;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * European options as columns of f32 in native memory, one element for each option, as the
 * black-scholes function takes them. Threads may work on disjoint ranges at once.
 *
 * @param type 0 for a call, 1 for a put
 * @param price what the function or {@link BlackScholes} writes
 */
public record OptionBook(
    MemorySegment spot,
    MemorySegment strike,
    MemorySegment rate,
    MemorySegment volatility,
    MemorySegment time,
    MemorySegment type,
    MemorySegment price) {

  /** Columns that go in, of four bytes each for an option. */
  public static final int INPUTS = 6;

  private static final double TO_UNIT = 0x1p-24;

  /** A book of seven columns: the six inputs in the order of the components, then the price. */
  public static OptionBook of(List<MemorySegment> columns) {
    return new OptionBook(
        columns.get(0),
        columns.get(1),
        columns.get(2),
        columns.get(3),
        columns.get(4),
        columns.get(5),
        columns.get(INPUTS));
  }

  /** Number of options. */
  public long size() {
    return price.byteSize() / Float.BYTES;
  }

  /**
   * Fills the inputs of options {@code from} to {@code to}. Option {@code i} depends on the seed
   * and {@code first + i} alone, so that any split among threads or books gives the same options.
   *
   * @param first number of this book's option 0 in the whole series
   */
  public void fill(long seed, long first, long from, long to) {
    for (long i = from; i < to; i++) {
      long key = seed + (first + i) * INPUTS;
      spot.setAtIndex(JAVA_FLOAT, i, uniform(key, 5, 30));
      strike.setAtIndex(JAVA_FLOAT, i, uniform(key + 1, 1, 100));
      rate.setAtIndex(JAVA_FLOAT, i, uniform(key + 2, 0.005f, 0.1f));
      volatility.setAtIndex(JAVA_FLOAT, i, uniform(key + 3, 0.1f, 0.6f));
      time.setAtIndex(JAVA_FLOAT, i, uniform(key + 4, 0.25f, 10));
      type.setAtIndex(JAVA_FLOAT, i, mix(key + 5) < 0 ? 1 : 0);
    }
  }

  private static float uniform(long key, float least, float most) {
    return least + (most - least) * (float) ((mix(key) >>> 40) * TO_UNIT);
  }

  /** The finaliser of SplitMix64 (Steele, Lea and Flood, 2014) over its Weyl sequence. */
  private static long mix(long key) {
    long z = key * 0x9E3779B97F4A7C15L;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
