package io.farwarp.executor.worker;

import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * The functions of a lease by number. Filled while invocations are served; nothing is taken out.
 */
final class FunctionTable {
  /** Numbers go from 1 to this. */
  static final int MAX_FUNCTION_ID = 1023;

  private final AtomicReferenceArray<@Nullable LoadedFunction> functions =
      new AtomicReferenceArray<>(MAX_FUNCTION_ID + 1);

  /** Null: no such function. Any number is allowed. */
  @Nullable LoadedFunction find(int id) {
    return id >= 1 && id <= MAX_FUNCTION_ID ? functions.get(id) : null;
  }

  /** False if the number is out of range or taken. */
  boolean add(LoadedFunction function) {
    int id = function.id();
    return id >= 1 && id <= MAX_FUNCTION_ID && functions.compareAndSet(id, null, function);
  }
}
