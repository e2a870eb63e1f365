package io.farwarp.executor.worker;

import io.farwarp.rdma.Admission;
import io.farwarp.rdma.ExposedMemory;
import io.farwarp.rdma.QueuePair;
import io.farwarp.v1.LeaseToken;
import io.farwarp.v1.StartWorker;
import io.farwarp.wire.Handshake;
import io.farwarp.wire.Status;
import io.farwarp.wire.Wire;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.security.SecureRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Who may open a session with this worker: the holder of its lease, one session at a time, whatever
 * the transport. Called by the listeners' threads; the worker's polling thread fetches what was let
 * in.
 */
final class SessionDoor implements Admission {
  private static final Logger LOG = System.getLogger(SessionDoor.class.getName());

  /** How long a client that comes back waits for its last session to be found dead. */
  private static final long LAST_SESSION_WAIT_NS = TimeUnit.SECONDS.toNanos(3);

  /** How long a worker that ends waits for a client that it has let in and not heard of since. */
  private static final long PROMISED_WAIT_NS = TimeUnit.SECONDS.toNanos(1);

  /** Where the one place for a session is in its life. */
  private enum Place {
    FREE,
    PROMISED,
    CONNECTED,
    CLOSED
  }

  private final StartWorker worker;
  private final TokenCheck tokens;
  private final LeaseTerm term;
  private final ExposedMemory window;
  private final LongSupplier clock;
  private final Runnable arrived;
  private final SecureRandom random = new SecureRandom();

  private Place place = Place.FREE;

  /** Handshakes that wait for the place; more than 0 makes the polling thread probe its session. */
  private volatile int contenders;

  /** Counts the signs of life that sessions gave when they were contested. */
  private long signsOfLife;

  private volatile @Nullable QueuePair waiting;

  /**
   * @param arrived wakes the polling thread: {@link #takeArrival} or {@link #isContested} has news
   */
  SessionDoor(
      StartWorker worker,
      TokenCheck tokens,
      LeaseTerm term,
      ExposedMemory window,
      LongSupplier clock,
      Runnable arrived) {
    this.worker = worker;
    this.tokens = tokens;
    this.term = term;
    this.window = window;
    this.clock = clock;
    this.arrived = arrived;
  }

  @Override
  public byte[] challenge() {
    byte[] nonce = new byte[Wire.NONCE_BYTES];
    random.nextBytes(nonce);
    return new Handshake.Challenge(Wire.VERSION, nonce).encode();
  }

  @Override
  public Verdict admit(byte[] challenge, byte[] answer, Runnable proven) {
    try {
      judge(Handshake.Challenge.decode(challenge), decode(answer));
      proven.run();
      promisePlace();
    } catch (TokenCheck.Refusal e) {
      LOG.log(Level.INFO, "session refused: {0}: {1}", e.status(), e.reason());
      return new Refused(Handshake.Reply.refused(e.status(), e.reason()).encode());
    }
    Handshake.Reply reply =
        new Handshake.Reply(
            Wire.VERSION,
            Status.OK,
            worker.getLease().getWindowBytes(),
            term.leftMs(clock.getAsLong()),
            worker.getLease().getHotUs(),
            Wire.MAX_IN_FLIGHT,
            "");
    return new Admitted(reply.encode(), window);
  }

  private static Handshake.Answer decode(byte[] answer) throws TokenCheck.Refusal {
    try {
      return Handshake.Answer.decode(answer);
    } catch (IllegalArgumentException e) {
      throw new TokenCheck.Refusal(Status.PROTOCOL_ERROR, String.valueOf(e.getMessage()));
    }
  }

  private void judge(Handshake.Challenge challenge, Handshake.Answer answer)
      throws TokenCheck.Refusal {
    if (answer.version() != Wire.VERSION) {
      throw new TokenCheck.Refusal(
          Status.VERSION_MISMATCH,
          "the client speaks version %d; this worker speaks %d"
              .formatted(answer.version(), Wire.VERSION));
    }
    LeaseToken token = tokens.verified(answer.token());
    tokens.possession(token, challenge.nonce(), answer);
    switch (term.accept(token, clock.getAsLong())) {
      case ACCEPTED -> {}
      case OUTDATED ->
          throw new TokenCheck.Refusal(
              Status.UNAUTHENTICATED,
              "renewal %d of the lease token is outdated: use the newest"
                  .formatted(token.getRenewal()));
      case EXPIRED ->
          throw new TokenCheck.Refusal(
              Status.LEASE_EXPIRED, "the lease token has expired: acquire a lease or renew it");
    }
  }

  private synchronized void promisePlace() throws TokenCheck.Refusal {
    contenders++;
    try {
      awaitPlace();
      place = Place.PROMISED;
    } finally {
      contenders--;
    }
  }

  private synchronized void awaitPlace() throws TokenCheck.Refusal {
    long deadlineNs = System.nanoTime() + LAST_SESSION_WAIT_NS;
    long signsBefore = signsOfLife;
    while (place != Place.FREE) {
      if (place == Place.CLOSED) {
        throw new TokenCheck.Refusal(Status.WORKER_LOST, "the worker is ending");
      }
      long leftMs = TimeUnit.NANOSECONDS.toMillis(deadlineNs - System.nanoTime());
      if (leftMs <= 0 || signsOfLife > signsBefore) {
        throw alreadyConnected();
      }
      arrived.run();
      try {
        wait(leftMs);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw alreadyConnected();
      }
    }
  }

  private TokenCheck.Refusal alreadyConnected() {
    return new TokenCheck.Refusal(
        Status.ALREADY_CONNECTED,
        "lease %s already has a session with this worker; close it first"
            .formatted(worker.getLease().getLeaseId()));
  }

  @Override
  public void connected(QueuePair queuePair, Admitted admitted) {
    boolean wanted;
    synchronized (this) {
      wanted = place == Place.PROMISED;
      if (wanted) {
        place = Place.CONNECTED;
        waiting = queuePair;
        notifyAll();
      }
    }
    if (wanted) {
      arrived.run();
    } else {
      queuePair.close();
    }
  }

  @Override
  public synchronized void abandoned(Admitted admitted) {
    if (place == Place.PROMISED) {
      place = Place.FREE;
      notifyAll();
    }
  }

  /** The polling thread: a connection that has just been let in; null: none. */
  @Nullable QueuePair takeArrival() {
    if (waiting == null) {
      return null;
    }
    synchronized (this) {
      QueuePair taken = waiting;
      waiting = null;
      return taken;
    }
  }

  /** The polling thread: whether somebody waits for the place of the session. */
  boolean isContested() {
    return contenders > 0;
  }

  /** The polling thread: the client of the session is there, so whoever waits is refused. */
  synchronized void sessionIsAlive() {
    signsOfLife++;
    notifyAll();
  }

  /** The polling thread: the session is closed, and another one may come. */
  synchronized void sessionClosed() {
    if (place == Place.CONNECTED) {
      place = Place.FREE;
      notifyAll();
    }
  }

  /**
   * The polling thread, which has no session: lets nobody in any more, but waits for whom the place
   * was promised.
   *
   * @return the last connection, still to be told why it is the last; null: there is none
   */
  synchronized @Nullable QueuePair closeAfterLast() {
    boolean interrupted = false;
    long deadlineNs = System.nanoTime() + PROMISED_WAIT_NS;
    long leftMs = TimeUnit.NANOSECONDS.toMillis(PROMISED_WAIT_NS);
    while (place == Place.PROMISED && leftMs > 0) {
      try {
        wait(leftMs);
      } catch (InterruptedException e) {
        interrupted = true;
      }
      leftMs = TimeUnit.NANOSECONDS.toMillis(deadlineNs - System.nanoTime());
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    place = Place.CLOSED;
    notifyAll();
    QueuePair last = waiting;
    waiting = null;
    return last;
  }

  /** Lets nobody in any more; closes a connection that was not fetched. */
  void close() {
    QueuePair left;
    synchronized (this) {
      place = Place.CLOSED;
      notifyAll();
      left = waiting;
      waiting = null;
    }
    if (left != null) {
      left.close();
    }
  }
}
