package io.farwarp.client;

import io.farwarp.function.ElementTypes;
import io.farwarp.function.FunctionPackageException;
import io.farwarp.function.FunctionSpec;
import io.farwarp.rdma.MemoryRegion;
import io.farwarp.rdma.QueuePair;
import io.farwarp.v1.ElementType;
import io.farwarp.v1.PreparedFunction;
import io.farwarp.wire.Handshake;
import io.farwarp.wire.MessageKind;
import io.farwarp.wire.Status;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A data-plane connection to one worker: lays tensors out in its window, calls functions on them.
 * Any thread; many calls may be in flight.
 */
public final class Session implements AutoCloseable {
  /** The region that mirrors the window on this side, where the two are not the same pages. */
  static final int SLAB_REGION_ID = 0;

  private static final int MAX_DIMENSIONS = 8;

  private final Lease lease;
  private final SessionOptions options;
  private final DataPath dataPath;
  private final QueuePair queuePair;
  private final SessionEngine engine;
  private final SessionThread thread;
  private final WindowAllocator window;
  private final Arena arena = Arena.ofShared();

  /** This side's bytes of the window: its own pages on shm, else a slab as large. */
  private final MemorySegment memory;

  /** The slab's registration; null on shm. */
  private final @Nullable MemoryRegion slab;

  private final Map<Tensor, MemoryRegion> wrappedRegions = new ConcurrentHashMap<>();
  private final Map<String, FunctionSpec> specs = new ConcurrentHashMap<>();
  private final AtomicBoolean closed = new AtomicBoolean();

  Session(
      Lease lease,
      SessionOptions options,
      DataPath dataPath,
      QueuePair queuePair,
      Handshake.Reply reply)
      throws IOException {
    this.lease = lease;
    this.options = options;
    this.dataPath = dataPath;
    this.queuePair = queuePair;
    long windowBytes = reply.windowBytes();
    this.window = new WindowAllocator(windowBytes);
    Optional<MemorySegment> mapped = queuePair.remoteExposed().mapped();
    if (mapped.isPresent()) {
      // Through an arena of our own, so that a tensor used after close() is an exception, no crash.
      this.memory = mapped.get().reinterpret(windowBytes, arena, null);
      this.slab = null;
    } else {
      this.memory = LazyMemory.allocate(windowBytes, arena);
      this.slab = queuePair.register(memory);
    }
    long hotNs = options.hot().orElse(max(lease.hot(), SessionOptions.LEAST_HOT)).toNanos();
    this.engine = new SessionEngine(queuePair, reply.maxInFlight(), hotNs, this::freed);
    this.thread = new SessionThread(this, engine);
  }

  /** Makes the slab known to the worker and starts to look after the connection. */
  void start() {
    if (slab != null) {
      engine.turn().lock();
      try {
        if (!engine.outbox().sendRegion(SLAB_REGION_ID, slab.descriptor())) {
          throw new SessionException(
              Status.LINK_BROKEN, "the connection to the worker broke as it was opened");
        }
      } finally {
        engine.turn().unlock();
      }
    }
    thread.start();
  }

  public Lease lease() {
    return lease;
  }

  /** Slot of the worker within the lease. */
  public int worker() {
    return options.worker();
  }

  /** The way that tensors take, and why. */
  public DataPath dataPath() {
    return dataPath;
  }

  public long windowBytes() {
    return memory.byteSize();
  }

  /** Bytes of the window that no tensor holds; not necessarily in one piece. */
  public long freeBytes() {
    engine.turn().lock();
    try {
      return window.freeBytes();
    } finally {
      engine.turn().unlock();
    }
  }

  /** Calls, pushes and pulls that can be in flight at once. */
  public int maxInFlight() {
    return engine.inFlight().capacity();
  }

  public int inFlight() {
    return engine.inFlight().taken();
  }

  public SessionMetrics metrics() {
    return engine.metrics();
  }

  public boolean isOpen() {
    return engine.loss() == null;
  }

  /** Runs {@code listener} once, with the reason, when the session has ended. */
  public Session onEnded(Consumer<String> listener) {
    var _ = engine.lost().thenAccept(loss -> listener.accept(loss.status() + ": " + loss.reason()));
    return this;
  }

  /**
   * A tensor in the window, with undefined content; no round trip.
   *
   * @param shape extents, outermost first, 1 to 8 of them, each 1 and up
   * @throws TensorException the window has no room for it
   */
  public Tensor tensor(ElementType type, long... shape) {
    return allocate(type, shape, false);
  }

  /** A tensor that stays on the worker: it moves only by {@code push} and {@code pull}. */
  public Tensor resident(ElementType type, long... shape) {
    return allocate(type, shape, true);
  }

  /**
   * A tensor whose bytes on this side are the caller's own native memory: a source for calls,
   * pushed from where it lies. Where the window is shared memory it is copied there at each call
   * instead, which {@link #metrics} reports. The memory must live until the tensor is closed and
   * the last call that uses it has ended.
   */
  public Tensor wrap(MemorySegment source, ElementType type, long... shape) {
    long bytes = sizeBytes(type, shape);
    if (!source.isNative() || source.byteSize() != bytes) {
      throw new TensorException(
          Status.INVALID_ARGUMENT,
          "a tensor %s%s wraps native memory of %d bytes, not %s memory of %d"
              .formatted(
                  ElementTypes.label(type),
                  Arrays.toString(shape),
                  bytes,
                  source.isNative() ? "native" : "heap",
                  source.byteSize()));
    }
    long offset = take(bytes);
    @Nullable MemoryRegion region = slab == null ? null : registered(source, offset);
    Tensor tensor =
        new Tensor(
            this,
            null,
            type,
            shape.clone(),
            offset,
            false,
            new Tensor.Backing(source, region, 0, true));
    if (region != null) {
      wrappedRegions.put(tensor, region);
    }
    return tensor;
  }

  /**
   * A function on this session's worker, prepared now if the lease has not prepared it yet.
   *
   * @param name "name" or "name:version"
   * @throws GatewayException there is no such function, or it does not load
   */
  public RemoteFunction function(String name) {
    requireOpen("function " + name);
    PreparedFunction prepared = lease.function(name);
    FunctionSpec spec = specs.computeIfAbsent(name, _ -> spec(prepared));
    return new RemoteFunction(this, spec, prepared.getFunctionId(), options.deadline());
  }

  private static FunctionSpec spec(PreparedFunction prepared) {
    try {
      return FunctionSpec.of(prepared.getVersion().getManifest());
    } catch (FunctionPackageException e) {
      throw new GatewayException(
          Status.PROTOCOL_ERROR, "the gateway sent a manifest that is not valid: " + e, e);
    }
  }

  SessionEngine engine() {
    return engine;
  }

  /** What makes the worker's copy of {@code tensor} this side's, before a launch reads it. */
  void addPush(Tensor tensor, List<WorkRequest.Push> pushes, List<WorkRequest.CopyIn> copies) {
    @Nullable MemoryRegion region = tensor.region();
    if (region != null) {
      pushes.add(
          new WorkRequest.Push(
              region, tensor.regionOffsetBytes(), tensor.offsetBytes(), tensor.sizeBytes()));
    } else if (tensor.isWrapped()) {
      MemorySegment target = memory.asSlice(tensor.offsetBytes(), tensor.sizeBytes());
      copies.add(new WorkRequest.CopyIn(tensor.memory(), target));
    }
  }

  Transfer push(Tensor tensor) {
    requireUsable(tensor);
    List<WorkRequest.Push> pushes = new java.util.ArrayList<>();
    List<WorkRequest.CopyIn> copies = new java.util.ArrayList<>();
    addPush(tensor, pushes, copies);
    RequestMessage message = new RequestMessage(MessageKind.FENCE, 0, 0);
    return transfer("push", message, pushes, copies, tensor, 0);
  }

  Transfer pull(Tensor tensor) {
    requireUsable(tensor);
    if (tensor.isWrapped()) {
      throw new TensorException(
          Status.INVALID_ARGUMENT, tensor + " wraps memory that can only be read: no pull");
    }
    boolean moves = tensor.region() != null;
    RequestMessage message = new RequestMessage(MessageKind.PULL, 0, 1);
    message.tensor(0, tensor, moves);
    return transfer("pull", message, List.of(), List.of(), tensor, moves ? tensor.sizeBytes() : 0);
  }

  private Transfer transfer(
      String what,
      RequestMessage message,
      List<WorkRequest.Push> pushes,
      List<WorkRequest.CopyIn> copies,
      Tensor tensor,
      long returnedBytes) {
    WorkRequest request =
        new WorkRequest(
            message.bytes(),
            pushes.toArray(WorkRequest.Push[]::new),
            copies.toArray(WorkRequest.CopyIn[]::new),
            new WorkRequest.Use[] {new WorkRequest.Use(tensor, false)},
            returnedBytes,
            what + " of " + tensor,
            tensor,
            true);
    engine.post(request, options.deadline().toNanos());
    return new Transfer(engine, request);
  }

  /** Throws where the tensor is closed, or its content went with the session. */
  void requireUsable(Tensor tensor) {
    if (tensor.isClosed()) {
      throw new TensorException(Status.INVALID_ARGUMENT, tensor + " is closed");
    }
    if (tensor.isResident() || (slab == null && !tensor.isWrapped())) {
      requireOpen(tensor.toString());
    }
  }

  private void requireOpen(String what) {
    @Nullable SessionLoss loss = engine.loss();
    if (loss != null) {
      throw new SessionLostException(
          loss.status(), "%s: the session has ended: %s".formatted(what, loss.reason()));
    }
  }

  void close(Tensor tensor) {
    engine.turn().lock();
    try {
      if (tensor.markClosed()) {
        freed(tensor);
      }
    } finally {
      engine.turn().unlock();
    }
  }

  /** The tensor is closed and no request uses it. A lost session frees all at its own end. */
  private void freed(Tensor tensor) {
    @Nullable MemoryRegion region = wrappedRegions.remove(tensor);
    if (engine.loss() == null) {
      window.free(tensor.offsetBytes());
      if (region != null) {
        region.close();
      }
    }
  }

  private Tensor allocate(ElementType type, long[] shape, boolean resident) {
    long bytes = sizeBytes(type, shape);
    long offset = take(bytes);
    Tensor.Backing backing = new Tensor.Backing(memory.asSlice(offset, bytes), slab, offset, false);
    return new Tensor(this, null, type, shape.clone(), offset, resident, backing);
  }

  private long take(long bytes) {
    engine.turn().lock();
    try {
      requireOpen("a tensor of " + bytes + " bytes");
      return window.take(bytes);
    } finally {
      engine.turn().unlock();
    }
  }

  private MemoryRegion registered(MemorySegment source, long offset) {
    engine.turn().lock();
    try {
      return queuePair.register(source);
    } catch (IOException e) {
      window.free(offset);
      throw new TensorException(
          Status.RESOURCE_EXHAUSTED,
          "memory of %d bytes cannot be registered: %s"
              .formatted(source.byteSize(), e.getMessage()),
          e);
    } finally {
      engine.turn().unlock();
    }
  }

  private static long sizeBytes(ElementType type, long[] shape) {
    if (shape.length < 1 || shape.length > MAX_DIMENSIONS || !ElementTypes.isKnown(type)) {
      throw new TensorException(
          Status.INVALID_ARGUMENT,
          "a tensor of type %s with %d dimensions; it takes 1 to %d of a known type"
              .formatted(ElementTypes.label(type), shape.length, MAX_DIMENSIONS));
    }
    long bytes = ElementTypes.bytes(type);
    for (long extent : shape) {
      if (extent < 1 || Math.multiplyHigh(bytes, extent) != 0 || bytes * extent < 0) {
        throw new TensorException(
            Status.OUT_OF_RANGE,
            "shape %s of a tensor is of negative, zero or overflowing size"
                .formatted(Arrays.toString(shape)));
      }
      bytes *= extent;
    }
    return bytes;
  }

  /** The lease has a new token: the worker needs it to live on. */
  void renewed(byte[] token) {
    if (token.length > 0) {
      thread.send(token);
    }
  }

  void leaseEnded(LeaseEnd how) {
    engine.turn().lock();
    try {
      engine.lose(how.status(), "lease %s has ended: %s".formatted(lease.id(), how.reason()));
    } finally {
      engine.turn().unlock();
    }
  }

  /** Ends the session; what is in flight ends with CANCELLED. The lease lives on. Idempotent. */
  @Override
  public void close() {
    close(false);
  }

  /**
   * The same.
   *
   * @param releasesLease the worker is told that its lease ends too, with or without a gateway
   */
  void close(boolean releasesLease) {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    engine.turn().lock();
    try {
      engine.sayGoodbye(releasesLease);
    } finally {
      engine.turn().unlock();
    }
    thread.stop();
    engine.turn().lock();
    try {
      if (slab == null) {
        arena.close();
        queuePair.close();
      } else {
        queuePair.close();
        arena.close();
      }
    } finally {
      engine.turn().unlock();
    }
    engine.finishEnded();
    lease.closed(this);
  }

  private static java.time.Duration max(java.time.Duration a, java.time.Duration b) {
    return a.compareTo(b) >= 0 ? a : b;
  }

  @Override
  public String toString() {
    return "session with worker %d of lease %s over %s"
        .formatted(worker(), lease.id(), dataPath.transport());
  }
}
