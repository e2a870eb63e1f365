package io.farwarp.executor.device;

import org.jspecify.annotations.Nullable;

/**
 * Runs invocations as if one after the other, in the order in which they were posted; a device may
 * run some side by side that share nothing. {@link #post} and {@link #poll} are called by one
 * thread at a time, do not allocate, and hand over between threads with a happens-before edge.
 */
public interface DeviceStream extends AutoCloseable {
  /** Invocations posted and not yet polled, at most. */
  int CAPACITY = 128;

  /** What became of a posted invocation. */
  enum Posted {
    /** Nothing was posted. */
    FULL,
    /** The device runs it by itself. */
    QUEUED,
    /** The caller runs it now, by {@link DeviceStream#runHere}; it should end soon. */
    HERE,
    /** The caller runs it now, by {@link DeviceStream#runHere}; it may last. */
    HERE_AND_LASTING
  }

  /**
   * Posts a bound invocation; returns soon. A device leaves to the calling thread what it expects
   * to end within about the time of handing it over.
   *
   * @param callerIsFree the calling thread has nothing else to move meanwhile, so the device may
   *     leave it an invocation of any length
   */
  Posted post(DeviceInvocation invocation, boolean callerIsFree);

  /**
   * Runs the invocation that {@link #post} has just left to the caller. It may last longer than the
   * device expected, so from here on another thread may take over calling {@link #post} and {@link
   * #poll}; this call then touches nothing of theirs.
   *
   * @param nowNs a fresh reading of {@link System#nanoTime}: the start of the invocation's work
   */
  void runHere(long nowNs);

  /** The oldest invocation posted and not yet polled, if it has ended; else null. */
  @Nullable DeviceInvocation poll();

  /**
   * Whether the device works beside this host's cores, so that a thread with time to spend sees an
   * end soonest by calling {@link #poll} again and again.
   */
  boolean movesByPolling();

  /**
   * The thread that polls is about to sleep: {@code ended} is called when {@link #poll} has
   * something new, also if it has already.
   */
  void arm();

  /**
   * Why nothing can be run on the device any more, and the process should end; null while all is
   * well. Invocations that are posted end all the same.
   */
  @Nullable String lost();

  /**
   * Stops what runs, and waits for it.
   *
   * @throws IllegalStateException a launch could not be stopped: the process is beyond repair
   */
  @Override
  void close();
}
