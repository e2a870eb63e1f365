package io.farwarp.rdma;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** Admits who answers with the challenge itself, and hands out the connections. */
public final class RecordingAdmission implements Admission {
  static final byte[] WELCOME = "welcome".getBytes(UTF_8);
  static final byte[] GO_AWAY = "go away".getBytes(UTF_8);

  private final ExposedMemory exposed;
  private final AtomicInteger challenges = new AtomicInteger();
  private final BlockingQueue<QueuePair> connected = new LinkedBlockingQueue<>();
  private volatile CountDownLatch waiting = new CountDownLatch(0);
  private volatile CountDownLatch opened = new CountDownLatch(0);
  public final AtomicInteger abandoned = new AtomicInteger();

  public RecordingAdmission(ExposedMemory exposed) {
    this.exposed = exposed;
  }

  @Override
  public byte[] challenge() {
    return ("challenge " + challenges.incrementAndGet()).getBytes(UTF_8);
  }

  @Override
  public Verdict admit(byte[] challenge, byte[] answer, Runnable proven) {
    if (!Arrays.equals(challenge, answer)) {
      return new Refused(GO_AWAY);
    }
    proven.run();
    waiting.countDown();
    try {
      opened.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return new Admitted(WELCOME, exposed);
  }

  /** From now on who is proven waits for {@link #open}. */
  void shut() {
    waiting = new CountDownLatch(1);
    opened = new CountDownLatch(1);
  }

  void awaitOneWaiting() throws InterruptedException {
    waiting.await();
  }

  void open() {
    opened.countDown();
  }

  @Override
  public void connected(QueuePair queuePair, Admitted admitted) {
    connected.add(queuePair);
  }

  @Override
  public void abandoned(Admitted admitted) {
    abandoned.incrementAndGet();
  }

  /** However long that takes. */
  public QueuePair awaitConnected() throws InterruptedException {
    return connected.take();
  }

  public QueuePair nextConnected() throws InterruptedException {
    return Objects.requireNonNull(connected.poll(60, TimeUnit.SECONDS), "no connection came");
  }
}
