package io.farwarp.client;

import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/**
 * Hands out an index range in chunks from both ends: the front to the remote side, the back to the
 * local one. Pure but for its lock: rates are told to it, time is a parameter.
 *
 * <p>A chunk is a part of what the remaining indices would take of all lanes together, so chunks
 * shrink towards the end and no lane is left with a large one (guided self-scheduling:
 * Polychronopoulos and Kuck, 1987); a faster lane gets a larger one.
 */
final class OffloadRange {
  /** A chunk is at most this part of a lane's fair share of what remains. */
  private static final double PART_OF_SHARE = 0.25;

  /** The first chunks, before any rate is known, are this part of all. */
  private static final double FIRST_PART = 1.0 / 128;

  /**
   * Bounds of chunks.
   *
   * @param grain what chunk bounds are multiples of
   */
  record Chunking(long grain, long least, long most) {
    Chunking {
      least = Math.max(grain, up(least, grain));
      most = Math.max(least, down(most, grain));
    }

    private static long up(long value, long grain) {
      long over = value % grain;
      return over == 0
          ? value
          : value > Long.MAX_VALUE - grain ? down(value, grain) : value - over + grain;
    }

    private static long down(long value, long grain) {
      return value - value % grain;
    }
  }

  /** Indices from {@code from} to before {@code to}. */
  record Chunk(long from, long to) {
    long size() {
      return to - from;
    }
  }

  private final long n;
  private final Chunking chunking;
  private final int localLanes;
  private final int remoteLanes;

  /** Where the sides' own parts end; null where they share one. */
  private final @Nullable Long border;

  private long front;
  private long back;
  private final Rate local = new Rate();
  private final Rate remote = new Rate();
  private boolean stopped;

  /** Indices and lane-seconds of one side. */
  private static final class Rate {
    private long indices;
    private double laneSeconds;

    /** Indices per second of one lane; 0 while unknown. */
    private double perLane() {
      return laneSeconds <= 0 ? 0 : indices / laneSeconds;
    }
  }

  OffloadRange(
      long n, Chunking chunking, OptionalDouble remoteShare, int localLanes, int remoteLanes) {
    this.n = n;
    this.chunking = chunking;
    this.localLanes = localLanes;
    this.remoteLanes = remoteLanes;
    this.back = n;
    this.border = remoteShare.isEmpty() ? null : border(remoteShare.getAsDouble());
  }

  private long border(double share) {
    long exact = Math.round(n * share);
    if (share >= 1 || exact >= n) {
      return n;
    }
    return exact - exact % chunking.grain();
  }

  /** The next chunk of the remote side, or null when there is none left. */
  synchronized @Nullable Chunk nextRemote() {
    long end = border == null ? back : border;
    if (stopped || front >= end) {
      return null;
    }
    long size = size(end - front, remote, remoteLanes);
    long from = front;
    front = end - from <= size ? end : from + size;
    return new Chunk(from, front);
  }

  /** The same for the local side. */
  synchronized @Nullable Chunk nextLocal() {
    long start = border == null ? front : border;
    if (stopped || back <= start) {
      return null;
    }
    long size = size(back - start, local, localLanes);
    long to = back;
    long from = Math.max(start, to - size);
    // The end of the range may lie anywhere; every other bound is on the grain.
    back = from - start < chunking.grain() ? start : from - from % chunking.grain();
    return new Chunk(back, to);
  }

  private long size(long left, Rate side, int lanes) {
    double wanted;
    if (border != null) {
      wanted = (double) left / lanes * PART_OF_SHARE;
    } else {
      double own = side.perLane();
      double all = localLanes * local.perLane() + remoteLanes * remote.perLane();
      boolean known = local.perLane() > 0 && remote.perLane() > 0;
      wanted = known ? left * (own / all) * PART_OF_SHARE : n * FIRST_PART;
    }
    long size = (long) Math.min(wanted, (double) chunking.most());
    size = Math.max(chunking.least(), size - size % chunking.grain());
    return Math.min(size, chunking.most());
  }

  /** A chunk is done; {@code seconds} is what it kept one lane busy for. */
  synchronized void localDone(Chunk chunk, double seconds) {
    add(local, chunk, seconds);
  }

  synchronized void remoteDone(Chunk chunk, double seconds) {
    add(remote, chunk, seconds);
  }

  private static void add(Rate side, Chunk chunk, double seconds) {
    side.indices += chunk.size();
    side.laneSeconds += seconds;
  }

  /** No more chunks. */
  synchronized void stop() {
    stopped = true;
  }
}
