package io.farwarp.executor.device.ptx;

import io.farwarp.executor.device.Device;
import io.farwarp.executor.device.DeviceException;
import io.farwarp.executor.device.DeviceModule;
import io.farwarp.executor.device.DeviceStream;
import io.farwarp.executor.device.NativeBudget;
import io.farwarp.function.FunctionPackage;
import io.farwarp.function.FunctionSpec;
import io.farwarp.ptx.NoPtxException;
import io.farwarp.ptx.PtxException;
import io.farwarp.ptx.PtxExecutor;
import io.farwarp.ptx.PtxMemoryException;
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
  private final NativeBudget budget = NativeBudget.ofWindow(0);
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
    budget.windowBytes(newWindow.byteSize());
  }

  /** What modules, scratch and warming up share. */
  NativeBudget budget() {
    return budget;
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
    List<CompiledModule> compiled = new ArrayList<>();
    boolean loaded = false;
    try {
      compile(functionPackage, spec, compiled);
      DeviceModule module =
          new PtxDeviceModule(this, spec, compiled, PlanKernels.of(spec, compiled));
      loaded = true;
      return module;
    } finally {
      if (!loaded) {
        close(compiled);
      }
    }
  }

  /** Frees the variables of modules, after the last launch of their kernels has ended. */
  void close(List<CompiledModule> modules) {
    for (CompiledModule compiled : modules) {
      compiled.module().close();
      budget.give(compiled.module().memoryBytes());
    }
  }

  private void compile(
      FunctionPackage functionPackage, FunctionSpec spec, List<CompiledModule> into)
      throws DeviceException {
    String function = spec.name() + ":" + spec.version();
    List<String> held = new ArrayList<>();
    for (Module module : functionPackage.manifest().getModulesList()) {
      String file = module.getFile();
      if (module.getKind() == ModuleKind.PTX || module.getKind() == ModuleKind.FATBIN) {
        try {
          into.add(new CompiledModule(file, load(function, file, functionPackage)));
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
    if (into.isEmpty()) {
      throw new DeviceException(
          Status.NO_BINARY_FOR_DEVICE,
          "%s holds no PTX, which the %s needs; it holds %s"
              .formatted(function, NAME, String.join(", ", held)));
    }
  }

  /** Loads a module within what the budget has left. */
  private PtxModule load(String function, String file, FunctionPackage functionPackage)
      throws PtxException, DeviceException {
    PtxOptions options = PtxOptions.defaults();
    try {
      PtxModule module =
          PtxModule.load(
              functionPackage.file(file),
              new PtxOptions(
                  options.maxTextChars(), budget.leftBytes(), options.maxLocalBytesPerThread()));
      if (budget.take(module.memoryBytes())) {
        return module;
      }
      module.close(); // scratch has grown meanwhile
      throw noMemory(function, file, module.memoryBytes());
    } catch (PtxMemoryException e) {
      throw noMemory(function, file, e.neededBytes());
    }
  }

  private DeviceException noMemory(String function, String file, long bytes) {
    return new DeviceException(
        Status.RESOURCE_EXHAUSTED,
        "%s: %s: the module's variables take %s".formatted(function, file, budget.refusal(bytes)));
  }

  @Override
  public DeviceStream openStream(Runnable ended) {
    PtxStream stream = new PtxStream(executor, budget, ended);
    stream.start();
    return stream;
  }

  @Override
  public void close() {
    executor.close();
  }
}
