package io.farwarp.client;

import io.farwarp.wire.Status;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;

/** One run of an {@link Offload}: a thread for each local lane and each worker. */
final class OffloadRun {
  private static final double NANOS = 1e-9;

  private final OffloadRange range;
  private final Offload.LocalCode localCode;
  private final int localThreads;
  private final List<Offload.RemoteCode> remotes;
  private final int inFlight;
  private final Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
  private final Tally local = new Tally();
  private final Tally remote = new Tally();
  private long startNs;

  /** What one side has done so far. */
  private static final class Tally {
    private long indices;
    private long chunks;
    private double seconds;

    private synchronized void add(OffloadRange.Chunk chunk, double atSeconds) {
      indices += chunk.size();
      chunks++;
      seconds = Math.max(seconds, atSeconds);
    }

    private synchronized Offload.Side side() {
      return new Offload.Side(indices, chunks, seconds, seconds > 0 ? indices / seconds : 0);
    }
  }

  /** A chunk that a worker has. */
  private record Sent(OffloadRange.Chunk chunk, Posted<?> posted) {}

  OffloadRun(
      OffloadRange range,
      Offload.LocalCode localCode,
      int localThreads,
      List<Offload.RemoteCode> remotes,
      int inFlight) {
    this.range = range;
    this.localCode = localCode;
    this.localThreads = localThreads;
    this.remotes = List.copyOf(remotes);
    this.inFlight = inFlight;
  }

  Offload.Result run() {
    startNs = System.nanoTime();
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < remotes.size(); i++) {
      Offload.RemoteCode code = remotes.get(i);
      int lane = localThreads + i;
      threads.add(start("farwarp-offload-remote-" + i, () -> remoteLane(lane, code)));
    }
    for (int i = 0; i < localThreads; i++) {
      int lane = i;
      threads.add(start("farwarp-offload-local-" + i, () -> localLane(lane)));
    }
    join(threads);
    double seconds = since(startNs);
    if (!failures.isEmpty()) {
      throw failed();
    }
    return new Offload.Result(local.side(), remote.side(), seconds);
  }

  private Thread start(String name, Runnable lane) {
    return Thread.ofPlatform()
        .daemon()
        .name(name)
        .start(() -> {
          try {
            lane.run();
          } catch (RuntimeException | Error e) {
            fail(e);
          }
        });
  }

  private void localLane(int lane) {
    OffloadRange.@Nullable Chunk chunk;
    while ((chunk = range.next(lane)) != null) {
      long beganNs = System.nanoTime();
      try {
        localCode.run(chunk.from(), chunk.to());
      } catch (Exception e) {
        fail(e);
        return;
      }
      range.done(lane, chunk, since(beganNs));
      local.add(chunk, since(startNs));
    }
  }

  private void remoteLane(int lane, Offload.RemoteCode code) {
    Queue<Sent> sent = new ArrayDeque<>();
    long busySinceNs = System.nanoTime();
    try {
      while (true) {
        OffloadRange.@Nullable Chunk chunk = sent.size() < inFlight ? range.next(lane) : null;
        if (chunk != null) {
          sent.add(new Sent(chunk, code.post(chunk.from(), chunk.to())));
          continue;
        }
        Sent oldest = sent.poll();
        if (oldest == null) {
          return;
        }
        oldest.posted().await();
        // Chunks of a worker run one after the other: what lies between two ends is one chunk's.
        range.done(lane, oldest.chunk(), since(busySinceNs));
        busySinceNs = System.nanoTime();
        remote.add(oldest.chunk(), since(startNs));
      }
    } catch (Exception e) {
      fail(e);
      sent.forEach(each -> each.posted().cancel());
      sent.forEach(each -> awaitQuietly(each.posted()));
    }
  }

  /** The chunk's end, not its outcome, is what is waited for: the failure is known already. */
  private static void awaitQuietly(Posted<?> posted) {
    var _ = posted.awaitEnd(java.time.Duration.ofSeconds(30));
  }

  private void fail(Throwable e) {
    failures.add(e);
    range.stop();
  }

  private void join(List<Thread> threads) {
    boolean interrupted = false;
    for (Thread thread : threads) {
      while (thread.isAlive()) {
        try {
          thread.join();
        } catch (InterruptedException e) {
          interrupted = true;
          fail(new InvocationException(Status.CANCELLED, "interrupted while offloading", e));
          threads.forEach(Thread::interrupt);
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** The first failure, which the others hang on. */
  private RuntimeException failed() {
    Throwable first = failures.remove();
    RuntimeException thrown =
        first instanceof RuntimeException known
            ? known
            : new InvocationException(
                Status.INTERNAL, "offloaded code failed: " + first.getMessage(), first);
    failures.forEach(thrown::addSuppressed);
    return thrown;
  }

  private static double since(long ns) {
    return (System.nanoTime() - ns) * NANOS;
  }
}
