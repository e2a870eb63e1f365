package io.farwarp.executor.device.ptx;

import io.farwarp.executor.device.Binding;
import io.farwarp.executor.device.DeviceException;
import io.farwarp.executor.device.DeviceInvocation;
import io.farwarp.executor.device.DeviceModule;
import io.farwarp.executor.device.NativeBudget;
import io.farwarp.function.FunctionSpec;
import io.farwarp.ptx.PtxKernel;
import io.farwarp.ptx.PtxLaunch;
import java.util.List;

/** A function whose kernels are compiled for this host's cores. */
final class PtxDeviceModule implements DeviceModule {
  private final PtxDevice device;
  private final FunctionSpec spec;
  private final List<CompiledModule> modules;
  private final List<PtxKernel> kernels;
  private final LaunchCost cost = new LaunchCost();

  /**
   * Closes {@code modules} with itself; {@code kernels} are those of the plan's launches, checked
   * against it.
   */
  PtxDeviceModule(
      PtxDevice device, FunctionSpec spec, List<CompiledModule> modules, List<PtxKernel> kernels) {
    this.device = device;
    this.spec = spec;
    this.modules = List.copyOf(modules);
    this.kernels = List.copyOf(kernels);
  }

  @Override
  public FunctionSpec spec() {
    return spec;
  }

  /** Logs what kernels of this function have printed. */
  void printed(String text) {
    device.printLog().log(spec.name() + ":" + spec.version(), text);
  }

  NativeBudget budget() {
    return device.budget();
  }

  LaunchCost cost() {
    return cost;
  }

  PtxLaunch[] newLaunches() {
    return kernels.stream().map(PtxKernel::newLaunch).toArray(PtxLaunch[]::new);
  }

  Binding newBinding() {
    return new Binding(spec, kernels.stream().map(PlanKernels::signature).toList());
  }

  @Override
  public DeviceInvocation newInvocation() {
    return new PtxDeviceInvocation(this, device.window());
  }

  @Override
  public long warmUp(long limitNs) throws DeviceException {
    FunctionSpec.Sizes example = spec.example();
    return example == null ? 0 : WarmUp.run(device, this, example, limitNs);
  }

  @Override
  public void close() {
    device.close(modules);
  }
}
