package io.farwarp.executor.device.ptx;

import io.farwarp.executor.device.DeviceException;
import io.farwarp.executor.device.DeviceInvocation;
import io.farwarp.executor.device.DeviceModule;
import io.farwarp.function.Argument;
import io.farwarp.function.Expression;
import io.farwarp.function.FunctionSpec;
import io.farwarp.function.LaunchSpec;
import io.farwarp.ptx.PtxKernel;
import io.farwarp.ptx.PtxLaunch;
import java.util.List;
import org.jspecify.annotations.Nullable;

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

  /** Null if every expression that a kernel takes by value fits the kernel's parameter. */
  @Nullable String checkIntegers(long[] work) {
    for (int i = 0; i < kernels.size(); i++) {
      LaunchSpec launch = spec.launches().get(i);
      List<Argument> arguments = launch.arguments();
      for (int j = 0; j < arguments.size(); j++) {
        if (arguments.get(j) instanceof Expression expression) {
          int bits = 8 * kernels.get(i).parameters().get(j).sizeBytes();
          long value = expression.value(work);
          if (bits < 64 && (value < -(1L << (bits - 1)) || value >= 1L << bits)) {
            return "launch %d (%s): argument %d, \"%s\", is %d, which does not fit %d bits"
                .formatted(i, launch.kernel(), j, expression, value, bits);
          }
        }
      }
    }
    return null;
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
