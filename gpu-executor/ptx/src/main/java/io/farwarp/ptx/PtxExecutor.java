package io.farwarp.ptx;

import io.farwarp.ptx.PtxFault.Index;
import io.farwarp.ptx.PtxFault.Kind;
import io.farwarp.ptx.runtime.BlockContext;
import io.farwarp.ptx.runtime.BlockProgram;
import io.farwarp.ptx.runtime.DeviceTrap;
import io.farwarp.ptx.syntax.SourceLines;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The cores of the PTX CPU device: the calling thread and a fixed pool beside it. Any thread may
 * run a launch; while one launch has the pool, another runs on its caller alone.
 *
 * <p>Blocks are started in order, handed out in chunks by a counter. A launch that is expected to
 * take less than {@value #SMALL_LAUNCH_NS} ns on one core, by what the kernel has cost so far, does
 * not wake the pool.
 */
public final class PtxExecutor implements AutoCloseable {
  private static final long SMALL_LAUNCH_NS = 50_000;
  private static final int SPINS = 500;
  private static final long CHUNKS_PER_WORKER = 32;
  private static final long MAX_CHUNK = 256;

  private final Worker[] workers;
  private final AtomicBoolean poolTaken = new AtomicBoolean();
  private final AtomicInteger running = new AtomicInteger();
  private volatile @Nullable Thread waiting;
  private volatile boolean closed;

  private PtxExecutor(int threads) {
    workers = new Worker[threads - 1];
    for (int i = 0; i < workers.length; i++) {
      workers[i] = new Worker(i + 1);
    }
  }

  /** An executor that uses so many threads, the caller's among them; at least 1. */
  public static PtxExecutor create(int threads) {
    if (threads < 1 || threads > 4096) {
      throw new IllegalArgumentException("threads: " + threads + ", must be 1 to 4096");
    }
    PtxExecutor executor = new PtxExecutor(threads);
    for (Worker worker : executor.workers) {
      worker.start();
    }
    return executor;
  }

  /**
   * An executor for debugging: its launches run on the calling thread alone, block after block and
   * thread after thread, so that the same launch does the same again. Only clocks differ.
   */
  public static PtxExecutor deterministic() {
    return create(1);
  }

  /** How many threads a large launch uses. */
  public int threads() {
    return workers.length + 1;
  }

  /**
   * Runs a launch to its end.
   *
   * @throws PtxFault if it could not start or did not complete
   */
  public void run(PtxLaunch launch, StopSignal stop) throws PtxFault {
    if (closed) {
      throw new IllegalStateException("the executor is closed");
    }
    boolean parallel =
        workers.length > 0
            && launch.blocks() > 1
            && isWorthSharing(launch)
            && poolTaken.compareAndSet(false, true);
    // What a single block costs decides nothing, and two clock reads are much of an empty kernel.
    boolean isMeasured = launch.blocks() > 1;
    long startNs = isMeasured ? System.nanoTime() : 0;
    int used;
    try {
      launch.prepare(parallel ? threads() : 1, stop);
      checkAccess(launch, parallel);
      used = parallel ? runWithPool(launch) : runAlone(launch);
    } finally {
      if (parallel) {
        poolTaken.set(false);
      }
    }
    PtxFault fault = launch.fault.get();
    if (fault != null) {
      throw fault;
    }
    if (isMeasured) {
      double threadCount = (double) launch.blocks() * launch.threadsPerBlock();
      launch.kernel().measured((System.nanoTime() - startNs) * (double) used / threadCount);
    }
  }

  private static boolean isWorthSharing(PtxLaunch launch) {
    double nsPerThread = launch.kernel().nsPerThread();
    double threads = (double) launch.blocks() * launch.threadsPerBlock();
    return nsPerThread == 0 || nsPerThread * threads > SMALL_LAUNCH_NS;
  }

  private void checkAccess(PtxLaunch launch, boolean parallel) throws PtxFault {
    boolean accessible = launch.inaccessibleBy(Thread.currentThread()) == null;
    for (int i = 0; parallel && i < workers.length; i++) {
      accessible &= launch.inaccessibleBy(workers[i]) == null;
    }
    if (!accessible) {
      throw launch.invalid(
          "its memory belongs to a confined arena, which other threads cannot access");
    }
  }

  private int runAlone(PtxLaunch launch) {
    work(launch, 0, launch.blocks());
    return 1;
  }

  private int runWithPool(PtxLaunch launch) {
    waiting = Thread.currentThread();
    int helpers = (int) Math.min(workers.length, launch.blocks() - 1);
    running.set(helpers);
    for (int i = 0; i < helpers; i++) {
      workers[i].begin(launch);
    }
    work(launch, 0, chunk(launch));
    for (int i = 0; i < helpers; i++) {
      if (workers[i].recall(launch)) {
        running.decrementAndGet();
      }
    }
    boolean interrupted = false;
    for (int spins = 0; running.get() > 0; spins++) {
      if (spins < SPINS) {
        Thread.onSpinWait();
      } else {
        LockSupport.park(this);
        interrupted |= Thread.interrupted();
      }
    }
    waiting = null;
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return helpers + 1;
  }

  private long chunk(PtxLaunch launch) {
    return Math.clamp(launch.blocks() / (threads() * CHUNKS_PER_WORKER), 1, MAX_CHUNK);
  }

  /** Takes blocks until none is left or the launch ends early. */
  private static void work(PtxLaunch launch, int worker, long chunk) {
    BlockProgram program = launch.kernel().program();
    BlockContext context = launch.context(worker);
    long blocks = launch.blocks();
    try {
      // Who takes all the blocks at once shares them with nobody: then the counter is left alone.
      long first = chunk == blocks ? 0 : launch.nextBlock.getAndAdd(chunk);
      while (first >= 0 && first < blocks) {
        long end = Math.min(blocks - first, chunk) + first;
        for (long block = first; block < end; block++) {
          if (context.isCancelled()) {
            throw new DeviceTrap(Kind.STOPPED, 0, 0);
          }
          launch.moveTo(context, block);
          program.run(context);
        }
        first = end == blocks ? blocks : launch.nextBlock.getAndAdd(chunk);
      }
    } catch (DeviceTrap trap) {
      fail(launch, context, trap.kind(), trap.text(), trap.line(), trap.address(), null);
    } catch (StackOverflowError overflow) {
      fail(launch, context, Kind.STACK_OVERFLOW, "", 0, 0, overflow);
    } catch (RuntimeException | Error unexpected) {
      fail(launch, context, Kind.INTERNAL, "", 0, 0, unexpected);
    }
  }

  private static void fail(
      PtxLaunch launch,
      BlockContext context,
      Kind kind,
      String text,
      int line,
      long address,
      @Nullable Throwable cause) {
    Index block = new Index(context.blockX, context.blockY, context.blockZ);
    Index thread = new Index(context.threadX, context.threadY, context.threadZ);
    StringBuilder problem = new StringBuilder();
    problem.append("kernel '").append(launch.kernel().name()).append("': ").append(kind);
    if (address != 0) {
      problem.append(" 0x").append(Long.toHexString(address));
    }
    problem.append(" in block ").append(block).append(", thread ").append(thread);
    if (line != 0) {
      problem.append(", line ").append(line);
    }
    SourceLines.Place source = launch.kernel().sourceLines().of(line);
    if (source != null) {
      problem.append(" (").append(source).append(")");
    }
    if (!text.isEmpty()) {
      problem.append(": ").append(text);
    }
    launch.fault.compareAndSet(
        null,
        new PtxFault(
            kind,
            launch.kernel().name(),
            problem.toString(),
            block,
            thread,
            line,
            source == null ? "" : source.toString(),
            address,
            cause));
    launch.cancellation().cancel();
  }

  /** Ends the pool's threads; no launch may be running. */
  @Override
  public void close() {
    closed = true;
    boolean interrupted = false;
    for (Worker worker : workers) {
      LockSupport.unpark(worker);
      while (worker.isAlive()) {
        try {
          worker.join();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** A thread of the pool: waits for a launch, helps with it, reports, and waits again. */
  private final class Worker extends Thread {
    private final int index;
    private final AtomicReference<@Nullable PtxLaunch> assigned = new AtomicReference<>();

    Worker(int index) {
      super("ptx-worker-" + index);
      this.index = index;
      setDaemon(true);
    }

    void begin(PtxLaunch launch) {
      assigned.set(launch);
      LockSupport.unpark(this);
    }

    /** Takes a launch back that this thread has not begun; nobody need wait for it to wake up. */
    boolean recall(PtxLaunch launch) {
      return assigned.compareAndSet(launch, null);
    }

    @Override
    public void run() {
      int spins = 0;
      while (true) {
        PtxLaunch launch = assigned.getAndSet(null);
        if (launch != null) {
          work(launch, index, chunk(launch));
          spins = 0;
          Thread caller = waiting;
          if (running.decrementAndGet() == 0 && caller != null) {
            LockSupport.unpark(caller);
          }
        } else if (closed) {
          return;
        } else if (spins++ < SPINS) {
          Thread.onSpinWait();
        } else {
          LockSupport.park(PtxExecutor.this);
        }
      }
    }
  }
}
