package io.farwarp.simcuda;

import io.farwarp.ptx.PtxFault;

/** The driver API's error codes that loading and launching end with, by their C names. */
final class CudaError {
  static final int CUDA_SUCCESS = 0;
  static final int CUDA_ERROR_OUT_OF_MEMORY = 2;
  static final int CUDA_ERROR_NO_BINARY_FOR_GPU = 209;
  static final int CUDA_ERROR_INVALID_PTX = 218;
  static final int CUDA_ERROR_UNSUPPORTED_PTX_VERSION = 222;
  static final int CUDA_ERROR_ILLEGAL_ADDRESS = 700;
  static final int CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES = 701;
  static final int CUDA_ERROR_LAUNCH_TIMEOUT = 702;
  static final int CUDA_ERROR_ASSERT = 710;
  static final int CUDA_ERROR_HARDWARE_STACK_ERROR = 714;
  static final int CUDA_ERROR_ILLEGAL_INSTRUCTION = 715;
  static final int CUDA_ERROR_MISALIGNED_ADDRESS = 716;
  static final int CUDA_ERROR_INVALID_PC = 718;
  static final int CUDA_ERROR_LAUNCH_FAILED = 719;
  static final int CUDA_ERROR_UNKNOWN = 999;

  private CudaError() {}

  /** What a GPU reports for a kernel that ended so. */
  static int of(PtxFault.Kind kind) {
    return switch (kind) {
      case ILLEGAL_ADDRESS -> CUDA_ERROR_ILLEGAL_ADDRESS;
      case MISALIGNED_ADDRESS -> CUDA_ERROR_MISALIGNED_ADDRESS;
      case STOPPED -> CUDA_ERROR_LAUNCH_TIMEOUT;
      case INVALID_LAUNCH -> CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES;
      case STACK_OVERFLOW -> CUDA_ERROR_HARDWARE_STACK_ERROR;
      case INVALID_BARRIER -> CUDA_ERROR_ILLEGAL_INSTRUCTION;
      case INVALID_TARGET -> CUDA_ERROR_INVALID_PC;
      case ASSERTION -> CUDA_ERROR_ASSERT;
      case TRAP, DEADLOCK, INTERNAL -> CUDA_ERROR_LAUNCH_FAILED;
    };
  }
}
