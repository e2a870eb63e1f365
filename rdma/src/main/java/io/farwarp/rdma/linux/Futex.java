package io.farwarp.rdma.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * futex(2) on a 32-bit word that two processes map. One thread waits through an instance at a time;
 * {@link #wake} is for any thread. Neither allocates.
 */
public final class Futex {
  private static final long SYS_FUTEX = System.getProperty("os.arch").equals("aarch64") ? 98 : 202;
  private static final int FUTEX_WAIT = 0;
  private static final int FUTEX_WAKE = 1;
  private static final int ALL = Integer.MAX_VALUE;
  private static final long NANOS_PER_SECOND = 1_000_000_000L;

  private static final FunctionDescriptor SYSCALL =
      FunctionDescriptor.of(
          JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS, JAVA_INT);

  private static final MethodHandle WAIT =
      CFunction.handle("syscall", SYSCALL, Linker.Option.firstVariadicArg(1));

  // Without a change of thread state: only because the call cannot block.
  private static final MethodHandle WAKE =
      CFunction.handle(
          "syscall", SYSCALL, Linker.Option.firstVariadicArg(1), Linker.Option.critical(false));

  private final MemorySegment timespec = Arena.ofAuto().allocate(JAVA_LONG, 2);

  /**
   * Sleeps while the word holds {@code expected}, at most {@code timeoutNs}; returns early on a
   * wake, another value, or a signal. The caller looks at its own condition afterwards.
   */
  public void await(MemorySegment word, int expected, long timeoutNs) {
    timespec.setAtIndex(JAVA_LONG, 0, timeoutNs / NANOS_PER_SECOND);
    timespec.setAtIndex(JAVA_LONG, 1, timeoutNs % NANOS_PER_SECOND);
    call(word, expected, timespec);
  }

  /** The same without a limit: somebody else sees to it that it ends. */
  public void await(MemorySegment word, int expected) {
    call(word, expected, MemorySegment.NULL);
  }

  private static void call(MemorySegment word, int expected, MemorySegment limit) {
    try {
      long _ =
          (long)
              WAIT.invokeExact(SYS_FUTEX, word, FUTEX_WAIT, expected, limit, MemorySegment.NULL, 0);
    } catch (Throwable e) {
      throw CFunction.unexpected("futex", e);
    }
  }

  /**
   * Wakes every sleeper of the word, in whichever process: the peer, which maps it too, may have
   * parked one of its own there to swallow the wake-up of one.
   */
  public static void wake(MemorySegment word) {
    try {
      long _ =
          (long)
              WAKE.invokeExact(
                  SYS_FUTEX, word, FUTEX_WAKE, ALL, MemorySegment.NULL, MemorySegment.NULL, 0);
    } catch (Throwable e) {
      throw CFunction.unexpected("futex", e);
    }
  }
}
