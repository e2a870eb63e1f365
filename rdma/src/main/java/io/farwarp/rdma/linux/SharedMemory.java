package io.farwarp.rdma.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

/**
 * Anonymous memory behind a descriptor (memfd), mapped, and sealed so that nobody can shrink or
 * grow it: a mapping of it can never fault. Zero when created.
 *
 * <p>The segment may be used from any thread; closing makes further use of it an {@link
 * IllegalStateException}. The pages live until every process has let go of them.
 */
public final class SharedMemory implements AutoCloseable {
  private static final int SEALS = Libc.F_SEAL_SHRINK | Libc.F_SEAL_GROW | Libc.F_SEAL_SEAL;
  private static final int NEEDED_SEALS = Libc.F_SEAL_SHRINK | Libc.F_SEAL_GROW;
  private static final long PREFAULT_STEP_BYTES = 256L << 20;
  private static final long PAGE_BYTES = 4096;
  private static final long LEAST_BYTES = 8;
  private static final VarHandle WORD = JAVA_INT.varHandle();

  private final int descriptor;
  private final Arena arena;
  private final MemorySegment segment;
  private boolean closed;

  private SharedMemory(int descriptor, Arena arena, MemorySegment segment) {
    this.descriptor = descriptor;
    this.arena = arena;
    this.segment = segment;
  }

  /**
   * New memory of {@code sizeBytes}, 8 and up; none of it is backed by pages yet.
   *
   * @param name shown in {@code /proc/PID/maps}
   */
  public static SharedMemory create(String name, long sizeBytes) throws IOException {
    checkSize(sizeBytes);
    int descriptor = Libc.memfdCreate(name, Libc.MFD_CLOEXEC | Libc.MFD_ALLOW_SEALING);
    try {
      Libc.ftruncate(descriptor, sizeBytes);
      Libc.addSeals(descriptor, SEALS);
      return map(descriptor, sizeBytes);
    } catch (IOException e) {
      closeAfter(descriptor, e);
      throw e;
    }
  }

  /**
   * The memory that a path such as {@code /proc/PID/fd/N} names, if it is sealed and of exactly
   * {@code sizeBytes}.
   */
  public static SharedMemory open(String path, long sizeBytes) throws IOException {
    return adopt(Libc.open(path), sizeBytes);
  }

  /**
   * The memory behind a descriptor that another process handed over, if it is sealed and of exactly
   * {@code sizeBytes}. Owns the descriptor from now on, also when it throws.
   */
  public static SharedMemory adopt(int descriptor, long sizeBytes) throws IOException {
    try {
      checkSize(sizeBytes);
      int seals = Libc.seals(descriptor);
      if ((seals & NEEDED_SEALS) != NEEDED_SEALS) {
        throw new IOException(
            "shared memory without the seals against shrinking and growing (it has %#x): refused,"
                    .formatted(seals)
                + " because its owner could cut it off under this process");
      }
      long actual = Libc.sizeBytes(descriptor);
      if (actual != sizeBytes) {
        throw new IOException(
            "shared memory of %d bytes; %d were announced".formatted(actual, sizeBytes));
      }
      return map(descriptor, sizeBytes);
    } catch (IOException e) {
      closeAfter(descriptor, e);
      throw e;
    }
  }

  @SuppressWarnings("MustBeClosed") // closed by close()
  private static SharedMemory map(int descriptor, long sizeBytes) throws IOException {
    long address = Libc.mmap(descriptor, sizeBytes);
    Arena arena = Arena.ofShared();
    MemorySegment segment =
        MemorySegment.ofAddress(address).reinterpret(sizeBytes, arena, SharedMemory::unmap);
    return new SharedMemory(descriptor, arena, segment);
  }

  private static void unmap(MemorySegment mapped) {
    try {
      Libc.munmap(mapped.address(), mapped.byteSize());
    } catch (ErrnoException e) {
      throw new AssertionError("a mapping of our own", e);
    }
  }

  private static void checkSize(long sizeBytes) throws IOException {
    if (sizeBytes < LEAST_BYTES) {
      throw new IOException(
          "shared memory of %d bytes; it takes at least %d".formatted(sizeBytes, LEAST_BYTES));
    }
  }

  private static void closeAfter(int descriptor, IOException reason) {
    try {
      Libc.close(descriptor);
    } catch (ErrnoException e) {
      reason.addSuppressed(e);
    }
  }

  public MemorySegment segment() {
    return segment;
  }

  /** Owned by this object. */
  public int descriptor() {
    return descriptor;
  }

  public long sizeBytes() {
    return segment.byteSize();
  }

  /** Where another process of the same user can {@link #open} it while this one lives. */
  public String path() {
    return "/proc/" + ProcessHandle.current().pid() + "/fd/" + descriptor;
  }

  /**
   * Backs every page, in huge pages where the host gives them, so that no later access takes a page
   * fault. Content is kept.
   */
  public void prefault() throws IOException {
    adviseHugePages();
    for (long offset = 0; offset < sizeBytes(); offset += PREFAULT_STEP_BYTES) {
      long step = Math.min(PREFAULT_STEP_BYTES, sizeBytes() - offset);
      try {
        Libc.madvise(segment.address() + offset, step, Libc.MADV_POPULATE_WRITE);
      } catch (ErrnoException e) {
        if (e.errno() != ErrnoException.EINVAL) {
          throw new IOException(
              "no memory for %d bytes at offset %d of %d: the host or its cgroup is full"
                  .formatted(step, offset, sizeBytes()),
              e);
        }
        touch(offset, step); // Linux before 5.14
      }
    }
  }

  private void adviseHugePages() throws ErrnoException {
    try {
      Libc.madvise(segment.address(), sizeBytes(), Libc.MADV_HUGEPAGE);
    } catch (ErrnoException e) {
      if (e.errno() != ErrnoException.EINVAL) {
        throw e;
      }
      // A kernel without transparent huge pages.
    }
  }

  private void touch(long offset, long lengthBytes) {
    for (long at = offset; at < offset + lengthBytes; at += PAGE_BYTES) {
      long word = Math.min(at, sizeBytes() / Integer.BYTES * Integer.BYTES - Integer.BYTES);
      int _ = (int) WORD.getAndAdd(segment, word, 0); // Keeps what others write meanwhile.
    }
  }

  /** Frees the pages: whoever still maps the memory reads zeros. */
  public void punch() throws IOException {
    Libc.fallocate(
        descriptor, Libc.FALLOC_FL_PUNCH_HOLE | Libc.FALLOC_FL_KEEP_SIZE, 0, sizeBytes());
  }

  /**
   * Unmaps and lets go of the descriptor; idempotent, from any thread.
   *
   * @throws IllegalStateException a call outside Java, such as a file read, uses the memory at this
   *     moment; it then stays mapped as long as the process lives
   */
  @Override
  public void close() {
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
    }
    try {
      arena.close();
    } finally {
      closeDescriptor();
    }
  }

  private void closeDescriptor() {
    try {
      Libc.close(descriptor);
    } catch (ErrnoException e) {
      throw new AssertionError("a descriptor of our own", e);
    }
  }
}
