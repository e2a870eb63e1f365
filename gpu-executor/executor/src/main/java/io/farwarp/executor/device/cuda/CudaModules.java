package io.farwarp.executor.device.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.farwarp.executor.device.DeviceException;
import io.farwarp.executor.device.KernelSignature;
import io.farwarp.executor.device.ManifestCheck;
import io.farwarp.function.FunctionPackage;
import io.farwarp.function.FunctionSpec;
import io.farwarp.function.LaunchSpec;
import io.farwarp.v1.Module;
import io.farwarp.v1.ModuleKind;
import io.farwarp.wire.Status;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import jcuda.driver.CUfunction_attribute;
import jcuda.driver.CUjit_option;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;
import org.jspecify.annotations.Nullable;

/** The modules of a package that fit a device, loaded as far as a plan needs their kernels. */
final class CudaModules {
  private static final Pattern MACHINE = Pattern.compile("sm_([0-9]{2,3})([a-z]?)");
  private static final int LOG_BYTES = 16 << 10;

  private final CudaDevice device;
  private final FunctionSpec spec;
  private final String function;
  private final Map<String, LoadedModule> loaded = new LinkedHashMap<>();

  private CudaModules(CudaDevice device, FunctionSpec spec) {
    this.device = device;
    this.spec = spec;
    this.function = spec.name() + ":" + spec.version();
  }

  /**
   * The kernels of the plan's launches, in order; machine code for the device comes before fatbins,
   * and those before PTX, which the driver compiles.
   *
   * @param into the modules that were loaded, also before an exception
   * @throws DeviceException no module fits, one cannot be loaded, or the plan disagrees
   */
  static List<CudaKernel> load(
      CudaDevice device,
      FunctionPackage functionPackage,
      FunctionSpec spec,
      List<LoadedModule> into)
      throws DeviceException {
    CudaModules modules = new CudaModules(device, spec);
    try {
      return modules.kernels(functionPackage);
    } finally {
      into.addAll(modules.loaded.values());
    }
  }

  private List<CudaKernel> kernels(FunctionPackage functionPackage) throws DeviceException {
    List<Module> waiting = new ArrayList<>(fitting(functionPackage));
    if (waiting.isEmpty()) {
      throw noBinary(functionPackage);
    }
    ManifestCheck check = ManifestCheck.of(spec);
    List<CudaKernel> kernels = new ArrayList<>();
    for (LaunchSpec launch : spec.launches()) {
      Handles.Function found = find(launch.kernel());
      while (found == null && !waiting.isEmpty()) {
        Module next = waiting.removeFirst();
        byte[] image = functionPackage.file(next.getFile());
        loaded.put(
            next.getFile(),
            LoadedModule.load(
                device,
                image.length,
                function + ": " + next.getFile(),
                () -> loadModule(next, image)));
        found = find(launch.kernel());
      }
      if (found == null) {
        throw check.noSuchKernel(launch, String.join(", ", kernelNames()));
      }
      CudaKernel kernel = kernel(launch, found);
      check.arguments(launch, kernel.signature());
      kernels.add(kernel);
    }
    return kernels;
  }

  private List<Module> fitting(FunctionPackage functionPackage) {
    List<Module> all = functionPackage.manifest().getModulesList();
    Stream<Module> machine =
        all.stream()
            .filter(m -> m.getKind() == ModuleKind.CUBIN && fits(m.getArchitecture()))
            .sorted(Comparator.comparing(Module::getArchitecture).reversed());
    Stream<Module> fatbins = all.stream().filter(m -> m.getKind() == ModuleKind.FATBIN);
    Stream<Module> ptx = all.stream().filter(m -> m.getKind() == ModuleKind.PTX);
    return Stream.of(machine, fatbins, ptx).flatMap(s -> s).toList();
  }

  /** Machine code runs on devices of the same major capability that are not older. */
  private boolean fits(String architecture) {
    Matcher machine = MACHINE.matcher(architecture);
    if (!machine.matches()) {
      return false;
    }
    int built = Integer.parseInt(machine.group(1));
    boolean isSpecific = !machine.group(2).isEmpty();
    return isSpecific
        ? built == device.capability()
        : built / 10 == device.capability() / 10 && built <= device.capability();
  }

  private DeviceException noBinary(FunctionPackage functionPackage) {
    List<String> held =
        functionPackage.manifest().getModulesList().stream()
            .map(m -> "%s (%s %s)".formatted(m.getFile(), m.getKind(), m.getArchitecture()))
            .toList();
    return new DeviceException(
        Status.NO_BINARY_FOR_DEVICE,
        "%s holds neither PTX nor machine code for sm_%d (%s); it holds %s"
            .formatted(function, device.capability(), device.name(), String.join(", ", held)));
  }

  private Handles.Module loadModule(Module module, byte[] image) throws DeviceException {
    Handles.Module handle = new Handles.Module();
    try (Arena arena = Arena.ofConfined()) {
      // PTX has to end with a NUL.
      MemorySegment bytes = arena.allocate(image.length + 1L, 16);
      MemorySegment.copy(image, 0, bytes, JAVA_BYTE, 0, image.length);
      MemorySegment log = arena.allocate(LOG_BYTES);
      int[] options = {
        CUjit_option.CU_JIT_ERROR_LOG_BUFFER, CUjit_option.CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES
      };
      MemorySegment values = arena.allocate(ADDRESS, options.length);
      values.setAtIndex(ADDRESS, 0, log);
      values.setAtIndex(JAVA_LONG, 1, LOG_BYTES);
      int result =
          JCudaDriver.cuModuleLoadDataEx(
              handle, RawPointer.of(bytes), options.length, options, RawPointer.of(values));
      if (result != CUresult.CUDA_SUCCESS) {
        log.set(JAVA_BYTE, LOG_BYTES - 1L, (byte) 0);
        throw refused(module, result, log.getString(0).strip());
      }
    }
    return handle;
  }

  private DeviceException refused(Module module, int result, String log) {
    device.note(result, "cuModuleLoadDataEx");
    return new DeviceException(
        CudaErrors.status(result),
        "%s: %s: %s%s"
            .formatted(
                function,
                module.getFile(),
                CudaErrors.text("cuModuleLoadDataEx", result),
                log.isEmpty() ? "" : ": " + log));
  }

  private Handles.@Nullable Function find(String kernel) throws DeviceException {
    for (LoadedModule module : loaded.values()) {
      Handles.Function found = new Handles.Function();
      int result = JCudaDriver.cuModuleGetFunction(found, module.handle(), kernel);
      if (result == CUresult.CUDA_SUCCESS) {
        return found;
      }
      if (result != CUresult.CUDA_ERROR_NOT_FOUND) {
        device.check(result, "cuModuleGetFunction of " + kernel);
      }
    }
    return null;
  }

  private List<String> kernelNames() throws DeviceException {
    List<String> names = new ArrayList<>();
    for (LoadedModule module : loaded.values()) {
      names.addAll(device.driver().kernelNames(module.handle()));
    }
    return names;
  }

  private CudaKernel kernel(LaunchSpec launch, Handles.Function found) throws DeviceException {
    int[] value = new int[1];
    device.check(
        JCudaDriver.cuFuncGetAttribute(
            value, CUfunction_attribute.CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, found),
        "cuFuncGetAttribute of " + launch.kernel());
    int staticSharedBytes = value[0];
    device.check(
        JCudaDriver.cuFuncSetAttribute(
            found,
            CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
            Math.max(0, device.maxSharedBytes() - staticSharedBytes)),
        "cuFuncSetAttribute of " + launch.kernel());
    List<KernelSignature.Parameter> parameters = new ArrayList<>();
    for (int bytes : device.driver().parameterBytes(found)) {
      parameters.add(
          new KernelSignature.Parameter(
              "parameter " + parameters.size(),
              KernelSignature.Kind.UNKNOWN,
              bytes,
              bytes + " bytes"));
    }
    return new CudaKernel(
        found, new KernelSignature(launch.kernel(), parameters), staticSharedBytes);
  }
}
