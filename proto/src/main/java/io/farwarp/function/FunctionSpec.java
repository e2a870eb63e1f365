package io.farwarp.function;

import io.farwarp.v1.ElementType;
import io.farwarp.v1.FunctionManifest;
import io.farwarp.wire.Status;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A manifest, checked and compiled: what a caller passes and what an invocation runs. Immutable and
 * shared by threads; the work array that {@link #bind} fills belongs to one invocation at a time.
 *
 * <p>Arrays of arguments have one element for each parameter, in the manifest's order; an element
 * of the other kind (the length of a scalar) is not looked at.
 */
public final class FunctionSpec {
  /* The work array: the value of each parameter that is an integer scalar, the free extents, the
   * results of expressions, the status of the last bind, the stack. */
  private final String name;
  private final String version;
  private final List<ParameterSpec> parameters;
  private final List<ScratchSpec> scratch;
  private final List<LaunchSpec> launches;
  private final FreeExtent[] freeExtents;
  private final Computed[] computed;
  private final boolean[] usedInExpressions;
  private final int statusSlot;
  private final int slots;
  private final @Nullable Sizes example;

  /** An extent that the length of the 1-D tensor {@code parameter} gives. */
  record FreeExtent(String name, int parameter) {}

  /** An expression that has to be computed, and what it is, for errors. */
  record Computed(Expression expression, String where) {}

  /**
   * Arguments by name made ready for {@link #bind}.
   *
   * @param extents of each tensor, outermost first; empty for a scalar
   */
  public record Sizes(long[] scalarBits, long[] tensorLengthBytes, List<List<Long>> extents) {}

  FunctionSpec(SpecCompiler compiler) throws FunctionPackageException {
    name = compiler.manifest.getName();
    version = compiler.manifest.getVersion();
    parameters = List.copyOf(compiler.parameters);
    scratch = List.copyOf(compiler.scratch);
    launches = List.copyOf(compiler.launches);
    freeExtents = compiler.freeExtents.toArray(FreeExtent[]::new);
    computed = compiler.computed.toArray(Computed[]::new);
    usedInExpressions = compiler.usedInExpressions;
    statusSlot = compiler.nextResultSlot;
    slots = statusSlot + 1 + compiler.stackSize;
    example = example(compiler.manifest.getExampleMap());
  }

  /** Checks and compiles a manifest. */
  public static FunctionSpec of(FunctionManifest manifest) throws FunctionPackageException {
    return SpecCompiler.compile(manifest);
  }

  public String name() {
    return name;
  }

  public String version() {
    return version;
  }

  public List<ParameterSpec> parameters() {
    return parameters;
  }

  public List<ScratchSpec> scratch() {
    return scratch;
  }

  public List<LaunchSpec> launches() {
    return launches;
  }

  public LaunchSpec launch(int index) {
    return launches.get(index);
  }

  /** Names of the extents that are no parameters and follow from the tensors passed. */
  public List<String> freeExtents() {
    return Arrays.stream(freeExtents).map(FreeExtent::name).toList();
  }

  /** Size of the work array. */
  public int slots() {
    return slots;
  }

  /** The manifest's example, to warm up with; null if it gives none and values are needed. */
  public @Nullable Sizes example() {
    return example;
  }

  /**
   * Computes everything that an invocation with these arguments needs into {@code work}, and checks
   * it: each tensor's length against its shape, each launch against {@link LaunchLimits}. Allocates
   * nothing unless it fails.
   *
   * @param scalarBits the bits of each scalar, as its type lays them out
   * @param tensorLengthBytes the length of each tensor
   * @param work at least {@link #slots()} elements
   * @return null if all is well, otherwise the reason; {@link #status} has its code
   */
  public @Nullable String bind(long[] scalarBits, long[] tensorLengthBytes, long[] work) {
    work[statusSlot] = Status.INVALID_ARGUMENT.code();
    String reason = scalars(scalarBits, work);
    if (reason == null) {
      reason = freeExtents(tensorLengthBytes, work);
    }
    if (reason == null) {
      reason = compute(work);
    }
    if (reason == null) {
      reason = tensors(tensorLengthBytes, work);
    }
    if (reason == null) {
      reason = scratch(work);
    }
    if (reason == null) {
      work[statusSlot] = Status.INVALID_LAUNCH.code();
      reason = launches(work);
    }
    if (reason == null) {
      work[statusSlot] = Status.OK.code();
    }
    return reason;
  }

  /** How the last {@link #bind} into {@code work} ended. */
  public Status status(long[] work) {
    return Status.ofCode((int) work[statusSlot]);
  }

  /** Elements of a scratch tensor, after a successful {@link #bind}. */
  public long elements(int scratchIndex, long[] work) {
    return product(scratch.get(scratchIndex).shape(), work, 1);
  }

  /**
   * What {@link #bind} needs for an invocation whose scalars and free extents have these values,
   * written as text. Allocates; for warm-up and for tools.
   *
   * @throws FunctionPackageException if a value is missing, unknown or of the wrong type, or a
   *     shape does not work out with it
   */
  public Sizes sizes(Map<String, String> values) throws FunctionPackageException {
    return new SizesFromNames(this, values).sizes();
  }

  private @Nullable Sizes example(Map<String, String> values) throws FunctionPackageException {
    boolean needsValues =
        freeExtents.length > 0 || parameters.stream().anyMatch(p -> !p.isTensor());
    if (values.isEmpty() && needsValues) {
      return null;
    }
    try {
      Sizes sizes = sizes(values);
      String reason = bind(sizes.scalarBits(), sizes.tensorLengthBytes(), new long[slots]);
      if (reason != null) {
        throw new FunctionPackageException(reason);
      }
      return sizes;
    } catch (FunctionPackageException e) {
      throw new FunctionPackageException("the manifest's example: " + e.getMessage(), e);
    }
  }

  @Nullable String scalars(long[] scalarBits, long[] work) {
    for (int i = 0; i < parameters.size(); i++) {
      ParameterSpec parameter = parameters.get(i);
      if (!parameter.isTensor() && usedInExpressions[i]) {
        work[i] = ElementTypes.integerValue(parameter.type(), scalarBits[i]);
        if (work[i] < 0 && parameter.type() == ElementType.U64) {
          return "scalar "
              + parameter.name()
              + " is above 2^63-1, too large for the manifest's sums";
        }
      }
    }
    return null;
  }

  private @Nullable String freeExtents(long[] tensorLengthBytes, long[] work) {
    for (int i = 0; i < freeExtents.length; i++) {
      ParameterSpec tensor = parameters.get(freeExtents[i].parameter());
      long length = tensorLengthBytes[tensor.index()];
      if (length < 0 || length % tensor.elementBytes() != 0) {
        return "tensor "
            + tensor.name()
            + " holds "
            + length
            + " bytes, which are no whole number of "
            + ElementTypes.label(tensor.type());
      }
      work[parameters.size() + i] = length / tensor.elementBytes();
    }
    return null;
  }

  @Nullable String compute(long[] work) {
    for (Computed each : computed) {
      Expression.Fault fault = each.expression().compute(work, statusSlot + 1);
      if (fault != null) {
        return each.where()
            + ", \""
            + each.expression()
            + (fault == Expression.Fault.OVERFLOW
                ? "\", overflows 64 bits"
                : "\", divides by zero");
      }
    }
    return null;
  }

  private @Nullable String tensors(long[] tensorLengthBytes, long[] work) {
    for (int i = 0; i < parameters.size(); i++) {
      ParameterSpec tensor = parameters.get(i);
      if (tensor.isTensor()) {
        long wanted = product(tensor.shape(), work, tensor.elementBytes());
        if (wanted < 0 || wanted != tensorLengthBytes[i]) {
          return tensorFault(tensor, tensorLengthBytes[i], wanted, work);
        }
      }
    }
    return null;
  }

  private String tensorFault(ParameterSpec tensor, long length, long wanted, long[] work) {
    String shape = tensor.name() + " " + tensor.typeText() + extentText(tensor.shape(), work);
    return wanted < 0
        ? "tensor " + shape + " is of negative or overflowing size"
        : "tensor " + shape + " takes " + wanted + " bytes, not " + length;
  }

  private @Nullable String scratch(long[] work) {
    for (int i = 0; i < scratch.size(); i++) {
      ScratchSpec each = scratch.get(i);
      if (product(each.shape(), work, each.elementBytes()) < 0) {
        return "scratch "
            + each.name()
            + extentText(each.shape(), work)
            + " is of negative or overflowing size";
      }
    }
    return null;
  }

  private @Nullable String launches(long[] work) {
    for (int i = 0; i < launches.size(); i++) {
      String reason = launch(launches.get(i), work);
      if (reason != null) {
        return "launch " + i + " (" + launches.get(i).kernel() + "): " + reason;
      }
    }
    return null;
  }

  private static @Nullable String launch(LaunchSpec launch, long[] work) {
    long repeat = launch.repeatExpression().value(work);
    if (repeat < 0 || repeat > LaunchLimits.MAX_REPEAT) {
      return "repeat is " + repeat + "; it must be 0 to " + LaunchLimits.MAX_REPEAT;
    }
    if (repeat == 0) {
      return null;
    }
    long threads = 1;
    for (int axis = 0; axis < 3; axis++) {
      long grid = launch.gridExpression(axis).value(work);
      if (grid < 1 || grid > LaunchLimits.gridLimit(axis)) {
        return "grid "
            + "xyz".charAt(axis)
            + " is "
            + grid
            + "; it must be 1 to "
            + LaunchLimits.gridLimit(axis);
      }
      long block = launch.blockExpression(axis).value(work);
      if (block < 1 || block > LaunchLimits.blockLimit(axis)) {
        return "block "
            + "xyz".charAt(axis)
            + " is "
            + block
            + "; it must be 1 to "
            + LaunchLimits.blockLimit(axis);
      }
      threads *= block;
    }
    if (threads > LaunchLimits.MAX_BLOCK_THREADS) {
      return "a block has "
          + threads
          + " threads; at most "
          + LaunchLimits.MAX_BLOCK_THREADS
          + " are allowed";
    }
    long shared = launch.dynamicSharedExpression().value(work);
    if (shared < 0 || shared > LaunchLimits.MAX_DYNAMIC_SHARED_BYTES) {
      return "dynamic shared memory is "
          + shared
          + " bytes; it must be 0 to "
          + LaunchLimits.MAX_DYNAMIC_SHARED_BYTES;
    }
    return null;
  }

  /** Product of the extents and {@code factor}; -1 if an extent is negative or it overflows. */
  static long product(List<Expression> shape, long[] work, long factor) {
    long product = factor;
    for (int i = 0; i < shape.size(); i++) {
      long extent = shape.get(i).value(work);
      if (extent < 0 || Math.multiplyHigh(product, extent) != 0 || product * extent < 0) {
        return -1;
      }
      product *= extent;
    }
    return product;
  }

  private static String extentText(List<Expression> shape, long[] work) {
    StringBuilder text = new StringBuilder(" (");
    for (Expression extent : shape) {
      text.append(text.length() > 2 ? " x " : "").append(extent.value(work));
    }
    return text.append(')').toString();
  }
}
