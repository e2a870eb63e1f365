package io.farwarp.ptx.ir;

/** Something in memory that has a name. */
public sealed interface Symbol {
  String name();

  /**
   * A {@code .global} or {@code .const} variable of the module.
   *
   * @param index its number in the module's memory
   * @param address its native address, fixed when the module is loaded
   */
  record ModuleVariable(String name, int index, long address, long sizeBytes, boolean constant)
      implements Symbol {}

  /**
   * A device function.
   *
   * @param address a number that stands for it in registers and memory; no memory is there
   */
  record DeviceFunction(String name, long address) implements Symbol {}

  /**
   * A {@code .shared} variable; each kernel that uses it gives it a place of its own.
   *
   * @param sizeBytes 0 for an {@code .extern} array, whose size the launch chooses
   */
  record SharedVariable(String name, int line, int sizeBytes, int alignBytes) implements Symbol {}

  /** A {@code .local} variable or a call's {@code .param} variable in the function's frame. */
  record FrameVariable(String name, int offsetBytes, int sizeBytes, boolean parameter)
      implements Symbol {}

  /** A parameter of a kernel, in the launch's parameter block. */
  record KernelParameter(String name, int index, int offsetBytes, int sizeBytes)
      implements Symbol {}

  /**
   * A parameter or return value of a device function; it lives in the caller's frame.
   *
   * @param index its number among the return values and then the parameters
   */
  record FunctionParameter(String name, int index, int sizeBytes) implements Symbol {}
}
