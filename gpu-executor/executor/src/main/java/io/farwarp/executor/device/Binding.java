package io.farwarp.executor.device;

import io.farwarp.function.FunctionSpec;
import io.farwarp.wire.Status;
import io.farwarp.wire.Wire;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The arguments of an invocation, checked, with all that follows from them; bound again and again
 * without allocation. Used by one thread at a time.
 */
public final class Binding {
  private final FunctionSpec spec;
  private final List<KernelSignature> kernels;
  private final long[] work;
  private final long[] scalars;
  private final long[] offsets;
  private final long[] lengths;
  private final long[] scratchOffsets;
  private long scratchBytes;
  private long number;
  private boolean isBound;
  private Status status = Status.OK;

  /**
   * Nothing is bound yet.
   *
   * @param kernels those of the plan's launches, in order
   */
  public Binding(FunctionSpec spec, List<KernelSignature> kernels) {
    this.spec = spec;
    this.kernels = List.copyOf(kernels);
    this.work = new long[spec.slots()];
    int parameters = spec.parameters().size();
    this.scalars = new long[parameters];
    this.offsets = new long[parameters];
    this.lengths = new long[parameters];
    this.scratchOffsets = new long[spec.scratch().size()];
  }

  /**
   * As {@link DeviceInvocation#bind}; arguments that are bound already cost a comparison.
   *
   * @return null, or why the function cannot run with them; {@link #status} is the code for it then
   */
  public @Nullable String bind(
      long[] scalarBits, long[] tensorOffsetsBytes, long[] tensorLengthsBytes) {
    if (isBound && isSame(scalarBits, tensorOffsetsBytes, tensorLengthsBytes)) {
      return null;
    }
    isBound = false;
    String refusal = spec.bind(scalarBits, tensorLengthsBytes, work);
    if (refusal != null) {
      status = spec.status(work);
      return refusal;
    }
    refusal = ManifestCheck.integers(spec, kernels, work);
    if (refusal != null) {
      status = Status.INVALID_ARGUMENT;
      return refusal;
    }
    System.arraycopy(scalarBits, 0, scalars, 0, scalars.length);
    System.arraycopy(tensorOffsetsBytes, 0, offsets, 0, offsets.length);
    System.arraycopy(tensorLengthsBytes, 0, lengths, 0, lengths.length);
    layOutScratch();
    isBound = true;
    status = Status.OK;
    number++;
    return null;
  }

  /** Whether these are the arguments that were bound last, as in a call that is repeated. */
  private boolean isSame(long[] scalarBits, long[] tensorOffsetsBytes, long[] tensorLengthsBytes) {
    for (int i = 0; i < scalars.length; i++) {
      if (scalars[i] != scalarBits[i]
          || offsets[i] != tensorOffsetsBytes[i]
          || lengths[i] != tensorLengthsBytes[i]) {
        return false;
      }
    }
    return true;
  }

  /** Puts the scratch tensors one after the other; an overflowing sum stays too large. */
  private void layOutScratch() {
    long next = 0;
    for (int i = 0; i < scratchOffsets.length; i++) {
      scratchOffsets[i] = next;
      long end = next + scratchBytes(i) + (Wire.TENSOR_ALIGNMENT_BYTES - 1);
      next = end < next ? Long.MAX_VALUE / 2 : end & -Wire.TENSOR_ALIGNMENT_BYTES;
    }
    scratchBytes = next;
  }

  /** Grows by one with every bind of other arguments. */
  public long number() {
    return number;
  }

  public Status status() {
    return status;
  }

  /** For the numbers of the function's launches. */
  public long[] work() {
    return work;
  }

  /** Bits of a scalar parameter. */
  public long scalar(int parameter) {
    return scalars[parameter];
  }

  /** Where a tensor parameter starts. */
  public long offsetBytes(int parameter) {
    return offsets[parameter];
  }

  public long lengthBytes(int parameter) {
    return lengths[parameter];
  }

  /** Where a scratch tensor starts in the scratch memory. */
  public long scratchOffsetBytes(int scratch) {
    return scratchOffsets[scratch];
  }

  /** Bytes of one scratch tensor. */
  public long scratchBytes(int scratch) {
    return spec.elements(scratch, work) * spec.scratch().get(scratch).elementBytes();
  }

  /** What all scratch tensors take. */
  public long scratchBytes() {
    return scratchBytes;
  }
}
