package io.farwarp.ptx.ir;

import io.farwarp.ptx.PtxException;
import io.farwarp.ptx.PtxParameter;
import io.farwarp.ptx.syntax.SourceFunction;
import io.farwarp.ptx.syntax.SourceVariable;
import java.util.ArrayList;
import java.util.List;

/**
 * Where a kernel's parameters stand in the parameter block of a launch.
 *
 * @param sizeBytes of the whole block
 */
public record ParameterLayout(List<PtxParameter> parameters, int sizeBytes) {
  /** CUDA's limit since 12.1. */
  private static final int MAX_BYTES = 32_764;

  public static ParameterLayout of(SourceFunction kernel) throws PtxException {
    List<PtxParameter> parameters = new ArrayList<>();
    long end = 0;
    for (SourceVariable variable : kernel.parameters()) {
      int size = checkedSize(variable);
      long offset = Lowering.alignUp(end, variable.alignBytes());
      end = offset + size;
      if (end > MAX_BYTES) {
        throw new PtxException(
            variable.line(), "a kernel's parameters take at most " + MAX_BYTES + " bytes");
      }
      parameters.add(
          new PtxParameter(
              variable.name(), variable.type(), size, variable.alignBytes(), (int) offset));
    }
    return new ParameterLayout(List.copyOf(parameters), (int) end);
  }

  static int checkedSize(SourceVariable variable) throws PtxException {
    if (variable.elements() == 0 || variable.sizeBytes() > MAX_BYTES) {
      throw new PtxException(
          variable.line(),
          "parameter '" + variable.name() + "' needs a size of 1 to " + MAX_BYTES + " bytes");
    }
    return (int) variable.sizeBytes();
  }

  List<Symbol.KernelParameter> symbols() {
    List<Symbol.KernelParameter> symbols = new ArrayList<>();
    for (PtxParameter parameter : parameters) {
      symbols.add(
          new Symbol.KernelParameter(
              parameter.name(), symbols.size(), parameter.offsetBytes(), parameter.sizeBytes()));
    }
    return symbols;
  }
}
