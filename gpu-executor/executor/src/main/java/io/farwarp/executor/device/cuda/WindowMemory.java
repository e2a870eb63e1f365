package io.farwarp.executor.device.cuda;

import io.farwarp.executor.device.DeviceException;
import java.lang.foreign.MemorySegment;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;
import org.jspecify.annotations.Nullable;

/**
 * Where kernels find tensors: the window's own pages, locked and mapped for the GPU, and a range of
 * the GPU's memory of the same size. An offset in the window is the same offset in each.
 */
final class WindowMemory implements AutoCloseable {
  /** Before a window is attached. */
  static final WindowMemory NONE =
      new WindowMemory(null, MemorySegment.NULL, 0, new Handles.Memory(), false);

  private final @Nullable CudaDevice owner;
  private final MemorySegment pages;
  private final long mappedAddress;
  private final Handles.Memory device;
  private final boolean isRegistered;

  private WindowMemory(
      @Nullable CudaDevice owner,
      MemorySegment pages,
      long mappedAddress,
      Handles.Memory device,
      boolean isRegistered) {
    this.owner = owner;
    this.pages = pages;
    this.mappedAddress = mappedAddress;
    this.device = device;
    this.isRegistered = isRegistered;
  }

  /**
   * Locks and maps the pages of a window, and takes as much of the GPU's memory, zeroed.
   *
   * @param isIntegrated the GPU has no memory of its own, and needs no copies
   */
  static WindowMemory of(CudaDevice device, MemorySegment window, boolean isIntegrated)
      throws DeviceException {
    RawPointer pages = RawPointer.of(window);
    device.check(
        JCudaDriver.cuMemHostRegister(
            pages, window.byteSize(), JCudaDriver.CU_MEMHOSTREGISTER_DEVICEMAP),
        "cuMemHostRegister of %d bytes".formatted(window.byteSize()));
    try {
      Handles.Memory mapped = new Handles.Memory();
      device.check(
          JCudaDriver.cuMemHostGetDevicePointer(mapped, pages, 0), "cuMemHostGetDevicePointer");
      Handles.Memory copies = new Handles.Memory();
      if (!isIntegrated) {
        copies = zeroed(device, window.byteSize());
      }
      return new WindowMemory(device, window, mapped.address(), copies, true);
    } catch (DeviceException | RuntimeException | Error e) {
      JCudaDriver.cuMemHostUnregister(pages);
      throw e;
    }
  }

  /** Memory of a GPU that itself is all there is: for a function's example. */
  static WindowMemory ofDeviceOnly(CudaDevice device, long bytes) throws DeviceException {
    return new WindowMemory(device, MemorySegment.NULL, 0, zeroed(device, bytes), false);
  }

  private static Handles.Memory zeroed(CudaDevice device, long bytes) throws DeviceException {
    Handles.Memory memory = new Handles.Memory();
    device.check(JCudaDriver.cuMemAlloc(memory, bytes), "cuMemAlloc of %d bytes".formatted(bytes));
    int result = JCudaDriver.cuMemsetD8(memory, (byte) 0, bytes);
    if (result == CUresult.CUDA_SUCCESS) {
      // The call returns before the memory is zero.
      result = JCudaDriver.cuCtxSynchronize();
    }
    if (result != CUresult.CUDA_SUCCESS) {
      JCudaDriver.cuMemFree(memory);
      device.check(result, "cuMemsetD8 of %d bytes".formatted(bytes));
    }
    return memory;
  }

  /** Where the pages are in this process. */
  long hostAddress() {
    return pages.address();
  }

  /** Where kernels see the pages; 0 if there are none. */
  long mappedAddress() {
    return mappedAddress;
  }

  /** Where the range of the GPU's memory is; 0 if there is none. */
  long deviceAddress() {
    return device.address();
  }

  /** Gives the memory back, unless a kernel that does not end holds it. */
  @Override
  public void close() {
    if (owner != null && owner.isHung()) {
      return;
    }
    if (device.address() != 0) {
      CudaErrors.warn(JCudaDriver.cuMemFree(device), "cuMemFree");
    }
    if (isRegistered) {
      CudaErrors.warn(JCudaDriver.cuMemHostUnregister(RawPointer.of(pages)), "cuMemHostUnregister");
    }
  }
}
