package io.farwarp.cli.bench;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * The raw shared-memory ping-pong: one 64-byte line in each direction, written in place, its
 * sequence last; the reader spins, or sleeps in a futex. Linux, x86-64 and aarch64.
 */
final class SharedLines {
  static final long PING = 0;
  static final long PONG = 256;
  static final long LAST = -1;

  private static final long BYTES = 4096;
  private static final long SEQUENCE = 56;
  private static final long WAITING = 128;
  private static final long FUTEX_WAIT = 0;
  private static final long FUTEX_WAKE = 1;
  private static final long SYS_FUTEX = "aarch64".equals(System.getProperty("os.arch")) ? 98 : 202;

  private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle();
  private static final VarHandle INT = ValueLayout.JAVA_INT.varHandle();
  private static final MethodHandle SYSCALL = syscall();

  private final MemorySegment page;
  private final long out;
  private final long in;

  SharedLines(MemorySegment page, long out, long in) {
    this.page = page;
    this.out = out;
    this.in = in;
  }

  static MemorySegment map(Path file, Arena arena) throws IOException {
    try (FileChannel channel =
        FileChannel.open(
            file, StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.CREATE)) {
      return channel.map(FileChannel.MapMode.READ_WRITE, 0, BYTES, arena);
    }
  }

  /** Writes a line's 56 bytes of payload, then its sequence; wakes the reader if it sleeps. */
  void post(long sequence, long word, boolean futex) {
    for (long offset = 0; offset < SEQUENCE; offset += 8) {
      page.set(ValueLayout.JAVA_LONG, out + offset, word);
    }
    LONG.setRelease(page, out + SEQUENCE, sequence);
    if (futex) {
      VarHandle.fullFence();
      if ((int) INT.getOpaque(page, out + WAITING) != 0) {
        call(out + SEQUENCE, FUTEX_WAKE, 1);
      }
    }
  }

  /** Spins for the line with {@code sequence}; returns its first word. */
  long awaitSpinning(long sequence) {
    while ((long) LONG.getAcquire(page, in + SEQUENCE) != sequence) {
      Thread.onSpinWait();
    }
    return page.get(ValueLayout.JAVA_LONG, in);
  }

  /** Sleeps at once until the line with {@code sequence} is there; returns its first word. */
  long awaitFutex(long sequence) {
    while ((long) LONG.getAcquire(page, in + SEQUENCE) != sequence) {
      INT.setOpaque(page, in + WAITING, 1);
      VarHandle.fullFence();
      if ((long) LONG.getAcquire(page, in + SEQUENCE) != sequence) {
        // Little-endian: the futex word is the low half of the sequence.
        call(in + SEQUENCE, FUTEX_WAIT, (int) (sequence - 1));
      }
      INT.setOpaque(page, in + WAITING, 0);
    }
    return page.get(ValueLayout.JAVA_LONG, in);
  }

  private void call(long offset, long operation, int value) {
    try {
      long _ =
          (long)
              SYSCALL.invokeExact(
                  SYS_FUTEX, page.asSlice(offset, 4), operation, (long) value, MemorySegment.NULL);
    } catch (Throwable failure) {
      throw new IllegalStateException("futex", failure);
    }
  }

  private static MethodHandle syscall() {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(
        linker.defaultLookup().find("syscall").orElseThrow(),
        FunctionDescriptor.of(
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.ADDRESS,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.ADDRESS),
        Linker.Option.firstVariadicArg(1));
  }
}
