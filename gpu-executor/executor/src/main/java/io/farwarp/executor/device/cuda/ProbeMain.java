package io.farwarp.executor.device.cuda;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;

/** The process that looks for GPUs, so that a driver that hangs or crashes harms no other one. */
public final class ProbeMain {
  private ProbeMain() {}

  /** Takes no arguments; writes a HostProbe, length-delimited, to standard output. */
  public static void main(String[] arguments) throws IOException {
    try (FileOutputStream out = new FileOutputStream(FileDescriptor.out)) {
      CudaProbe.probe().writeDelimitedTo(out);
    }
    // The driver's own threads and exit handlers have nothing to add.
    Runtime.getRuntime().halt(0);
  }
}
