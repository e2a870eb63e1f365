package io.farwarp.executor.worker;

import io.farwarp.executor.device.DeviceInvocation;
import io.farwarp.executor.device.DeviceStream;
import io.farwarp.rdma.QueuePair;
import io.farwarp.rdma.RemoteRegion;
import io.farwarp.wire.Status;
import io.farwarp.wire.Wire;
import org.jspecify.annotations.Nullable;

/**
 * The invocations of a session on their way: queued in order of arrival, posted to the device's
 * stream, written back, answered exactly once. Used by the thread whose {@link Turn} it is.
 */
final class Pipeline {
  /** {@link #advance}: the turn was lost while a launch ran; touch nothing more. */
  static final int TURN_LOST = -1;

  static final long NO_DEADLINE = Long.MAX_VALUE;

  private final QueuePair queuePair;
  private final ClientRegions regions;
  private final Responses responses;
  private final DeviceStream stream;
  private final Turn turn;
  private final InvocationOrder order = new InvocationOrder();
  private final @Nullable Invocation[] slots = new @Nullable Invocation[Wire.MAX_IN_FLIGHT];
  private int inFlight;
  private boolean muted;
  private long executionNs;
  private long answeredCount;
  private long latestNs;

  Pipeline(
      QueuePair queuePair,
      ClientRegions regions,
      Responses responses,
      DeviceStream stream,
      Turn turn) {
    this.queuePair = queuePair;
    this.regions = regions;
    this.responses = responses;
    this.stream = stream;
    this.turn = turn;
  }

  /** Invocations and pulls that are not answered yet. */
  int inFlight() {
    return inFlight;
  }

  boolean isSlotTaken(int slot) {
    return slots[slot] != null;
  }

  /** True when the device has nothing of this session, and nothing waits. */
  boolean isEmpty() {
    return order.isEmpty();
  }

  /** Nanoseconds of kernels so far. */
  long executionNs() {
    return executionNs;
  }

  long answeredCount() {
    return answeredCount;
  }

  /**
   * The latest time of the clock that an arrival or an invocation's end has told, so that nobody
   * reads the clock again a few instructions later.
   */
  long latestNs() {
    return latestNs;
  }

  /** A place for a new invocation, to fill and {@link #append}; null: none is free. */
  @Nullable Invocation peekFree() {
    return order.peekFree();
  }

  /** Queues the place from {@link #peekFree}; its slot is not taken. */
  void append(Invocation invocation) {
    order.append();
    invocation.isAnswered = false;
    invocation.isOnDevice = false;
    invocation.nextReturn = 0;
    invocation.stopStatus = Status.OK;
    slots[invocation.slot] = invocation;
    inFlight++;
    latestNs = invocation.arrivedNs;
  }

  /**
   * Posts what is queued, answers what has ended.
   *
   * @return how much was done, or {@link #TURN_LOST}
   */
  int advance() {
    int done = reap();
    Invocation next = order.undispatched();
    while (next != null && mayStart(next)) {
      order.dispatched();
      DeviceInvocation device = next.device;
      if (device != null && !next.isAnswered) {
        next.isOnDevice = true;
        if (!post(device)) {
          return TURN_LOST;
        }
      }
      done += 1 + reap();
      next = order.undispatched();
    }
    return done;
  }

  /** False when the turn was lost meanwhile. */
  private boolean post(DeviceInvocation device) {
    return switch (stream.post(device, !queuePair.movesByPolling())) {
      case QUEUED -> true;
      case HERE -> runHere(turn.enterLaunch());
      case HERE_AND_LASTING -> runHere(turn.enterLastingLaunch());
      case FULL -> throw new IllegalStateException("the stream takes fewer than the order holds");
    };
  }

  private boolean runHere(long launch) {
    stream.runHere(latestNs);
    return turn.leaveLaunch(launch);
  }

  /** A pull (it has no device invocation) waits until everything before it is done. */
  private boolean mayStart(Invocation next) {
    return next.device != null || order.undispatchedIsOldest();
  }

  private int reap() {
    int done = 0;
    Invocation oldest = order.oldestDispatched();
    while (oldest != null) {
      DeviceInvocation device = oldest.device;
      if (oldest.isOnDevice && device != null) {
        if (stream.poll() == null) {
          return done;
        }
        oldest.isOnDevice = false;
        executionNs += device.kernelNs();
        long endedNs =
            device.startedNs() + device.copyInNs() + device.kernelNs() + device.copyOutNs();
        latestNs = endedNs - latestNs > 0 ? endedNs : latestNs;
      }
      if (!oldest.isAnswered && !muted && !finish(oldest)) {
        return done;
      }
      order.removeOldest();
      done++;
      oldest = order.oldestDispatched();
    }
    return done;
  }

  /** Writes back and answers; false if there is no room for it now. */
  private boolean finish(Invocation invocation) {
    DeviceInvocation device = invocation.device;
    if ((device == null || device.status() == Status.OK) && !canReturn(invocation)) {
      return complete(
          invocation,
          Status.OUT_OF_RANGE,
          "a region was replaced by a smaller one while results were on their way to it",
          0,
          0,
          0,
          0);
    }
    if (device == null) {
      return writeBack(invocation) && complete(invocation, Status.OK, "", 0, 0, 0, 0);
    }
    Status status = device.status();
    if (status == Status.OK) {
      return writeBack(invocation) && complete(invocation, device, Status.OK, device.detail());
    }
    if (status == Status.CANCELLED && invocation.stopStatus != Status.OK) {
      return complete(
          invocation, device, invocation.stopStatus, stopText(invocation, device.detail()));
    }
    return complete(invocation, device, status, device.detail());
  }

  /** Null: the client gave the id to a smaller region while the invocation was on its way. */
  private @Nullable RemoteRegion returnRegion(Invocation invocation, int argument) {
    RemoteRegion region = regions.find(invocation.returnRegions[argument]);
    return region == null
            || invocation.returnOffsetsBytes[argument]
                > region.sizeBytes() - invocation.lengthsBytes[argument]
        ? null
        : region;
  }

  private boolean canReturn(Invocation invocation) {
    for (int i = invocation.nextReturn; i < invocation.argumentCount; i++) {
      if (invocation.returnRegions[i] != Invocation.NOT_RETURNED
          && invocation.lengthsBytes[i] > 0
          && returnRegion(invocation, i) == null) {
        return false;
      }
    }
    return true;
  }

  private boolean writeBack(Invocation invocation) {
    for (int i = invocation.nextReturn; i < invocation.argumentCount; i++) {
      int id = invocation.returnRegions[i];
      if (id != Invocation.NOT_RETURNED && invocation.lengthsBytes[i] > 0) {
        RemoteRegion region = returnRegion(invocation, i);
        if (region == null) {
          throw new IllegalStateException("finish() has checked region " + id);
        }
        boolean posted =
            queuePair.postWrite(
                queuePair.localExposed(),
                invocation.offsetsBytes[i],
                region,
                invocation.returnOffsetsBytes[i],
                invocation.lengthsBytes[i],
                QueuePair.UNSIGNALLED);
        if (!posted) {
          return false;
        }
      }
      invocation.nextReturn = i + 1;
    }
    return true;
  }

  private boolean complete(
      Invocation invocation, DeviceInvocation device, Status status, String detail) {
    return complete(
        invocation,
        status,
        detail,
        Math.max(0, device.startedNs() - invocation.arrivedNs),
        device.copyInNs(),
        device.kernelNs(),
        device.copyOutNs());
  }

  private boolean complete(
      Invocation invocation,
      Status status,
      String detail,
      long queueNs,
      long copyInNs,
      long kernelNs,
      long copyOutNs) {
    if (!responses.flush()
        || !responses.completion(
            invocation.slot,
            invocation.id,
            status,
            detail,
            queueNs,
            copyInNs,
            kernelNs,
            copyOutNs)) {
      return false;
    }
    answered(invocation);
    return true;
  }

  private void answered(Invocation invocation) {
    invocation.isAnswered = true;
    slots[invocation.slot] = null;
    inFlight--;
    answeredCount++;
  }

  /**
   * The client cancels; nothing happens if the invocation has ended.
   *
   * @return false if an answer could neither be sent nor kept
   */
  boolean cancel(int slot, long id) {
    Invocation invocation = slots[slot];
    return invocation == null || invocation.id != id || stop(invocation, Status.CANCELLED);
  }

  /**
   * Stops whatever has passed its deadline.
   *
   * @return false if an answer could neither be sent nor kept
   */
  boolean expire(long nowNs) {
    boolean fine = true;
    for (Invocation invocation : slots) {
      if (invocation != null
          && invocation.stopStatus == Status.OK
          && nowNs - invocation.deadlineNs >= 0) {
        fine &= stop(invocation, Status.DEADLINE_EXCEEDED);
      }
    }
    return fine;
  }

  /** Nanoseconds from {@code nowNs} to the next deadline; {@link #NO_DEADLINE} if none is due. */
  long untilNextDeadlineNs(long nowNs) {
    long least = NO_DEADLINE;
    for (Invocation invocation : slots) {
      if (invocation != null && invocation.stopStatus == Status.OK) {
        least = Math.min(least, invocation.deadlineNs - nowNs);
      }
    }
    return least;
  }

  private boolean stop(Invocation invocation, Status why) {
    invocation.stopStatus = why;
    DeviceInvocation device = invocation.device;
    boolean touchesNothing = !invocation.isOnDevice || (device != null && device.stop());
    if (!touchesNothing || invocation.nextReturn > 0) {
      return true;
    }
    boolean kept =
        responses.answer(
            invocation.slot, invocation.id, why, stopText(invocation, "it had not begun"));
    if (kept) {
      answered(invocation);
    }
    return kept;
  }

  private static String stopText(Invocation invocation, String detail) {
    long limitMs = (invocation.deadlineNs - invocation.arrivedNs) / 1_000_000;
    return invocation.stopStatus == Status.DEADLINE_EXCEEDED
        ? "the deadline of %d ms has passed; %s".formatted(limitMs, detail)
        : "cancelled; " + detail;
  }

  /** Answers nothing from now on, and stops what the device has. */
  void muteAndStop() {
    muted = true;
    for (Invocation invocation : slots) {
      if (invocation != null && invocation.device != null) {
        if (invocation.isOnDevice) {
          invocation.device.stop();
        } else {
          invocation.isAnswered = true;
        }
      }
    }
  }
}
