package io.farwarp.ptx.runtime;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * Atomic read-modify-write on memory given by generic address; each gives the old value. Shared
 * memory is an array of ints, on which there are no atomic operations of 64 bits, nor a need.
 */
public final class AtomicOps {
  private static final VarHandle INT = ValueLayout.JAVA_INT.varHandle();
  private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle();

  private AtomicOps() {}

  private static MemorySegment words(BlockContext context, long address, int line) {
    return context.locateWritable(address, 4, line);
  }

  private static MemorySegment longs(BlockContext context, long address, int line) {
    return context.locateWritable(address, 8, line);
  }

  public static int add(BlockContext context, long address, int value, int line) {
    MemorySegment s = words(context, address, line);
    return (int) INT.getAndAdd(s, BlockContext.offset(s, address), value);
  }

  public static long add(BlockContext context, long address, long value, int line) {
    if (context.isShared(address)) {
      return SharedOps.add(context, address - BlockContext.SHARED_BASE, value, line);
    }
    MemorySegment s = longs(context, address, line);
    return (long) LONG.getAndAdd(s, BlockContext.offset(s, address), value);
  }

  public static float add(BlockContext context, long address, float value, int line) {
    MemorySegment s = words(context, address, line);
    long at = BlockContext.offset(s, address);
    while (true) {
      int old = (int) INT.getVolatile(s, at);
      float sum = Float.intBitsToFloat(old) + value;
      if (INT.compareAndSet(s, at, old, Float.floatToRawIntBits(sum))) {
        return Float.intBitsToFloat(old);
      }
    }
  }

  public static double add(BlockContext context, long address, double value, int line) {
    if (context.isShared(address)) {
      return SharedOps.add(context, address - BlockContext.SHARED_BASE, value, line);
    }
    MemorySegment s = longs(context, address, line);
    long at = BlockContext.offset(s, address);
    while (true) {
      long old = (long) LONG.getVolatile(s, at);
      double sum = Double.longBitsToDouble(old) + value;
      if (LONG.compareAndSet(s, at, old, Double.doubleToRawLongBits(sum))) {
        return Double.longBitsToDouble(old);
      }
    }
  }

  public static int exch(BlockContext context, long address, int value, int line) {
    MemorySegment s = words(context, address, line);
    return (int) INT.getAndSet(s, BlockContext.offset(s, address), value);
  }

  public static long exch(BlockContext context, long address, long value, int line) {
    if (context.isShared(address)) {
      return SharedOps.exch(context, address - BlockContext.SHARED_BASE, value, line);
    }
    MemorySegment s = longs(context, address, line);
    return (long) LONG.getAndSet(s, BlockContext.offset(s, address), value);
  }

  public static int cas(BlockContext context, long address, int expected, int value, int line) {
    MemorySegment s = words(context, address, line);
    return (int) INT.compareAndExchange(s, BlockContext.offset(s, address), expected, value);
  }

  public static long cas(BlockContext context, long address, long expected, long value, int line) {
    if (context.isShared(address)) {
      return SharedOps.cas(context, address - BlockContext.SHARED_BASE, expected, value, line);
    }
    MemorySegment s = longs(context, address, line);
    return (long) LONG.compareAndExchange(s, BlockContext.offset(s, address), expected, value);
  }

  public static int and(BlockContext context, long address, int value, int line) {
    MemorySegment s = words(context, address, line);
    return (int) INT.getAndBitwiseAnd(s, BlockContext.offset(s, address), value);
  }

  public static long and(BlockContext context, long address, long value, int line) {
    if (context.isShared(address)) {
      return SharedOps.and(context, address - BlockContext.SHARED_BASE, value, line);
    }
    MemorySegment s = longs(context, address, line);
    return (long) LONG.getAndBitwiseAnd(s, BlockContext.offset(s, address), value);
  }

  public static int or(BlockContext context, long address, int value, int line) {
    MemorySegment s = words(context, address, line);
    return (int) INT.getAndBitwiseOr(s, BlockContext.offset(s, address), value);
  }

  public static long or(BlockContext context, long address, long value, int line) {
    if (context.isShared(address)) {
      return SharedOps.or(context, address - BlockContext.SHARED_BASE, value, line);
    }
    MemorySegment s = longs(context, address, line);
    return (long) LONG.getAndBitwiseOr(s, BlockContext.offset(s, address), value);
  }

  public static int xor(BlockContext context, long address, int value, int line) {
    MemorySegment s = words(context, address, line);
    return (int) INT.getAndBitwiseXor(s, BlockContext.offset(s, address), value);
  }

  public static long xor(BlockContext context, long address, long value, int line) {
    if (context.isShared(address)) {
      return SharedOps.xor(context, address - BlockContext.SHARED_BASE, value, line);
    }
    MemorySegment s = longs(context, address, line);
    return (long) LONG.getAndBitwiseXor(s, BlockContext.offset(s, address), value);
  }

  private interface IntFunction {
    int apply(int old, int value);
  }

  private interface LongFunction {
    long apply(long old, long value);
  }

  private static int update(
      BlockContext context, long address, int value, int line, IntFunction function) {
    MemorySegment s = words(context, address, line);
    long at = BlockContext.offset(s, address);
    while (true) {
      int old = (int) INT.getVolatile(s, at);
      if (INT.compareAndSet(s, at, old, function.apply(old, value))) {
        return old;
      }
    }
  }

  private static long updateLong(
      BlockContext context, long address, long value, int line, LongFunction function) {
    MemorySegment s = longs(context, address, line);
    long at = BlockContext.offset(s, address);
    while (true) {
      long old = (long) LONG.getVolatile(s, at);
      if (LONG.compareAndSet(s, at, old, function.apply(old, value))) {
        return old;
      }
    }
  }

  public static int min(BlockContext context, long address, int value, int line) {
    return update(context, address, value, line, Math::min);
  }

  public static long min(BlockContext context, long address, long value, int line) {
    if (context.isShared(address)) {
      return SharedOps.min(context, address - BlockContext.SHARED_BASE, value, line);
    }
    return updateLong(context, address, value, line, Math::min);
  }

  public static int max(BlockContext context, long address, int value, int line) {
    return update(context, address, value, line, Math::max);
  }

  public static long max(BlockContext context, long address, long value, int line) {
    if (context.isShared(address)) {
      return SharedOps.max(context, address - BlockContext.SHARED_BASE, value, line);
    }
    return updateLong(context, address, value, line, Math::max);
  }

  public static int minUnsigned(BlockContext context, long address, int value, int line) {
    return update(context, address, value, line, IntegerOps::minUnsigned);
  }

  public static long minUnsigned(BlockContext context, long address, long value, int line) {
    if (context.isShared(address)) {
      return SharedOps.minUnsigned(context, address - BlockContext.SHARED_BASE, value, line);
    }
    return updateLong(context, address, value, line, IntegerOps::minUnsigned);
  }

  public static int maxUnsigned(BlockContext context, long address, int value, int line) {
    return update(context, address, value, line, IntegerOps::maxUnsigned);
  }

  public static long maxUnsigned(BlockContext context, long address, long value, int line) {
    if (context.isShared(address)) {
      return SharedOps.maxUnsigned(context, address - BlockContext.SHARED_BASE, value, line);
    }
    return updateLong(context, address, value, line, IntegerOps::maxUnsigned);
  }

  /** Counts up to {@code limit} and then starts at 0 again. */
  public static int inc(BlockContext context, long address, int limit, int line) {
    return update(
        context,
        address,
        limit,
        line,
        (old, top) -> Integer.compareUnsigned(old, top) >= 0 ? 0 : old + 1);
  }

  /** Counts down to 0 and then starts at {@code limit} again. */
  public static int dec(BlockContext context, long address, int limit, int line) {
    return update(
        context,
        address,
        limit,
        line,
        (old, top) -> old == 0 || Integer.compareUnsigned(old, top) > 0 ? top : old - 1);
  }

  public static int loadVolatile(BlockContext context, long address, int line) {
    MemorySegment s = context.locate(address, 4, line);
    return (int) INT.getVolatile(s, BlockContext.offset(s, address));
  }

  public static long loadVolatileLong(BlockContext context, long address, int line) {
    if (context.isShared(address)) {
      return context.loadLong(address, line);
    }
    MemorySegment s = context.locate(address, 8, line);
    return (long) LONG.getVolatile(s, BlockContext.offset(s, address));
  }

  public static void storeVolatile(BlockContext context, long address, int value, int line) {
    MemorySegment s = words(context, address, line);
    INT.setVolatile(s, BlockContext.offset(s, address), value);
  }

  public static void storeVolatile(BlockContext context, long address, long value, int line) {
    if (context.isShared(address)) {
      context.storeLong(address, value, line);
      return;
    }
    MemorySegment s = longs(context, address, line);
    LONG.setVolatile(s, BlockContext.offset(s, address), value);
  }
}
