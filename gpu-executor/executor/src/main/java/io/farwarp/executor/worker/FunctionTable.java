package io.farwarp.executor.worker;

import java.util.Objects;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * The functions of a lease by number. Filled while invocations are served; nothing is taken out
 * before the end.
 */
final class FunctionTable implements AutoCloseable {
  /** Numbers go from 1 to this. */
  static final int MAX_FUNCTION_ID = 1023;

  private final AtomicReferenceArray<@Nullable LoadedFunction> functions =
      new AtomicReferenceArray<>(MAX_FUNCTION_ID + 1);

  /** Null: no such function. Any number is allowed. */
  @Nullable LoadedFunction find(int id) {
    return id >= 1 && id <= MAX_FUNCTION_ID ? functions.get(id) : null;
  }

  /**
   * Takes a function in.
   *
   * @throws IllegalStateException its number is taken
   * @throws IndexOutOfBoundsException there is no such number
   */
  void add(LoadedFunction function) {
    int id = Objects.checkIndex(function.id() - 1, MAX_FUNCTION_ID) + 1;
    if (!functions.compareAndSet(id, null, function)) {
      throw new IllegalStateException("function number " + id + " is taken");
    }
  }

  /** Closes their modules: nothing runs any more, and nothing is added. */
  @Override
  public void close() {
    for (int id = 1; id <= MAX_FUNCTION_ID; id++) {
      LoadedFunction function = functions.getAndSet(id, null);
      if (function != null) {
        function.module().close();
      }
    }
  }
}
