package io.farwarp.executor.device;

import org.jspecify.annotations.Nullable;

/**
 * Runs invocations one after the other, in the order in which they were posted. {@link #post} and
 * {@link #poll} are called by one thread at a time, do not allocate, and hand over between threads
 * with a happens-before edge.
 */
public interface DeviceStream extends AutoCloseable {
  /** Invocations posted and not yet polled, at most. */
  int CAPACITY = 128;

  /**
   * Posts a bound invocation. Returns soon: a device may run on the calling thread what it expects
   * to end within about the time of handing it over. That expectation can be wrong, so another
   * thread may take over calling {@link #post} and {@link #poll} while a call to this is on its
   * way; the late one touches nothing of theirs.
   *
   * @return false if the stream is full; nothing was posted
   */
  boolean post(DeviceInvocation invocation);

  /** The oldest invocation posted and not yet polled, if it has ended; else null. */
  @Nullable DeviceInvocation poll();

  /**
   * Stops what runs, and waits for it.
   *
   * @throws IllegalStateException a launch could not be stopped: the process is beyond repair
   */
  @Override
  void close();
}
