package io.farwarp.executor.device.ptx;

import io.farwarp.executor.device.DeviceException;
import io.farwarp.function.Argument;
import io.farwarp.function.ElementTypes;
import io.farwarp.function.Expression;
import io.farwarp.function.FunctionSpec;
import io.farwarp.function.LaunchSpec;
import io.farwarp.function.ParameterSpec;
import io.farwarp.ptx.PtxKernel;
import io.farwarp.ptx.PtxParameter;
import io.farwarp.ptx.PtxType;
import io.farwarp.wire.Status;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** Holds a manifest's plan against the kernels that the package's PTX really has. */
final class ManifestCheck {
  private final String function;
  private final FunctionSpec spec;
  private final List<CompiledModule> modules;

  private ManifestCheck(String function, FunctionSpec spec, List<CompiledModule> modules) {
    this.function = function;
    this.spec = spec;
    this.modules = modules;
  }

  /**
   * The kernels of the plan's launches, in order.
   *
   * @throws DeviceException {@link Status#UNSUPPORTED_CODE}, naming launch, kernel and argument
   */
  static List<PtxKernel> kernels(String function, FunctionSpec spec, List<CompiledModule> modules)
      throws DeviceException {
    ManifestCheck check = new ManifestCheck(function, spec, modules);
    List<PtxKernel> kernels = new ArrayList<>();
    for (LaunchSpec launch : spec.launches()) {
      PtxKernel kernel = check.kernelOf(launch);
      check.arguments(launch, kernel);
      kernels.add(kernel);
    }
    return kernels;
  }

  private PtxKernel kernelOf(LaunchSpec launch) throws DeviceException {
    for (CompiledModule module : modules) {
      if (module.module().kernelNames().contains(launch.kernel())) {
        return module.module().kernel(launch.kernel());
      }
    }
    String there =
        modules.stream()
            .flatMap(m -> m.module().kernelNames().stream())
            .collect(Collectors.joining(", "));
    throw disagrees(
        launch, "its PTX has no such kernel; it has " + (there.isEmpty() ? "none" : there));
  }

  private void arguments(LaunchSpec launch, PtxKernel kernel) throws DeviceException {
    List<PtxParameter> parameters = kernel.parameters();
    if (parameters.size() != launch.arguments().size()) {
      throw disagrees(
          launch,
          "the manifest passes %d arguments; the kernel takes %d"
              .formatted(launch.arguments().size(), parameters.size()));
    }
    for (int i = 0; i < parameters.size(); i++) {
      switch (launch.arguments().get(i)) {
        case Argument.ParameterRef(int index) -> {
          ParameterSpec passed = spec.parameters().get(index);
          if (passed.isTensor()) {
            pointer(launch, i, "tensor " + passed.name(), parameters.get(i));
          } else {
            scalar(launch, i, passed, parameters.get(i));
          }
        }
        case Argument.ScratchRef(int index) ->
            pointer(launch, i, "scratch " + spec.scratch().get(index).name(), parameters.get(i));
        case Expression expression -> integer(launch, i, expression, parameters.get(i));
      }
    }
  }

  private void pointer(LaunchSpec launch, int position, String passed, PtxParameter taken)
      throws DeviceException {
    if (taken.sizeBytes() != 8 || taken.type().sizeBytes() != 8 || isFloat(taken.type())) {
      throw disagrees(
          launch,
          "argument %d is %s, an address; the kernel's %s is %s, not .u64"
              .formatted(position, passed, taken.name(), typeText(taken)));
    }
  }

  private void scalar(LaunchSpec launch, int position, ParameterSpec passed, PtxParameter taken)
      throws DeviceException {
    boolean sameSize =
        taken.sizeBytes() == passed.elementBytes() && taken.type().sizeBytes() == taken.sizeBytes();
    boolean sameKind =
        taken.type().family() == PtxType.Family.BITS
            || ElementTypes.bytes(passed.type()) <= 2
            || isFloat(taken.type()) != ElementTypes.isInteger(passed.type());
    if (!sameSize || !sameKind) {
      throw disagrees(
          launch,
          "argument %d is scalar %s of type %s; the kernel's %s is %s"
              .formatted(
                  position,
                  passed.name(),
                  ElementTypes.label(passed.type()),
                  taken.name(),
                  typeText(taken)));
    }
  }

  private void integer(LaunchSpec launch, int position, Expression expression, PtxParameter taken)
      throws DeviceException {
    if (isFloat(taken.type()) || taken.type().sizeBytes() != taken.sizeBytes()) {
      throw disagrees(
          launch,
          "argument %d is \"%s\", an integer; the kernel's %s is %s"
              .formatted(position, expression, taken.name(), typeText(taken)));
    }
  }

  private static boolean isFloat(PtxType type) {
    return type.family() == PtxType.Family.FLOAT;
  }

  private static String typeText(PtxParameter parameter) {
    String type = "." + parameter.type().keyword();
    int count = parameter.sizeBytes() / Math.max(1, parameter.type().sizeBytes());
    return count == 1 ? type : type + "[" + count + "]";
  }

  private DeviceException disagrees(LaunchSpec launch, String problem) {
    return new DeviceException(
        Status.UNSUPPORTED_CODE,
        "%s: the manifest disagrees with the PTX: launch %d, kernel %s: %s"
            .formatted(function, spec.launches().indexOf(launch), launch.kernel(), problem));
  }
}
