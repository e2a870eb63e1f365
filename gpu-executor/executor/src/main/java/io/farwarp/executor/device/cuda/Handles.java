package io.farwarp.executor.device.cuda;

import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUfunction;
import jcuda.driver.CUmodule;
import jcuda.driver.CUstream;

/** JCuda's handles, for calls that it lacks: those take the numbers in them. */
final class Handles {
  private Handles() {}

  /** Device memory. */
  static final class Memory extends CUdeviceptr {
    long address() {
      return getNativePointer() + getByteOffset();
    }
  }

  static final class Module extends CUmodule {
    long handle() {
      return getNativePointer();
    }
  }

  static final class Function extends CUfunction {
    long handle() {
      return getNativePointer();
    }
  }

  static final class Stream extends CUstream {
    long handle() {
      return getNativePointer();
    }
  }
}
