package io.farwarp.executor.device.cuda;

import io.farwarp.executor.device.Binding;
import io.farwarp.executor.device.DeviceException;
import io.farwarp.executor.device.DeviceInvocation;
import io.farwarp.executor.device.DeviceModule;
import io.farwarp.executor.device.KernelSignature;
import io.farwarp.function.FunctionPackage;
import io.farwarp.function.FunctionSpec;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;

/** A function whose modules the driver has loaded. */
final class CudaDeviceModule implements DeviceModule {
  private static final Logger LOG = System.getLogger(CudaDeviceModule.class.getName());

  private final CudaDevice device;
  private final FunctionSpec spec;
  private final List<Handles.Module> modules;
  private final List<CudaKernel> kernels;
  private final boolean isPure;

  private CudaDeviceModule(
      CudaDevice device,
      FunctionSpec spec,
      List<Handles.Module> modules,
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
    List<Handles.Module> modules = new ArrayList<>();
    boolean isLoaded = false;
    try {
      List<CudaKernel> kernels = CudaModules.load(device, functionPackage, spec, modules);
      isLoaded = true;
      return new CudaDeviceModule(
          device, spec, modules, kernels, functionPackage.manifest().getPure());
    } finally {
      if (!isLoaded) {
        unload(modules);
      }
    }
  }

  private static void unload(List<Handles.Module> modules) {
    for (Handles.Module module : modules) {
      int result = JCudaDriver.cuModuleUnload(module);
      if (result != CUresult.CUDA_SUCCESS) {
        LOG.log(Level.WARNING, "{0}", CudaErrors.text("cuModuleUnload", result));
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

  Binding newBinding() {
    List<KernelSignature> signatures = kernels.stream().map(CudaKernel::signature).toList();
    return new Binding(spec, signatures);
  }

  @Override
  public DeviceInvocation newInvocation() {
    return new CudaInvocation(this, device.window());
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
      unload(modules);
    } catch (DeviceException e) {
      LOG.log(Level.WARNING, "modules stay until the context ends", e);
    }
  }
}
