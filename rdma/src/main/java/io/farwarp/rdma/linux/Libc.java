package io.farwarp.rdma.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Locale;
import java.util.Optional;

/**
 * Calls of the C library on memory, descriptors and the process. Linux on x86-64 and AArch64, whose
 * constants agree. Each throws {@link ErrnoException} where the call answers -1.
 */
public final class Libc {
  private Libc() {}

  public static final int MFD_CLOEXEC = 1;
  public static final int MFD_ALLOW_SEALING = 2;

  public static final int F_DUPFD_CLOEXEC = 1030;
  public static final int F_ADD_SEALS = 1033;
  public static final int F_GET_SEALS = 1034;
  public static final int F_SEAL_SEAL = 1;
  public static final int F_SEAL_SHRINK = 2;
  public static final int F_SEAL_GROW = 4;

  public static final int MADV_HUGEPAGE = 14;
  public static final int MADV_POPULATE_WRITE = 23;

  public static final int FALLOC_FL_KEEP_SIZE = 1;
  public static final int FALLOC_FL_PUNCH_HOLE = 2;

  public static final int PR_SET_NO_NEW_PRIVS = 38;

  public static final int RLIMIT_FSIZE = 1;
  public static final int RLIMIT_DATA = 2;
  public static final int RLIMIT_CORE = 4;
  public static final int RLIMIT_NPROC = 6;
  public static final int RLIMIT_NOFILE = 7;
  public static final int RLIMIT_MEMLOCK = 8;

  private static final int O_RDWR = 2;
  private static final int O_CLOEXEC = 0x80000;
  private static final int PROT_READ_WRITE = 3;
  private static final int MAP_SHARED = 1;
  private static final int MAP_PRIVATE = 2;
  private static final int MAP_ANONYMOUS = 0x20;
  private static final int MAP_NORESERVE = 0x4000;
  private static final int SEEK_END = 2;

  private static final CFunction MEMFD_CREATE =
      CFunction.of("memfd_create", JAVA_INT, ADDRESS, JAVA_INT);
  private static final CFunction FTRUNCATE =
      CFunction.of("ftruncate", JAVA_INT, JAVA_INT, JAVA_LONG);
  private static final CFunction FCNTL =
      CFunction.variadic("fcntl", 2, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT);
  private static final CFunction MMAP =
      CFunction.of(
          "mmap", JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG);
  private static final CFunction MUNMAP = CFunction.of("munmap", JAVA_INT, JAVA_LONG, JAVA_LONG);
  private static final CFunction MADVISE =
      CFunction.of("madvise", JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT);
  private static final CFunction FALLOCATE =
      CFunction.of("fallocate", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG);
  private static final CFunction LSEEK =
      CFunction.of("lseek", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT);
  private static final CFunction OPEN =
      CFunction.variadic("open", 2, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT);
  private static final CFunction CLOSE = CFunction.of("close", JAVA_INT, JAVA_INT);
  private static final CFunction DUP2 = CFunction.of("dup2", JAVA_INT, JAVA_INT, JAVA_INT);
  private static final CFunction PRCTL =
      CFunction.variadic(
          "prctl", 1, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
  private static final CFunction GETRLIMIT = CFunction.of("getrlimit", JAVA_INT, JAVA_INT, ADDRESS);
  private static final CFunction SETRLIMIT = CFunction.of("setrlimit", JAVA_INT, JAVA_INT, ADDRESS);

  /** A resource limit; each number is unsigned, all bits set (RLIM_INFINITY) for none. */
  public record ResourceLimit(long soft, long hard) {}

  /** Why these calls cannot be used on this host; empty if they can. */
  public static Optional<String> unavailable() {
    String os = System.getProperty("os.name", "");
    String arch = System.getProperty("os.arch", "").toLowerCase(Locale.ROOT);
    if (!os.equals("Linux")) {
      return Optional.of("needs Linux; this is " + os);
    }
    if (!arch.equals("amd64") && !arch.equals("aarch64")) {
      return Optional.of("needs x86-64 or AArch64; this is " + arch);
    }
    return Optional.empty();
  }

  public static int memfdCreate(String name, int flags) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      return (int) MEMFD_CREATE.call(arena.allocateFrom(name), flags);
    }
  }

  public static void ftruncate(int descriptor, long sizeBytes) throws ErrnoException {
    FTRUNCATE.call(descriptor, sizeBytes);
  }

  public static void addSeals(int descriptor, int seals) throws ErrnoException {
    FCNTL.call(descriptor, F_ADD_SEALS, seals);
  }

  public static int seals(int descriptor) throws ErrnoException {
    return (int) FCNTL.call(descriptor, F_GET_SEALS, 0);
  }

  /** Size of the file behind a descriptor. */
  public static long sizeBytes(int descriptor) throws ErrnoException {
    return LSEEK.call(descriptor, 0L, SEEK_END);
  }

  /** A further descriptor, close-on-exec, for the open file behind one. */
  public static int duplicate(int descriptor) throws ErrnoException {
    return (int) FCNTL.call(descriptor, F_DUPFD_CLOEXEC, 0);
  }

  /** Makes {@code target} a descriptor for the open file behind another one. */
  public static void duplicateTo(int descriptor, int target) throws ErrnoException {
    DUP2.call(descriptor, target);
  }

  /** Opens for reading and writing, close-on-exec. */
  public static int open(String path) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      return (int) OPEN.call(arena.allocateFrom(path), O_RDWR | O_CLOEXEC, 0);
    }
  }

  public static void close(int descriptor) throws ErrnoException {
    CLOSE.callOnce(descriptor);
  }

  /** Maps a whole file, shared, readable and writable; returns the address. */
  public static long mmap(int descriptor, long sizeBytes) throws ErrnoException {
    return MMAP.call(0L, sizeBytes, PROT_READ_WRITE, MAP_SHARED, descriptor, 0L);
  }

  /** Anonymous memory of this process alone, for which the host reserves nothing beforehand. */
  public static long mmapLazily(long sizeBytes) throws ErrnoException {
    return MMAP.call(
        0L, sizeBytes, PROT_READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0L);
  }

  public static void munmap(long address, long sizeBytes) throws ErrnoException {
    MUNMAP.call(address, sizeBytes);
  }

  public static void madvise(long address, long sizeBytes, int advice) throws ErrnoException {
    MADVISE.call(address, sizeBytes, advice);
  }

  public static void fallocate(int descriptor, int mode, long offsetBytes, long lengthBytes)
      throws ErrnoException {
    FALLOCATE.call(descriptor, mode, offsetBytes, lengthBytes);
  }

  /** prctl(2) with up to one argument; the rest are zero. */
  public static int prctl(int option, long argument) throws ErrnoException {
    return (int) PRCTL.call(option, argument, 0L, 0L, 0L);
  }

  public static ResourceLimit getrlimit(int resource) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment limit = arena.allocate(JAVA_LONG, 2);
      GETRLIMIT.call(resource, limit);
      return new ResourceLimit(limit.getAtIndex(JAVA_LONG, 0), limit.getAtIndex(JAVA_LONG, 1));
    }
  }

  public static void setrlimit(int resource, ResourceLimit limit) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      SETRLIMIT.call(resource, arena.allocateFrom(JAVA_LONG, limit.soft(), limit.hard()));
    }
  }
}
