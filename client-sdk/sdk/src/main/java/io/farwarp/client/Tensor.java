package io.farwarp.client;

import io.farwarp.function.ElementTypes;
import io.farwarp.rdma.MemoryRegion;
import io.farwarp.v1.ElementType;
import io.farwarp.wire.Status;
import io.farwarp.wire.Wire;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A range of a session's window with a type and a shape, and the memory on this side that belongs
 * to it: the same pages on shm, a range of the session's slab or the caller's own memory elsewhere.
 *
 * <p>A <i>resident</i> tensor moves only by {@link #push} and {@link #pull}; after a call that may
 * have written it, this side's copy is stale until the next pull. Any thread may use a tensor; what
 * its bytes hold while a call that uses it is in flight is the caller's care.
 */
public final class Tensor implements AutoCloseable {
  private final Session session;
  private final @Nullable Tensor parent;
  private final ElementType type;
  private final long[] shape;
  private final long offsetBytes;
  private final long sizeBytes;
  private final boolean resident;
  private final MemorySegment memory;

  /** Where this side's bytes are registered; null on shm. */
  private final @Nullable MemoryRegion region;

  private final long regionOffsetBytes;

  /** True for memory of the caller's own: a source, never a target. */
  private final boolean wrapped;

  // Guarded by the session's lock, which every post and every completion holds.
  private int uses;

  /** Calls posted that may write this tensor; counted where it has no parent. */
  private long writes;

  /** {@link #writes}, for threads without the lock. */
  private volatile long shownWrites;

  /** The count of writes that {@link #memory} shows, by a pull or a push. */
  private volatile long seenWrites;

  private volatile boolean closed;

  /** The memory of this side that a tensor has. */
  record Backing(
      MemorySegment memory,
      @Nullable MemoryRegion region,
      long regionOffsetBytes,
      boolean wrapped) {}

  Tensor(
      Session session,
      @Nullable Tensor parent,
      ElementType type,
      long[] shape,
      long offsetBytes,
      boolean resident,
      Backing backing) {
    this.session = session;
    this.parent = parent;
    this.type = type;
    this.shape = shape;
    this.offsetBytes = offsetBytes;
    this.sizeBytes = backing.memory().byteSize();
    this.resident = resident;
    this.memory = backing.memory();
    this.region = backing.region();
    this.regionOffsetBytes = backing.regionOffsetBytes();
    this.wrapped = backing.wrapped();
  }

  public ElementType type() {
    return type;
  }

  /** Extents, outermost first. */
  public long[] shape() {
    return shape.clone();
  }

  public long elements() {
    return sizeBytes / ElementTypes.bytes(type);
  }

  public long sizeBytes() {
    return sizeBytes;
  }

  /** Where it starts in the window. */
  public long offsetBytes() {
    return offsetBytes;
  }

  public boolean isResident() {
    return resident;
  }

  /** True for a view of memory that the caller brought along. */
  public boolean isWrapped() {
    return wrapped;
  }

  /** True while kernels may have written what this side has not pulled yet; resident only. */
  public boolean isStale() {
    Tensor root = root();
    return resident && root.shownWrites > Math.max(seenWrites, root.seenWrites);
  }

  /**
   * This side's bytes, to fill before a call and to read after it; valid until the session is
   * closed.
   *
   * @throws TensorException closed, or stale: {@link #pull} it first
   * @throws SessionLostException the worker that held its content is gone
   */
  public MemorySegment segment() {
    if (isStale()) {
      throw new TensorException(
          Status.INVALID_ARGUMENT,
          this + " is stale: a call may have written it since it was last pulled; pull it first");
    }
    return segmentToFill();
  }

  /** The same bytes, also while they are stale: for a caller who overwrites and pushes them. */
  public MemorySegment segmentToFill() {
    session.requireUsable(this);
    return memory;
  }

  /** Moves this side's bytes to the worker. */
  public Transfer push() {
    return session.push(this);
  }

  /** Moves the worker's bytes to this side; afterwards the tensor is not stale. */
  public Transfer pull() {
    return session.pull(this);
  }

  /**
   * A view of {@code count} elements from element {@code from} on, as a tensor of one dimension;
   * the range must start at a multiple of {@link Wire#TENSOR_ALIGNMENT_BYTES} bytes. It needs no
   * closing.
   */
  public Tensor slice(long from, long count) {
    long elementBytes = ElementTypes.bytes(type);
    if (from < 0 || count < 1 || from > elements() - count) {
      throw new TensorException(
          Status.OUT_OF_RANGE,
          "%d elements from %d of %s, which has %d".formatted(count, from, this, elements()));
    }
    long startBytes = from * elementBytes;
    if (startBytes % Wire.TENSOR_ALIGNMENT_BYTES != 0) {
      throw new TensorException(
          Status.OUT_OF_RANGE,
          "a slice from element %d of %s starts at byte %d, no multiple of %d: choose a multiple of %d"
              .formatted(
                  from,
                  this,
                  startBytes,
                  Wire.TENSOR_ALIGNMENT_BYTES,
                  Wire.TENSOR_ALIGNMENT_BYTES / elementBytes));
    }
    Backing part =
        new Backing(
            memory.asSlice(startBytes, count * elementBytes),
            region,
            regionOffsetBytes + startBytes,
            wrapped);
    return new Tensor(
        session, root(), type, new long[] {count}, offsetBytes + startBytes, resident, part);
  }

  /** Frees the range, as soon as no call in flight uses it. Closing a slice does nothing. */
  @Override
  public void close() {
    if (parent == null) {
      session.close(this);
    }
  }

  /** The tensor that owns the range: this one, or what it is a slice of. */
  Tensor root() {
    return parent == null ? this : parent;
  }

  Session session() {
    return session;
  }

  MemorySegment memory() {
    return memory;
  }

  @Nullable MemoryRegion region() {
    return region;
  }

  long regionOffsetBytes() {
    return regionOffsetBytes;
  }

  boolean isClosed() {
    return root().closed;
  }

  // What follows is called with the session's lock held.

  /** A request that uses the tensor is posted. */
  void use(boolean writes) {
    Tensor root = root();
    root.uses++;
    if (writes) {
      root.shownWrites = ++root.writes;
    }
  }

  /**
   * A request that used it has ended.
   *
   * @return true when that was the last use of a closed tensor: its range is free now
   */
  boolean release() {
    Tensor root = root();
    root.uses--;
    return root.uses == 0 && root.closed;
  }

  /**
   * Marks it closed.
   *
   * @return true when its range is free now; false when it was closed before or is in use
   */
  boolean markClosed() {
    if (closed) {
      return false;
    }
    closed = true;
    return uses == 0;
  }

  long writeCount() {
    return root().writes;
  }

  /** A push or pull has made both sides equal as of {@code writeCount}. */
  void seen(long writeCount) {
    seenWrites = Math.max(seenWrites, writeCount);
  }

  @Override
  public String toString() {
    return "%s%s%s at window offset %d"
        .formatted(
            resident ? "resident tensor " : "tensor ",
            ElementTypes.label(type),
            Arrays.toString(shape),
            offsetBytes);
  }
}
