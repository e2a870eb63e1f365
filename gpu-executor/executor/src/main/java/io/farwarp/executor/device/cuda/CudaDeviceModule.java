package io.farwarp.executor.device.cuda;

import io.farwarp.executor.device.Binding;
import io.farwarp.executor.device.DeviceException;
import io.farwarp.executor.device.DeviceInvocation;
import io.farwarp.executor.device.DeviceModule;
import io.farwarp.executor.device.DeviceStream;
import io.farwarp.executor.device.KernelSignature;
import io.farwarp.function.FunctionPackage;
import io.farwarp.function.FunctionSpec;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.SequencedSet;

/** A function whose modules the driver has loaded. */
final class CudaDeviceModule implements DeviceModule {
  private static final Logger LOG = System.getLogger(CudaDeviceModule.class.getName());

  private final CudaDevice device;
  private final FunctionSpec spec;
  private final List<LoadedModule> modules;
  private final List<CudaKernel> kernels;
  private final boolean isPure;

  /** Plans that have a graph, the latest last. Of the thread that posts. */
  private final SequencedSet<CudaPlan> graphs = new LinkedHashSet<>();

  private CudaDeviceModule(
      CudaDevice device,
      FunctionSpec spec,
      List<LoadedModule> modules,
      List<CudaKernel> kernels,
      boolean isPure) {
    this.device = device;
    this.spec = spec;
    this.modules = List.copyOf(modules);
    this.kernels = List.copyOf(kernels);
    this.isPure = isPure;
  }

  static CudaDeviceModule load(
      CudaDevice device, FunctionPackage functionPackage, FunctionSpec spec)
      throws DeviceException {
    List<LoadedModule> modules = new ArrayList<>();
    boolean isLoaded = false;
    try {
      List<CudaKernel> kernels = CudaModules.load(device, functionPackage, spec, modules);
      isLoaded = true;
      return new CudaDeviceModule(
          device, spec, modules, kernels, functionPackage.manifest().getPure());
    } finally {
      if (!isLoaded) {
        modules.forEach(each -> each.unload(device));
      }
    }
  }

  @Override
  public FunctionSpec spec() {
    return spec;
  }

  CudaDevice device() {
    return device;
  }

  /** Those of the plan's launches, in order. */
  List<CudaKernel> kernels() {
    return kernels;
  }

  /** Whether invocations of it share no state but their tensors. */
  boolean isPure() {
    return isPure;
  }

  /** Keeps the graph of a plan until the module is closed, or as many later ones are kept. */
  private void keep(CudaPlan plan) {
    graphs.addLast(plan);
    if (graphs.size() > DeviceStream.CAPACITY) {
      graphs.removeFirst().close();
    }
  }

  Binding newBinding() {
    List<KernelSignature> signatures = kernels.stream().map(CudaKernel::signature).toList();
    return new Binding(spec, signatures);
  }

  @Override
  public DeviceInvocation newInvocation() {
    return new CudaInvocation(this, device.window(), CudaInvocation.MAPPED_BYTES, this::keep);
  }

  @Override
  public long warmUp(long limitNs) throws DeviceException {
    FunctionSpec.Sizes example = spec.example();
    if (example == null) {
      return 0;
    }
    device.use();
    return WarmUp.run(this, example, limitNs);
  }

  @Override
  public void close() {
    if (device.isHung()) {
      return; // the process takes all with it
    }
    try {
      device.use();
      graphs.forEach(CudaPlan::close);
      modules.forEach(each -> each.unload(device));
    } catch (DeviceException e) {
      LOG.log(Level.WARNING, "modules stay until the context ends", e);
    }
  }
}
