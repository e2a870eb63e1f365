package io.farwarp.executor.device;

import io.farwarp.function.FunctionSpec;
import io.farwarp.function.ParameterSpec;
import io.farwarp.wire.Wire;

/**
 * Where the tensors of a manifest's example lie in memory of their own.
 *
 * @param offsetsBytes where each starts, by parameter
 * @param bytes what all take; {@link Long#MAX_VALUE} if the sum overflows
 */
public record ExampleTensors(long[] offsetsBytes, long bytes) {

  /** One after the other. */
  public static ExampleTensors layOut(FunctionSpec spec, FunctionSpec.Sizes example) {
    long[] lengths = example.tensorLengthBytes();
    long[] offsets = new long[lengths.length];
    long next = 0;
    for (ParameterSpec parameter : spec.parameters()) {
      if (parameter.isTensor()) {
        offsets[parameter.index()] = next;
        long end = next + lengths[parameter.index()] + (Wire.TENSOR_ALIGNMENT_BYTES - 1);
        if (end < next) {
          return new ExampleTensors(offsets, Long.MAX_VALUE);
        }
        next = end & -Wire.TENSOR_ALIGNMENT_BYTES;
      }
    }
    return new ExampleTensors(offsets, next);
  }
}
