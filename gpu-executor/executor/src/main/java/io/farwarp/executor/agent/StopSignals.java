package io.farwarp.executor.agent;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandleProxies;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/**
 * SIGTERM and SIGINT as events of this process, instead of as its end at once: the only way to tell
 * a second signal, which wants no more patience, from the first one.
 *
 * <p>{@code sun.misc.Signal} is the JDK's only door to this (module jdk.unsupported). It is reached
 * by reflection because javac warns at every mention of it and cannot be told not to.
 */
public final class StopSignals {
  private static final String TERMINATE = "TERM";
  private static final String INTERRUPT = "INT";

  private StopSignals() {}

  /** Runs {@code action}, on a thread of its own, for each SIGTERM or SIGINT from now on. */
  public static void onEach(Runnable action) {
    handle(TERMINATE, action);
    handle(INTERRUPT, action);
  }

  /** A terminal's Ctrl-C reaches this process too, but is for its parent to act on. */
  public static void leaveInterruptsToParent() {
    handle(INTERRUPT, () -> {});
  }

  private static void handle(String name, Runnable action) {
    try {
      Class<?> signal = Class.forName("sun.misc.Signal");
      Class<?> handler = Class.forName("sun.misc.SignalHandler");
      MethodHandle run =
          MethodHandles.lookup()
              .findVirtual(Runnable.class, "run", MethodType.methodType(void.class))
              .bindTo(action);
      Object adapter =
          MethodHandleProxies.asInterfaceInstance(
              handler, MethodHandles.dropArguments(run, 0, signal));
      signal
          .getMethod("handle", signal, handler)
          .invoke(null, signal.getConstructor(String.class).newInstance(name), adapter);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("SIG" + name + " cannot be handled in this JVM", e);
    }
  }
}
