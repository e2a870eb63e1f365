package io.farwarp.ptx.runtime;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * Atomic read-modify-write on 16 bits, and on two halves in one word. The JVM has no such operation
 * on 16 bits: the word around them is exchanged instead. Where an allocation begins or ends in the
 * middle of that word, a lock guards the half that belongs to it; nobody can exchange that word as
 * a whole.
 */
public final class NarrowAtomics {
  private static final VarHandle INT = ValueLayout.JAVA_INT.varHandle();
  private static final VarHandle SHORT = ValueLayout.JAVA_SHORT.varHandle();
  private static final Object EDGE = new Object();

  private interface Update {
    int apply(int old, int value);
  }

  private NarrowAtomics() {}

  private static int update(
      BlockContext context, long address, int value, int line, Update update) {
    MemorySegment s = context.locateWritable(address, 2, line);
    long at = BlockContext.offset(s, address);
    int shift = (int) (address & 2) * 8;
    long word = at - (address & 2);
    if (word < 0 || word + 4 > s.byteSize()) {
      return updateEdge(s, at, value, update);
    }
    while (true) {
      int whole = (int) INT.getVolatile(s, word);
      int old = (whole >>> shift) & 0xFFFF;
      int next = (whole & ~(0xFFFF << shift)) | ((update.apply(old, value) & 0xFFFF) << shift);
      if (INT.compareAndSet(s, word, whole, next)) {
        return old;
      }
    }
  }

  private static int updateEdge(MemorySegment s, long at, int value, Update update) {
    synchronized (EDGE) {
      int old = (short) SHORT.getVolatile(s, at) & 0xFFFF;
      SHORT.setVolatile(s, at, (short) update.apply(old, value));
      return old;
    }
  }

  private static int updatePair(
      BlockContext context, long address, int value, int line, Update update) {
    MemorySegment s = context.locateWritable(address, 4, line);
    long at = BlockContext.offset(s, address);
    while (true) {
      int old = (int) INT.getVolatile(s, at);
      int low = update.apply(old & 0xFFFF, value & 0xFFFF);
      int high = update.apply(old >>> 16, value >>> 16);
      if (INT.compareAndSet(s, at, old, (high << 16) | low)) {
        return old;
      }
    }
  }

  public static int addF16(BlockContext context, long address, int value, int line) {
    return update(context, address, value, line, HalfOps::addHalf);
  }

  public static int addBF16(BlockContext context, long address, int value, int line) {
    return update(context, address, value, line, HalfOps::addBfloat);
  }

  public static int minF16(BlockContext context, long address, int value, int line) {
    return update(context, address, value, line, HalfOps::minHalf);
  }

  public static int minBF16(BlockContext context, long address, int value, int line) {
    return update(context, address, value, line, HalfOps::minBfloat);
  }

  public static int maxF16(BlockContext context, long address, int value, int line) {
    return update(context, address, value, line, HalfOps::maxHalf);
  }

  public static int maxBF16(BlockContext context, long address, int value, int line) {
    return update(context, address, value, line, HalfOps::maxBfloat);
  }

  public static int addF16X2(BlockContext context, long address, int value, int line) {
    return updatePair(context, address, value, line, HalfOps::addHalf);
  }

  public static int addBF16X2(BlockContext context, long address, int value, int line) {
    return updatePair(context, address, value, line, HalfOps::addBfloat);
  }

  public static int minF16X2(BlockContext context, long address, int value, int line) {
    return updatePair(context, address, value, line, HalfOps::minHalf);
  }

  public static int minBF16X2(BlockContext context, long address, int value, int line) {
    return updatePair(context, address, value, line, HalfOps::minBfloat);
  }

  public static int maxF16X2(BlockContext context, long address, int value, int line) {
    return updatePair(context, address, value, line, HalfOps::maxHalf);
  }

  public static int maxBF16X2(BlockContext context, long address, int value, int line) {
    return updatePair(context, address, value, line, HalfOps::maxBfloat);
  }

  /** Compares 16 bits and, if they are as expected, exchanges them. */
  public static int casB16(BlockContext context, long address, int expected, int value, int line) {
    return update(
        context, address, value, line, (old, next) -> old == (expected & 0xFFFF) ? next : old);
  }
}
