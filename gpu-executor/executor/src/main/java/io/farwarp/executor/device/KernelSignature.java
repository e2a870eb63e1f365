package io.farwarp.executor.device;

import java.util.List;

/**
 * What a kernel takes, as far as its module tells.
 *
 * @param kernel entry point, as the module names it
 */
public record KernelSignature(String kernel, List<Parameter> parameters) {
  public KernelSignature {
    parameters = List.copyOf(parameters);
  }

  /** What a parameter can hold. */
  public enum Kind {
    INTEGER,
    FLOAT,
    /** Bits of either. */
    BITS,
    /** A struct or an array, passed by value. */
    BYTES,
    /** The module does not tell: machine code keeps sizes only. */
    UNKNOWN
  }

  /**
   * One parameter.
   *
   * @param name for people; what it is called in the module, where it has a name there
   * @param typeText for people: {@code .u32}
   */
  public record Parameter(String name, Kind kind, int sizeBytes, String typeText) {}
}
