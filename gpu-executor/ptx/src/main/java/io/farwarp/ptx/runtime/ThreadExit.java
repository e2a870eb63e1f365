package io.farwarp.ptx.runtime;

/** Unwinds from a device function to the kernel, whose thread ends there. */
public final class ThreadExit extends RuntimeException {
  private static final long serialVersionUID = 1L;

  ThreadExit() {
    super("exit", null, false, false);
  }
}
