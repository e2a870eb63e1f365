package io.farwarp.executor.worker;

import io.farwarp.executor.device.NativeBudget;
import io.farwarp.rdma.linux.ErrnoException;
import io.farwarp.rdma.linux.Libc;

/**
 * What a worker process gives up before it serves anyone: new privileges, core dumps (they would
 * hold the window), memory, descriptors and processes beyond its need.
 */
final class Sandbox {
  /** Files of the JVM, sockets of one session and of handshakes, and room. */
  private static final long MAX_DESCRIPTORS = 1024;

  /** Threads count as processes, those of the user's other programs too. */
  private static final long MAX_PROCESSES = 32_768;

  /**
   * Of memory of its own, which the window is not, beside {@link NativeBudget}: a full heap, code,
   * metadata and stacks, with room for what is mapped and never touched. Not {@code RLIMIT_AS}: a
   * JVM reserves addresses far beyond that.
   */
  private static final long MAX_OWN_BYTES = 2L << 30;

  private Sandbox() {}

  /**
   * Limits this process; throws if the host refuses. That no thread gains privileges by exec is a
   * property of each thread, which the agent gives to the first one before the JVM starts; here it
   * is for a worker that was started by something else.
   */
  static void enter(long windowBytes) throws ErrnoException {
    Libc.prctl(Libc.PR_SET_NO_NEW_PRIVS, 1);
    limit(Libc.RLIMIT_CORE, 0);
    limit(Libc.RLIMIT_NOFILE, MAX_DESCRIPTORS);
    limit(Libc.RLIMIT_DATA, MAX_OWN_BYTES + NativeBudget.limitBytes(windowBytes));
    if (!isRoot()) {
      limit(Libc.RLIMIT_NPROC, MAX_PROCESSES);
    }
  }

  private static void limit(int resource, long wanted) throws ErrnoException {
    Libc.ResourceLimit now = Libc.getrlimit(resource);
    if (Long.compareUnsigned(now.hard(), wanted) > 0) {
      Libc.setrlimit(resource, new Libc.ResourceLimit(wanted, wanted));
    }
  }

  private static boolean isRoot() {
    return "root".equals(System.getProperty("user.name"));
  }
}
