package io.farwarp.client;

import io.farwarp.wire.Wire;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * What a session does while no caller waits on it: completes futures, notices the peer's end,
 * passes renewed tokens on. It sleeps otherwise, and never spins.
 */
final class SessionThread {
  private static final System.Logger LOG = System.getLogger(SessionThread.class.getName());
  private static final long STOP_LIMIT_MS = TimeUnit.SECONDS.toMillis(5);

  private final Session session;
  private final SessionEngine engine;
  private final Thread thread;
  private final AtomicReference<byte @Nullable []> token = new AtomicReference<>();
  private volatile boolean stopped;

  SessionThread(Session session, SessionEngine engine) {
    this.session = session;
    this.engine = engine;
    this.thread =
        Thread.ofPlatform()
            .daemon()
            .name("farwarp-session-" + session.worker())
            .unstarted(this::run);
  }

  void start() {
    engine.turn().setSessionThread(thread);
    thread.start();
  }

  void stop() {
    stopped = true;
    LockSupport.unpark(thread);
    if (thread == Thread.currentThread()) {
      return;
    }
    try {
      thread.join(STOP_LIMIT_MS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Sends a renewed token as soon as there is a place for it; a newer one replaces it. */
  void send(byte[] renewed) {
    if (renewed.length > Wire.MAX_MESSAGE_BYTES - Wire.HEADER_BYTES) {
      LOG.log(
          System.Logger.Level.ERROR,
          "%s: a lease token of %d bytes does not fit a message; the worker will end with the old one"
              .formatted(session, renewed.length));
      return;
    }
    token.set(renewed);
    LockSupport.unpark(thread);
  }

  private void run() {
    long lookedNs = System.nanoTime();
    while (!stopped) {
      engine.finishEnded();
      sendToken();
      engine.turn().leadForNobody();
      engine.finishEnded();
      long nowNs = System.nanoTime();
      if (nowNs - lookedNs >= SessionEngine.TICK_NS) {
        engine.turn().lookAfter(nowNs);
        lookedNs = nowNs;
      }
      if (!stopped && !engine.hasEnded() && token.get() == null) {
        LockSupport.parkNanos(this, SessionEngine.TICK_NS);
      }
    }
  }

  private void sendToken() {
    byte[] renewed = token.get();
    if (renewed == null) {
      return;
    }
    engine.turn().lock();
    try {
      if (engine.loss() != null || engine.outbox().sendRenewal(renewed)) {
        token.compareAndSet(renewed, null);
      }
    } finally {
      engine.turn().unlock();
    }
    if (token.get() != null) {
      LockSupport.parkNanos(this, TimeUnit.MILLISECONDS.toNanos(1));
    }
  }
}
