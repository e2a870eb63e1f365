package io.farwarp.executor.device;

import io.farwarp.function.Argument;
import io.farwarp.function.ElementTypes;
import io.farwarp.function.Expression;
import io.farwarp.function.FunctionSpec;
import io.farwarp.function.LaunchSpec;
import io.farwarp.function.ParameterSpec;
import io.farwarp.wire.Status;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Holds a manifest's plan against the kernels that the package's modules really have. */
public final class ManifestCheck {
  private final String function;
  private final FunctionSpec spec;

  private ManifestCheck(FunctionSpec spec) {
    this.function = spec.name() + ":" + spec.version();
    this.spec = spec;
  }

  /** Starts the checks of a function. */
  public static ManifestCheck of(FunctionSpec spec) {
    return new ManifestCheck(spec);
  }

  /**
   * Whether a launch passes what its kernel takes.
   *
   * @throws DeviceException {@link Status#UNSUPPORTED_CODE}, naming launch, kernel and argument
   */
  public void arguments(LaunchSpec launch, KernelSignature kernel) throws DeviceException {
    int taken = kernel.parameters().size();
    if (taken != launch.arguments().size()) {
      throw disagrees(
          launch,
          "the manifest passes %d arguments; the kernel takes %d"
              .formatted(launch.arguments().size(), taken));
    }
    for (int i = 0; i < taken; i++) {
      KernelSignature.Parameter parameter = kernel.parameters().get(i);
      switch (launch.arguments().get(i)) {
        case Argument.ParameterRef(int index) -> {
          ParameterSpec passed = spec.parameters().get(index);
          if (passed.isTensor()) {
            pointer(launch, i, "tensor " + passed.name(), parameter);
          } else {
            scalar(launch, i, passed, parameter);
          }
        }
        case Argument.ScratchRef(int index) ->
            pointer(launch, i, "scratch " + spec.scratch().get(index).name(), parameter);
        case Expression expression -> integer(launch, i, expression, parameter);
      }
    }
  }

  /** No module has the launch's kernel. */
  public DeviceException noSuchKernel(LaunchSpec launch, String kernelsThere) {
    return disagrees(
        launch,
        "its code has no such kernel; it has " + (kernelsThere.isEmpty() ? "none" : kernelsThere));
  }

  private void pointer(
      LaunchSpec launch, int position, String passed, KernelSignature.Parameter taken)
      throws DeviceException {
    boolean fits =
        switch (taken.kind()) {
          case INTEGER, BITS, UNKNOWN -> taken.sizeBytes() == 8;
          case FLOAT, BYTES -> false;
        };
    if (!fits) {
      throw disagrees(
          launch,
          "argument %d is %s, an address; the kernel's %s is %s, not .u64"
              .formatted(position, passed, taken.name(), taken.typeText()));
    }
  }

  private void scalar(
      LaunchSpec launch, int position, ParameterSpec passed, KernelSignature.Parameter taken)
      throws DeviceException {
    boolean sameKind =
        switch (taken.kind()) {
          case BITS, UNKNOWN -> true;
          case INTEGER ->
              ElementTypes.bytes(passed.type()) <= 2 || ElementTypes.isInteger(passed.type());
          case FLOAT ->
              ElementTypes.bytes(passed.type()) <= 2 || !ElementTypes.isInteger(passed.type());
          case BYTES -> false;
        };
    if (!sameKind || taken.sizeBytes() != passed.elementBytes()) {
      throw disagrees(
          launch,
          "argument %d is scalar %s of type %s; the kernel's %s is %s"
              .formatted(
                  position,
                  passed.name(),
                  ElementTypes.label(passed.type()),
                  taken.name(),
                  taken.typeText()));
    }
  }

  private void integer(
      LaunchSpec launch, int position, Expression expression, KernelSignature.Parameter taken)
      throws DeviceException {
    boolean fits =
        switch (taken.kind()) {
          case INTEGER, BITS -> true;
          case UNKNOWN -> taken.sizeBytes() <= 8;
          case FLOAT, BYTES -> false;
        };
    if (!fits) {
      throw disagrees(
          launch,
          "argument %d is \"%s\", an integer; the kernel's %s is %s"
              .formatted(position, expression, taken.name(), taken.typeText()));
    }
  }

  /** Null if every expression that a kernel takes by value fits the kernel's parameter. */
  static @Nullable String integers(FunctionSpec spec, List<KernelSignature> kernels, long[] work) {
    for (int i = 0; i < kernels.size(); i++) {
      LaunchSpec launch = spec.launches().get(i);
      for (int j = 0; j < launch.arguments().size(); j++) {
        if (launch.arguments().get(j) instanceof Expression expression) {
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

  private DeviceException disagrees(LaunchSpec launch, String problem) {
    return new DeviceException(
        Status.UNSUPPORTED_CODE,
        "%s: the manifest disagrees with the code: launch %d, kernel %s: %s"
            .formatted(function, spec.launches().indexOf(launch), launch.kernel(), problem));
  }
}
