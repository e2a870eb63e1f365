package io.farwarp.executor.device.cuda;

import io.farwarp.executor.device.NativeBudget;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;

/** The GPU's memory for the scratch tensors of a stream's invocations, which grows when needed. */
final class CudaScratch {
  private final NativeBudget budget;
  private final Handles.Stream stream;
  private Handles.Memory memory = new Handles.Memory();
  private long heldBytes;

  CudaScratch(NativeBudget budget, Handles.Stream stream) {
    this.budget = budget;
    this.stream = stream;
  }

  /** Where the memory is, while {@link #grow} has not been called again. */
  long address() {
    return memory.address();
  }

  /** Whether there are {@code bytes}; else {@link #grow} is needed. */
  boolean has(long bytes) {
    return bytes <= heldBytes;
  }

  /** Takes {@code bytes} from the budget; false: it has not so much. */
  boolean reserve(long bytes) {
    return budget.take(bytes - heldBytes);
  }

  /**
   * Replaces the memory by {@code bytes} of zeros, in the order of the stream; the driver's result.
   * The bytes are {@link #reserve}d.
   */
  int grow(long bytes) {
    Handles.Memory larger = new Handles.Memory();
    int result = JCudaDriver.cuMemAllocAsync(larger, bytes, stream);
    if (result != CUresult.CUDA_SUCCESS) {
      budget.give(bytes - heldBytes);
      return result;
    }
    if (heldBytes > 0) {
      result = JCudaDriver.cuMemFreeAsync(memory, stream);
    }
    memory = larger;
    heldBytes = bytes;
    return result == CUresult.CUDA_SUCCESS
        ? JCudaDriver.cuMemsetD8Async(memory, (byte) 0, bytes, stream)
        : result;
  }

  /** Gives the memory back, in the order of the stream; the driver's result. */
  int close() {
    int result = heldBytes > 0 ? JCudaDriver.cuMemFreeAsync(memory, stream) : CUresult.CUDA_SUCCESS;
    budget.give(heldBytes);
    heldBytes = 0;
    return result;
  }
}
