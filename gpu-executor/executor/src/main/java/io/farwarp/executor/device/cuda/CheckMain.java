package io.farwarp.executor.device.cuda;

import io.farwarp.executor.device.Device;
import io.farwarp.executor.device.DeviceException;
import io.farwarp.executor.device.DeviceStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** The process that tries whether a worker could use a GPU. */
public final class CheckMain {
  /** What it writes for a GPU that can be used. */
  public static final String USABLE = "usable";

  private CheckMain() {}

  /**
   * Takes no arguments: tries the first GPU that the environment shows. Writes to standard output
   * why it cannot be used, or "{@value #USABLE}".
   */
  public static void main(String[] arguments) throws IOException {
    try (FileOutputStream out = new FileOutputStream(FileDescriptor.out)) {
      out.write(answer().getBytes(StandardCharsets.UTF_8));
    }
    // The driver's own threads and exit handlers have nothing to add.
    Runtime.getRuntime().halt(0);
  }

  private static String answer() {
    try (Device device = CudaDevice.open();
        DeviceStream stream = device.openStream(() -> {})) {
      return stream.poll() == null ? USABLE : "a stream begins with something in it";
    } catch (DeviceException e) {
      return String.valueOf(e.getMessage());
    }
  }
}
