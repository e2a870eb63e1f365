package io.farwarp.executor.device.ptx;

import io.farwarp.executor.device.Device;
import io.farwarp.executor.device.DeviceException;
import io.farwarp.executor.device.DeviceModule;
import io.farwarp.executor.device.DeviceStream;
import io.farwarp.function.FunctionPackage;
import io.farwarp.function.FunctionSpec;
import io.farwarp.ptx.NoPtxException;
import io.farwarp.ptx.PtxException;
import io.farwarp.ptx.PtxExecutor;
import io.farwarp.ptx.PtxModule;
import io.farwarp.ptx.PtxOptions;
import io.farwarp.v1.DeviceClass;
import io.farwarp.v1.Module;
import io.farwarp.v1.ModuleKind;
import io.farwarp.wire.Status;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * This host's processor cores as a device: PTX, also out of fatbins, compiled to JVM bytecode.
 * Kernels use the window itself, so nothing is ever copied.
 */
public final class PtxDevice implements Device {
  public static final String NAME = "PTX CPU device (no GPU)";

  private final int threads;
  private final PtxExecutor executor;
  private final PrintLog printLog = new PrintLog();
  private volatile MemorySegment window = MemorySegment.NULL;

  private PtxDevice(int threads) {
    this.threads = threads;
    this.executor = PtxExecutor.create(threads);
  }

  /**
   * A device on {@code threads} threads, 1 and up, counting the one that launches. The others are
   * idle while nothing runs.
   */
  public static PtxDevice create(int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException(threads + " threads; at least 1 is needed");
    }
    return new PtxDevice(threads);
  }

  @Override
  public DeviceClass deviceClass() {
    return DeviceClass.PTX_CPU;
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public void attachWindow(MemorySegment newWindow) {
    window = newWindow;
  }

  PrintLog printLog() {
    return printLog;
  }

  MemorySegment window() {
    return window;
  }

  int threads() {
    return threads;
  }

  @Override
  public DeviceModule load(FunctionPackage functionPackage, FunctionSpec spec)
      throws DeviceException {
    String function = spec.name() + ":" + spec.version();
    List<CompiledModule> compiled = new ArrayList<>();
    List<String> held = new ArrayList<>();
    for (Module module : functionPackage.manifest().getModulesList()) {
      String file = module.getFile();
      if (module.getKind() == ModuleKind.PTX || module.getKind() == ModuleKind.FATBIN) {
        try {
          PtxModule loaded = PtxModule.load(functionPackage.file(file), PtxOptions.defaults());
          compiled.add(new CompiledModule(file, loaded));
        } catch (NoPtxException e) {
          held.add("%s (FATBIN %s)".formatted(file, String.join(", ", e.architectures())));
        } catch (PtxException e) {
          throw new DeviceException(
              Status.UNSUPPORTED_CODE, "%s: %s: %s".formatted(function, file, e.getMessage()), e);
        }
      } else {
        held.add("%s (%s %s)".formatted(file, module.getKind(), module.getArchitecture()));
      }
    }
    if (compiled.isEmpty()) {
      throw new DeviceException(
          Status.NO_BINARY_FOR_DEVICE,
          "%s holds no PTX, which the %s needs; it holds %s"
              .formatted(function, NAME, String.join(", ", held)));
    }
    return new PtxDeviceModule(this, spec, ManifestCheck.kernels(function, spec, compiled));
  }

  @Override
  public DeviceStream openStream(Runnable ended) {
    PtxStream stream = new PtxStream(executor, window.byteSize(), ended);
    stream.start();
    return stream;
  }

  @Override
  public void close() {
    executor.close();
  }
}
