package io.farwarp.ptx.runtime;

import io.farwarp.ptx.PtxFault;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Atomic read-modify-write on shared memory, given by offset; each gives the old value. All threads
 * of a block run on one worker, so that plain loads and stores are atomic among them. And the copy
 * into shared memory.
 */
public final class SharedOps {
  private SharedOps() {}

  private static MemorySegment checked(BlockContext context, long at, int sizeBytes, int line) {
    context.requireAligned(at, sizeBytes, line);
    MemorySegment shared = context.shared;
    if (at < 0 || at > shared.byteSize() - sizeBytes) {
      throw new DeviceTrap(PtxFault.Kind.ILLEGAL_ADDRESS, line, at);
    }
    return shared;
  }

  /** The index of the word at an offset, which is in bounds. */
  private static int word(BlockContext context, long at, int line) {
    int[] words = context.sharedWords;
    if ((at & 3) != 0 || at < 0 || at >>> 2 >= words.length) {
      throw context.privateFault(at, Integer.BYTES, line);
    }
    return (int) (at >>> 2);
  }

  private static int swap(int[] words, int word, int old, int value) {
    words[word] = value;
    return old;
  }

  private static long swap(MemorySegment shared, long at, long old, long value) {
    shared.set(ValueLayout.JAVA_LONG_UNALIGNED, at, value);
    return old;
  }

  /**
   * Copies {@code taken} bytes from a generic address to an offset in shared memory, and zeros
   * behind them, {@code bytes} together, to which both places are aligned.
   */
  public static void copy(
      BlockContext context, long to, long from, int bytes, int taken, int line) {
    MemorySegment shared = checked(context, to, bytes, line);
    if (taken == bytes) {
      MemorySegment source = context.locate(from, bytes, line);
      MemorySegment.copy(source, BlockContext.offset(source, from), shared, to, bytes);
      return;
    }
    context.requireAligned(from, bytes, line);
    if (taken < 0 || taken > bytes) {
      throw new DeviceTrap(PtxFault.Kind.ILLEGAL_ADDRESS, line, from);
    }
    // Only what is taken has to lie in an allocation.
    for (int i = 0; i < taken; i++) {
      shared.set(ValueLayout.JAVA_BYTE, to + i, context.loadByte(from + i, line));
    }
    shared.asSlice(to + taken, bytes - taken).fill((byte) 0);
  }

  public static int add(BlockContext context, long at, int value, int line) {
    int[] words = context.sharedWords;
    int word = word(context, at, line);
    int old = words[word];
    return swap(words, word, old, old + value);
  }

  public static long add(BlockContext context, long at, long value, int line) {
    MemorySegment s = checked(context, at, 8, line);
    long old = s.get(ValueLayout.JAVA_LONG_UNALIGNED, at);
    return swap(s, at, old, old + value);
  }

  public static float add(BlockContext context, long at, float value, int line) {
    MemorySegment s = checked(context, at, 4, line);
    float old = s.get(ValueLayout.JAVA_FLOAT, at);
    s.set(ValueLayout.JAVA_FLOAT, at, old + value);
    return old;
  }

  public static double add(BlockContext context, long at, double value, int line) {
    MemorySegment s = checked(context, at, 8, line);
    double old = s.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, at);
    s.set(ValueLayout.JAVA_DOUBLE_UNALIGNED, at, old + value);
    return old;
  }

  public static int exch(BlockContext context, long at, int value, int line) {
    int[] words = context.sharedWords;
    int word = word(context, at, line);
    int old = words[word];
    return swap(words, word, old, value);
  }

  public static long exch(BlockContext context, long at, long value, int line) {
    MemorySegment s = checked(context, at, 8, line);
    long old = s.get(ValueLayout.JAVA_LONG_UNALIGNED, at);
    return swap(s, at, old, value);
  }

  public static int and(BlockContext context, long at, int value, int line) {
    int[] words = context.sharedWords;
    int word = word(context, at, line);
    int old = words[word];
    return swap(words, word, old, old & value);
  }

  public static long and(BlockContext context, long at, long value, int line) {
    MemorySegment s = checked(context, at, 8, line);
    long old = s.get(ValueLayout.JAVA_LONG_UNALIGNED, at);
    return swap(s, at, old, old & value);
  }

  public static int or(BlockContext context, long at, int value, int line) {
    int[] words = context.sharedWords;
    int word = word(context, at, line);
    int old = words[word];
    return swap(words, word, old, old | value);
  }

  public static long or(BlockContext context, long at, long value, int line) {
    MemorySegment s = checked(context, at, 8, line);
    long old = s.get(ValueLayout.JAVA_LONG_UNALIGNED, at);
    return swap(s, at, old, old | value);
  }

  public static int xor(BlockContext context, long at, int value, int line) {
    int[] words = context.sharedWords;
    int word = word(context, at, line);
    int old = words[word];
    return swap(words, word, old, old ^ value);
  }

  public static long xor(BlockContext context, long at, long value, int line) {
    MemorySegment s = checked(context, at, 8, line);
    long old = s.get(ValueLayout.JAVA_LONG_UNALIGNED, at);
    return swap(s, at, old, old ^ value);
  }

  public static int min(BlockContext context, long at, int value, int line) {
    int[] words = context.sharedWords;
    int word = word(context, at, line);
    int old = words[word];
    return swap(words, word, old, Math.min(old, value));
  }

  public static long min(BlockContext context, long at, long value, int line) {
    MemorySegment s = checked(context, at, 8, line);
    long old = s.get(ValueLayout.JAVA_LONG_UNALIGNED, at);
    return swap(s, at, old, Math.min(old, value));
  }

  public static int max(BlockContext context, long at, int value, int line) {
    int[] words = context.sharedWords;
    int word = word(context, at, line);
    int old = words[word];
    return swap(words, word, old, Math.max(old, value));
  }

  public static long max(BlockContext context, long at, long value, int line) {
    MemorySegment s = checked(context, at, 8, line);
    long old = s.get(ValueLayout.JAVA_LONG_UNALIGNED, at);
    return swap(s, at, old, Math.max(old, value));
  }

  public static int minUnsigned(BlockContext context, long at, int value, int line) {
    int[] words = context.sharedWords;
    int word = word(context, at, line);
    int old = words[word];
    return swap(words, word, old, IntegerOps.minUnsigned(old, value));
  }

  public static long minUnsigned(BlockContext context, long at, long value, int line) {
    MemorySegment s = checked(context, at, 8, line);
    long old = s.get(ValueLayout.JAVA_LONG_UNALIGNED, at);
    return swap(s, at, old, IntegerOps.minUnsigned(old, value));
  }

  public static int maxUnsigned(BlockContext context, long at, int value, int line) {
    int[] words = context.sharedWords;
    int word = word(context, at, line);
    int old = words[word];
    return swap(words, word, old, IntegerOps.maxUnsigned(old, value));
  }

  public static long maxUnsigned(BlockContext context, long at, long value, int line) {
    MemorySegment s = checked(context, at, 8, line);
    long old = s.get(ValueLayout.JAVA_LONG_UNALIGNED, at);
    return swap(s, at, old, IntegerOps.maxUnsigned(old, value));
  }

  public static int cas(BlockContext context, long at, int expected, int value, int line) {
    int[] words = context.sharedWords;
    int word = word(context, at, line);
    int old = words[word];
    return swap(words, word, old, old == expected ? value : old);
  }

  public static long cas(BlockContext context, long at, long expected, long value, int line) {
    MemorySegment s = checked(context, at, 8, line);
    long old = s.get(ValueLayout.JAVA_LONG_UNALIGNED, at);
    return swap(s, at, old, old == expected ? value : old);
  }

  /** Counts up to {@code limit} and then starts at 0 again. */
  public static int inc(BlockContext context, long at, int limit, int line) {
    int[] words = context.sharedWords;
    int word = word(context, at, line);
    int old = words[word];
    return swap(words, word, old, Integer.compareUnsigned(old, limit) >= 0 ? 0 : old + 1);
  }

  /** Counts down to 0 and then starts at {@code limit} again. */
  public static int dec(BlockContext context, long at, int limit, int line) {
    int[] words = context.sharedWords;
    int word = word(context, at, line);
    int old = words[word];
    boolean restarts = old == 0 || Integer.compareUnsigned(old, limit) > 0;
    return swap(words, word, old, restarts ? limit : old - 1);
  }
}
