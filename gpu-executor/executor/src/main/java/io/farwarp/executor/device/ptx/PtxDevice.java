package io.farwarp.executor.device.ptx;

import io.farwarp.executor.device.Device;
import io.farwarp.executor.device.DeviceException;
import io.farwarp.executor.device.DeviceModule;
import io.farwarp.executor.device.DeviceStream;
import io.farwarp.function.FunctionPackage;
import io.farwarp.function.FunctionSpec;
import io.farwarp.ptx.PtxException;
import io.farwarp.ptx.PtxExecutor;
import io.farwarp.ptx.PtxModule;
import io.farwarp.ptx.PtxOptions;
import io.farwarp.v1.DeviceClass;
import io.farwarp.v1.Module;
import io.farwarp.v1.ModuleKind;
import io.farwarp.wire.Status;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * This host's processor cores as a device: PTX text compiled to JVM bytecode. Kernels use the
 * window itself, so nothing is ever copied.
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
    for (Module module : functionPackage.manifest().getModulesList()) {
      if (module.getKind() == ModuleKind.PTX) {
        String text = ptxText(function, module.getFile(), functionPackage.file(module.getFile()));
        compiled.add(new CompiledModule(module.getFile(), compile(function, module, text)));
      }
    }
    if (compiled.isEmpty()) {
      throw new DeviceException(
          Status.NO_BINARY_FOR_DEVICE,
          "%s holds no PTX, which the %s needs; it holds %s"
              .formatted(function, NAME, held(functionPackage)));
    }
    return new PtxDeviceModule(this, spec, ManifestCheck.kernels(function, spec, compiled));
  }

  private static PtxModule compile(String function, Module module, String text)
      throws DeviceException {
    try {
      return PtxModule.load(text, PtxOptions.defaults());
    } catch (PtxException e) {
      throw new DeviceException(
          Status.UNSUPPORTED_CODE,
          "%s: %s: %s".formatted(function, module.getFile(), e.getMessage()),
          e);
    }
  }

  private static String ptxText(String function, String file, byte[] bytes) throws DeviceException {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new DeviceException(
          Status.UNSUPPORTED_CODE, "%s: %s is not text".formatted(function, file), e);
    }
  }

  private static String held(FunctionPackage functionPackage) {
    return functionPackage.manifest().getModulesList().stream()
        .map(m -> (m.getFile() + " (" + m.getKind() + " " + m.getArchitecture()).trim() + ")")
        .collect(Collectors.joining(", "));
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
