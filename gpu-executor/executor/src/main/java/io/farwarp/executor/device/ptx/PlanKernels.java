package io.farwarp.executor.device.ptx;

import io.farwarp.executor.device.DeviceException;
import io.farwarp.executor.device.KernelSignature;
import io.farwarp.executor.device.ManifestCheck;
import io.farwarp.function.FunctionSpec;
import io.farwarp.function.LaunchSpec;
import io.farwarp.ptx.PtxKernel;
import io.farwarp.ptx.PtxParameter;
import io.farwarp.wire.Status;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** Finds the kernels of a plan in a package's PTX. */
final class PlanKernels {
  private PlanKernels() {}

  /**
   * The kernels of the plan's launches, in order.
   *
   * @throws DeviceException {@link Status#UNSUPPORTED_CODE}, naming launch, kernel and argument
   */
  static List<PtxKernel> of(FunctionSpec spec, List<CompiledModule> modules)
      throws DeviceException {
    ManifestCheck check = ManifestCheck.of(spec);
    List<PtxKernel> kernels = new ArrayList<>();
    for (LaunchSpec launch : spec.launches()) {
      PtxKernel kernel = kernelOf(launch, modules, check);
      check.arguments(launch, signature(kernel));
      kernels.add(kernel);
    }
    return kernels;
  }

  private static PtxKernel kernelOf(
      LaunchSpec launch, List<CompiledModule> modules, ManifestCheck check) throws DeviceException {
    for (CompiledModule module : modules) {
      if (module.module().kernelNames().contains(launch.kernel())) {
        return module.module().kernel(launch.kernel());
      }
    }
    throw check.noSuchKernel(
        launch,
        modules.stream()
            .flatMap(m -> m.module().kernelNames().stream())
            .collect(Collectors.joining(", ")));
  }

  static KernelSignature signature(PtxKernel kernel) {
    return new KernelSignature(
        kernel.name(), kernel.parameters().stream().map(PlanKernels::parameter).toList());
  }

  private static KernelSignature.Parameter parameter(PtxParameter taken) {
    int elementBytes = taken.type().sizeBytes();
    String type = "." + taken.type().keyword();
    int count = taken.sizeBytes() / Math.max(1, elementBytes);
    return new KernelSignature.Parameter(
        taken.name(),
        count == 1 ? kind(taken) : KernelSignature.Kind.BYTES,
        taken.sizeBytes(),
        count == 1 ? type : type + "[" + count + "]");
  }

  private static KernelSignature.Kind kind(PtxParameter taken) {
    return switch (taken.type().family()) {
      case FLOAT -> KernelSignature.Kind.FLOAT;
      case BITS -> KernelSignature.Kind.BITS;
      default -> KernelSignature.Kind.INTEGER;
    };
  }
}
