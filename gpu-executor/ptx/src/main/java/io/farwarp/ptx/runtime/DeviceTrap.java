package io.farwarp.ptx.runtime;

import io.farwarp.ptx.PtxFault;

/** Unwinds generated code to the executor, which turns it into a {@link PtxFault}. */
public final class DeviceTrap extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final PtxFault.Kind kind;
  private final int line;
  private final long address;

  public DeviceTrap(PtxFault.Kind kind, int line, long address) {
    super(kind.name(), null, false, false);
    this.kind = kind;
    this.line = line;
    this.address = address;
  }

  public PtxFault.Kind kind() {
    return kind;
  }

  public int line() {
    return line;
  }

  public long address() {
    return address;
  }
}
