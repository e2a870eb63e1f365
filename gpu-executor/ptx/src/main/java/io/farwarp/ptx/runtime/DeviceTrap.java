package io.farwarp.ptx.runtime;

import io.farwarp.ptx.PtxFault;

/** Unwinds generated code to the executor, which turns it into a {@link PtxFault}. */
public final class DeviceTrap extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final PtxFault.Kind kind;
  private final String text;
  private final int line;
  private final long address;

  public DeviceTrap(PtxFault.Kind kind, int line, long address) {
    this(kind, line, address, "");
  }

  DeviceTrap(PtxFault.Kind kind, int line, long address, String text) {
    super(text, null, false, false);
    this.text = text;
    this.kind = kind;
    this.line = line;
    this.address = address;
  }

  public PtxFault.Kind kind() {
    return kind;
  }

  /** What the kernel says of it: the text of an assertion; empty for other kinds. */
  public String text() {
    return text;
  }

  public int line() {
    return line;
  }

  public long address() {
    return address;
  }
}
