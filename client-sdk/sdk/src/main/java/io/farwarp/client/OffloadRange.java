package io.farwarp.client;

import java.util.Arrays;
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

  /** Local lanes first. */
  private final Rate[] lanes;

  /** Where the sides' own parts end; null where they share one. */
  private final @Nullable Long border;

  private long front;
  private long back;
  private boolean stopped;

  /** What a lane gets done; older chunks count less, so that a warm-up is soon forgotten. */
  private static final class Rate {
    private static final double MEMORY = 0.5;

    private double indices;
    private double seconds;

    private void add(long moreIndices, double moreSeconds) {
      indices = indices * MEMORY + moreIndices;
      seconds = seconds * MEMORY + moreSeconds;
    }

    /** Indices per second; 0 while unknown. */
    private double perSecond() {
      return seconds <= 0 ? 0 : indices / seconds;
    }
  }

  OffloadRange(
      long n, Chunking chunking, OptionalDouble remoteShare, int localLanes, int remoteLanes) {
    this.n = n;
    this.chunking = chunking;
    this.localLanes = localLanes;
    this.lanes = new Rate[localLanes + remoteLanes];
    Arrays.setAll(lanes, _ -> new Rate());
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

  /**
   * The next chunk for a lane, or null when its side has none left.
   *
   * @param lane local lanes count from 0, remote ones follow
   */
  synchronized @Nullable Chunk next(int lane) {
    if (stopped) {
      return null;
    }
    return lane < localLanes ? nextLocal(lane) : nextRemote(lane);
  }

  private @Nullable Chunk nextRemote(int lane) {
    long end = border == null ? back : border;
    if (front >= end) {
      return null;
    }
    long size = size(end - front, lane, lanes.length - localLanes);
    long from = front;
    front = end - from <= size ? end : from + size;
    return new Chunk(from, front);
  }

  private @Nullable Chunk nextLocal(int lane) {
    long start = border == null ? front : border;
    if (back <= start) {
      return null;
    }
    long to = back;
    long from = Math.max(start, to - size(back - start, lane, localLanes));
    // The end of the range may lie anywhere; every other bound is on the grain.
    back = from - start < chunking.grain() ? start : from - from % chunking.grain();
    return new Chunk(back, to);
  }

  private long size(long left, int lane, int lanesOfSide) {
    double wanted;
    if (border != null) {
      wanted = (double) left / lanesOfSide * PART_OF_SHARE;
    } else {
      double own = lanes[lane].perSecond();
      wanted = own > 0 ? left * (own / all(own)) * PART_OF_SHARE : n * FIRST_PART;
    }
    long size = (long) Math.min(wanted, (double) chunking.most());
    size = Math.max(chunking.least(), size - size % chunking.grain());
    return Math.min(size, chunking.most());
  }

  /** Indices per second of all lanes; one whose rate is unknown counts like the asking one. */
  private double all(double own) {
    double sum = 0;
    for (Rate rate : lanes) {
      sum += rate.perSecond() > 0 ? rate.perSecond() : own;
    }
    return sum;
  }

  /** A lane's chunk is done; {@code seconds} is what it took of the lane's time. */
  synchronized void done(int lane, Chunk chunk, double seconds) {
    lanes[lane].add(chunk.size(), seconds);
  }

  /** No more chunks. */
  synchronized void stop() {
    stopped = true;
  }
}
