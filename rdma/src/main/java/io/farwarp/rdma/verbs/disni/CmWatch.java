package io.farwarp.rdma.verbs.disni;

import java.io.IOException;
import java.lang.System.Logger.Level;

/**
 * A thread beside a connection that sleeps on its id's events. When the peer has disconnected,
 * which its kernel does for a process that was killed, it flushes the queue pair, so that whoever
 * polls or sleeps sees the end among the completions.
 */
final class CmWatch {
  private static final System.Logger LOG = System.getLogger(CmWatch.class.getName());

  private final CmId id;
  private final Thread thread;
  private volatile boolean peerLeft;

  CmWatch(CmId id) {
    this.id = id;
    this.thread = Thread.ofPlatform().daemon().name("verbs-watch").unstarted(this::run);
  }

  /** Once the id is connected, whose events are the watch's from now on. */
  void start() {
    thread.start();
  }

  /** Whether the peer, or the device, has ended the connection. */
  boolean peerLeft() {
    return peerLeft;
  }

  private void run() {
    try {
      while (id.cancelled() == null) {
        CmEvent event = id.nextEvent();
        if (event != null && endsConnection(event.type())) {
          peerLeft = true;
          id.disconnect();
        }
      }
    } catch (IOException e) {
      if (id.cancelled() == null) {
        LOG.log(Level.WARNING, "the end of a verbs connection cannot be watched for", e);
        id.disconnect();
      }
    }
  }

  private static boolean endsConnection(CmEvent.Type type) {
    return type == CmEvent.Type.DISCONNECTED || type == CmEvent.Type.DEVICE_REMOVAL;
  }

  /** Ends the thread and waits for that; also where it was never started. */
  void stop() {
    id.cancel("the connection is being closed");
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
