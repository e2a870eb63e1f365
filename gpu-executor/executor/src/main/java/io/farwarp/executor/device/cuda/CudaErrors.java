package io.farwarp.executor.device.cuda;

import io.farwarp.executor.device.DeviceException;
import io.farwarp.wire.Status;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;

/**
 * What the driver's error codes mean here.
 *
 * @see <a href="https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__TYPES.html">CUresult</a>
 */
final class CudaErrors {
  /* Codes that JCuda 12.6 has no name for. */
  private static final int ERROR_CONTAINED = 721;

  private static final Logger LOG = System.getLogger(CudaErrors.class.getName());

  private CudaErrors() {}

  /** The status that a caller gets for a code other than CUDA_SUCCESS. */
  static Status status(int code) {
    return switch (code) {
      case CUresult.CUDA_SUCCESS -> Status.OK;
      case CUresult.CUDA_ERROR_OUT_OF_MEMORY -> Status.RESOURCE_EXHAUSTED;
      case CUresult.CUDA_ERROR_NO_BINARY_FOR_GPU -> Status.NO_BINARY_FOR_DEVICE;
      case CUresult.CUDA_ERROR_INVALID_IMAGE,
          CUresult.CUDA_ERROR_INVALID_PTX,
          CUresult.CUDA_ERROR_UNSUPPORTED_PTX_VERSION,
          CUresult.CUDA_ERROR_JIT_COMPILER_NOT_FOUND,
          CUresult.CUDA_ERROR_NOT_FOUND ->
          Status.UNSUPPORTED_CODE;
      case CUresult.CUDA_ERROR_INVALID_VALUE, CUresult.CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES ->
          Status.INVALID_LAUNCH;
      case CUresult.CUDA_ERROR_ILLEGAL_ADDRESS -> Status.ILLEGAL_ADDRESS;
      case CUresult.CUDA_ERROR_MISALIGNED_ADDRESS -> Status.MISALIGNED_ADDRESS;
      case CUresult.CUDA_ERROR_LAUNCH_TIMEOUT -> Status.DEADLINE_EXCEEDED;
      default -> Status.DEVICE_FAULT;
    };
  }

  /**
   * Whether the context, and with it this process's use of the GPU, is beyond repair: every later
   * call answers the same, or the device is gone.
   */
  static boolean isFatal(int code) {
    return switch (code) {
      case CUresult.CUDA_ERROR_DEINITIALIZED,
          CUresult.CUDA_ERROR_DEVICE_UNAVAILABLE,
          CUresult.CUDA_ERROR_NO_DEVICE,
          CUresult.CUDA_ERROR_INVALID_CONTEXT,
          CUresult.CUDA_ERROR_ECC_UNCORRECTABLE,
          CUresult.CUDA_ERROR_NVLINK_UNCORRECTABLE,
          CUresult.CUDA_ERROR_ILLEGAL_ADDRESS,
          CUresult.CUDA_ERROR_LAUNCH_TIMEOUT,
          CUresult.CUDA_ERROR_CONTEXT_IS_DESTROYED,
          CUresult.CUDA_ERROR_ASSERT,
          CUresult.CUDA_ERROR_HARDWARE_STACK_ERROR,
          CUresult.CUDA_ERROR_ILLEGAL_INSTRUCTION,
          CUresult.CUDA_ERROR_MISALIGNED_ADDRESS,
          CUresult.CUDA_ERROR_INVALID_ADDRESS_SPACE,
          CUresult.CUDA_ERROR_INVALID_PC,
          CUresult.CUDA_ERROR_LAUNCH_FAILED,
          CUresult.CUDA_ERROR_UNKNOWN,
          ERROR_CONTAINED ->
          true;
      default -> false;
    };
  }

  /** "cuMemAlloc: CUDA_ERROR_OUT_OF_MEMORY (2), out of memory". Allocates. */
  static String text(String call, int code) {
    String[] name = new String[1];
    String[] meaning = new String[1];
    if (JCudaDriver.cuGetErrorName(code, name) != CUresult.CUDA_SUCCESS || name[0] == null) {
      return call + ": error " + code;
    }
    JCudaDriver.cuGetErrorString(code, meaning);
    return "%s: %s (%d), %s".formatted(call, name[0], code, meaning[0]);
  }

  /** Throws for every code but CUDA_SUCCESS; {@code call} names the call that answered it. */
  static void check(int code, String call) throws DeviceException {
    if (code != CUresult.CUDA_SUCCESS) {
      throw new DeviceException(status(code), text(call, code));
    }
  }

  /** Logs a failure of what gives something back: there is nobody to answer it to. */
  static void warn(int code, String call) {
    if (code != CUresult.CUDA_SUCCESS) {
      LOG.log(Level.WARNING, "{0}", text(call, code));
    }
  }
}
