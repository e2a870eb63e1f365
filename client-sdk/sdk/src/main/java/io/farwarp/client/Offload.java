package io.farwarp.client;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/**
 * Splits an index range [0, n) between local code and remote functions, and runs both at once.
 *
 * <p>With a fixed fraction the front of the range is remote and the rest local. Without one the
 * sides meet where they meet: the remote side takes chunks from the front and the local side from
 * the back, each sized by the rates measured so far and shrinking towards the end, so that all
 * finish together.
 *
 * <pre>{@code
 * Offload.Result done = Offload.over(n)
 *     .local(threads, (from, to) -> price(from, to))
 *     .remote((from, to) -> blackScholes.invoke(in(spot.slice(from, to - from)), ...))
 *     .run();
 * }</pre>
 *
 * One instance is one run's description; not thread-safe.
 */
public final class Offload {
  /**
   * What a chunk's bounds are multiples of, so that slices of tensors of any type may start there.
   */
  public static final long DEFAULT_GRAIN = 256;

  private static final int DEFAULT_IN_FLIGHT = 2;

  /** Computes the indices from {@code from} to before {@code to} in this process. */
  @FunctionalInterface
  public interface LocalCode {
    void run(long from, long to) throws Exception;
  }

  /**
   * Posts what computes the indices from {@code from} to before {@code to} on a worker, and returns
   * it without waiting. What is in memory may have to be copied to a place of its own for each
   * chunk in flight.
   */
  @FunctionalInterface
  public interface RemoteCode {
    Posted<?> post(long from, long to) throws Exception;
  }

  /**
   * What one side did.
   *
   * @param indices how many
   * @param chunks in how many pieces
   * @param seconds from the start of the run until the side's last piece was done
   * @param perSecond indices per second of that time; 0 for none
   */
  public record Side(long indices, long chunks, double seconds, double perSecond) {}

  /** Both sides, and the seconds of the whole run. */
  public record Result(Side local, Side remote, double seconds) {
    /** The share of the indices that were remote, 0 to 1. */
    public double remoteFraction() {
      long all = local.indices() + remote.indices();
      return all == 0 ? 0 : (double) remote.indices() / all;
    }

    /** Indices per second of the whole run. */
    public double perSecond() {
      return seconds == 0 ? 0 : (local.indices() + remote.indices()) / seconds;
    }
  }

  private final long n;
  private int localThreads;
  private LocalCode localCode = (from, to) -> {};
  private final List<RemoteCode> remotes = new ArrayList<>();
  private OptionalDouble fraction = OptionalDouble.empty();
  private long grain = DEFAULT_GRAIN;
  private long leastChunk = DEFAULT_GRAIN;
  private long mostChunk = Long.MAX_VALUE;
  private int inFlight = DEFAULT_IN_FLIGHT;

  private Offload(long n) {
    this.n = n;
  }

  /** Over the indices 0 to before {@code n}. */
  public static Offload over(long n) {
    if (n < 0) {
      throw new IllegalArgumentException("a range of " + n + " indices");
    }
    return new Offload(n);
  }

  /** Local code on {@code threads} threads of its own; 0 threads: all is remote. */
  public Offload local(int threads, LocalCode code) {
    if (threads < 0) {
      throw new IllegalArgumentException(threads + " local threads");
    }
    localThreads = threads;
    localCode = code;
    return this;
  }

  /** A worker's code; may be called for several workers, each with a thread of its own. */
  public Offload remote(RemoteCode code) {
    remotes.add(code);
    return this;
  }

  /** Exactly this share is remote, 0 to 1, but for the rounding to {@link #grain}. */
  public Offload fraction(double remote) {
    if (!(remote >= 0 && remote <= 1)) {
      throw new IllegalArgumentException("a remote fraction of " + remote + "; it takes 0 to 1");
    }
    fraction = OptionalDouble.of(remote);
    return this;
  }

  /** The sides balance themselves by their measured rates; the default. */
  public Offload auto() {
    fraction = OptionalDouble.empty();
    return this;
  }

  /** Bounds of chunks are multiples of this many indices (but the last); {@link #DEFAULT_GRAIN}. */
  public Offload grain(long indices) {
    if (indices < 1) {
      throw new IllegalArgumentException("a grain of " + indices + " indices");
    }
    grain = indices;
    return this;
  }

  /** Least and greatest number of indices in a chunk; rounded up to {@link #grain}. */
  public Offload chunk(long least, long most) {
    if (least < 1 || most < least) {
      throw new IllegalArgumentException("chunks of %d to %d indices".formatted(least, most));
    }
    leastChunk = least;
    mostChunk = most;
    return this;
  }

  /** Chunks that each worker has in flight, 1 and up; 2 unless told. */
  public Offload inFlight(int chunks) {
    if (chunks < 1) {
      throw new IllegalArgumentException(chunks + " chunks in flight");
    }
    inFlight = chunks;
    return this;
  }

  /**
   * Runs both sides to the end; on a failure stops handing out chunks, waits for those under way
   * and throws the first failure.
   */
  public Result run() {
    if (localThreads == 0 && remotes.isEmpty() && n > 0) {
      throw new IllegalStateException("neither local threads nor remote code to run on");
    }
    OffloadRange range =
        new OffloadRange(
            n,
            new OffloadRange.Chunking(grain, leastChunk, mostChunk),
            remoteShare(),
            localThreads,
            remotes.size());
    return new OffloadRun(range, localCode, localThreads, remotes, inFlight).run();
  }

  /** A side that nobody works on gets nothing. */
  private OptionalDouble remoteShare() {
    if (remotes.isEmpty()) {
      return OptionalDouble.of(0);
    }
    return localThreads == 0 ? OptionalDouble.of(1) : fraction;
  }
}
