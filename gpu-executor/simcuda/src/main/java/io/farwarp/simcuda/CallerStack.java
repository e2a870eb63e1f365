package io.farwarp.simcuda;

import java.util.Map;

/**
 * Where in Java a call of the driver came from, seen from another thread while the caller waits.
 */
final class CallerStack {
  private static final int FRAMES = 16;

  /** What Linux keeps of a thread's name. */
  private static final int NAME_BYTES = 15;

  private CallerStack() {}

  /**
   * The stack of the thread that is in a method of this name, as JCuda has one for each function;
   * else of the thread of this native name; else nothing.
   */
  static String of(String threadName, String function) {
    Map<Thread, StackTraceElement[]> all = Thread.getAllStackTraces();
    for (Map.Entry<Thread, StackTraceElement[]> entry : all.entrySet()) {
      if (isIn(entry.getValue(), function)) {
        return text(entry.getKey(), entry.getValue());
      }
    }
    for (Map.Entry<Thread, StackTraceElement[]> entry : all.entrySet()) {
      String name = entry.getKey().getName();
      if (name.substring(0, Math.min(NAME_BYTES, name.length())).equals(threadName)) {
        return text(entry.getKey(), entry.getValue());
      }
    }
    return "";
  }

  private static boolean isIn(StackTraceElement[] stack, String function) {
    return stack.length > 1
        && (stack[0].getMethodName().startsWith(function)
            || stack[1].getMethodName().equals(function));
  }

  private static String text(Thread thread, StackTraceElement[] stack) {
    StringBuilder text = new StringBuilder("    in thread " + thread.getName() + "\n");
    for (int i = 0; i < Math.min(FRAMES, stack.length); i++) {
      text.append("    at ").append(stack[i]).append('\n');
    }
    return text.toString();
  }
}
