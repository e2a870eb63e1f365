package io.farwarp.executor.device.cuda;

import io.farwarp.executor.device.Device;
import io.farwarp.executor.device.DeviceException;
import io.farwarp.executor.device.DeviceModule;
import io.farwarp.executor.device.DeviceStream;
import io.farwarp.executor.device.NativeBudget;
import io.farwarp.function.FunctionPackage;
import io.farwarp.function.FunctionSpec;
import io.farwarp.v1.DeviceClass;
import io.farwarp.wire.Status;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import jcuda.driver.CUcontext;
import jcuda.driver.CUctx_flags;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdevice_attribute;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;
import org.jspecify.annotations.Nullable;

/**
 * An NVIDIA GPU, or what the environment shows of one, with a context of its own.
 *
 * <p>The window's own pages are locked and mapped for the GPU. Small invocations work on them
 * directly; larger ones on a range of the GPU's memory as large as the window, to which only {@code
 * in} tensors are copied and from which only {@code out} tensors return.
 *
 * <p>A fault of a kernel ends the context for good ({@link #loss}); and a kernel that runs cannot
 * be stopped. Both leave nothing to do but to end the process.
 */
public final class CudaDevice implements Device {
  private static final Logger LOG = System.getLogger(CudaDevice.class.getName());

  private final Driver driver;
  private final CUcontext context;
  private final CUdevice device;
  private final String name;
  private final int capability;
  private final int maxSharedBytes;
  private final boolean isIntegrated;
  private final NativeBudget budget = NativeBudget.ofWindow(0);
  private WindowMemory window = WindowMemory.NONE;
  private volatile @Nullable Loss loss;
  private volatile boolean isHung;

  /**
   * The end of a device for this process.
   *
   * @param status for the invocation that was the cause
   */
  record Loss(Status status, String reason) {}

  private CudaDevice(Driver driver, CUdevice device, CUcontext context) throws DeviceException {
    this.driver = driver;
    this.device = device;
    this.context = context;
    this.name = CudaProbe.name(device);
    this.capability =
        10 * attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
            + attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
    this.maxSharedBytes =
        attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
    this.isIntegrated = attribute(CUdevice_attribute.CU_DEVICE_ATTRIBUTE_INTEGRATED) != 0;
  }

  /**
   * The first device that the environment shows (CUDA_VISIBLE_DEVICES), with a context of its own.
   *
   * @throws DeviceException there is none, or it cannot be used; in one line
   */
  public static CudaDevice open() throws DeviceException {
    Driver driver = Driver.open();
    int[] count = new int[1];
    CudaErrors.check(JCudaDriver.cuDeviceGetCount(count), "cuDeviceGetCount");
    if (count[0] < 1) {
      throw new DeviceException(
          Status.NO_BINARY_FOR_DEVICE,
          "no CUDA device: the driver shows none; CUDA_VISIBLE_DEVICES is %s"
              .formatted(System.getenv("CUDA_VISIBLE_DEVICES")));
    }
    CUdevice device = new CUdevice();
    CudaErrors.check(JCudaDriver.cuDeviceGet(device, 0), "cuDeviceGet");
    CUcontext context = new CUcontext();
    CudaErrors.check(
        JCudaDriver.cuCtxCreate(context, CUctx_flags.CU_CTX_SCHED_BLOCKING_SYNC, device),
        "cuCtxCreate");
    try {
      return new CudaDevice(driver, device, context);
    } catch (DeviceException | RuntimeException | Error e) {
      JCudaDriver.cuCtxDestroy(context);
      throw e;
    }
  }

  /** Why this host's driver cannot be loaded; empty if it can. Does not initialise it. */
  public static String missing() {
    return Driver.missing();
  }

  private int attribute(int attribute) throws DeviceException {
    return CudaProbe.attribute(device, attribute);
  }

  @Override
  public DeviceClass deviceClass() {
    return DeviceClass.CUDA;
  }

  @Override
  public String name() {
    return name;
  }

  /** Compute capability times ten: 90 for 9.0. */
  int capability() {
    return capability;
  }

  /** The most shared memory that a block can have, with {@code cuFuncSetAttribute}. */
  int maxSharedBytes() {
    return maxSharedBytes;
  }

  Driver driver() {
    return driver;
  }

  NativeBudget budget() {
    return budget;
  }

  WindowMemory window() {
    return window;
  }

  /** Lets the calling thread make calls of this device. */
  void use() throws DeviceException {
    check(JCudaDriver.cuCtxSetCurrent(context), "cuCtxSetCurrent");
  }

  /** Notes a code that leaves nothing to be done with the device; and throws unless it is fine. */
  void check(int code, String call) throws DeviceException {
    if (code != CUresult.CUDA_SUCCESS) {
      note(code, call);
      CudaErrors.check(code, call);
    }
  }

  /** Notes a code that leaves nothing to be done with the device. */
  void note(int code, String call) {
    if (CudaErrors.isFatal(code)) {
      lose(CudaErrors.text(call, code), CudaErrors.status(code));
    }
  }

  /** Gives the device up; {@code status} is for the invocation that was the cause. */
  synchronized void lose(String reason, Status status) {
    if (loss == null) {
      loss = new Loss(status, reason);
      LOG.log(Level.ERROR, "{0} cannot be used any more: {1}", name, reason);
    }
  }

  /** Gives the device up for a kernel that does not end; what waits for kernels would hang. */
  void hang(String reason, Status status) {
    isHung = true;
    lose(reason, status);
  }

  /** Whether memory of the device can still be freed and streams be ended. */
  boolean isHung() {
    return isHung;
  }

  /** Why nothing can be run any more; null while it can. */
  @Nullable Loss loss() {
    return loss;
  }

  CUcontext context() {
    return context;
  }

  @Override
  public void attachWindow(MemorySegment newWindow) throws DeviceException {
    use();
    window = WindowMemory.of(this, newWindow, isIntegrated);
    budget.windowBytes(newWindow.byteSize());
  }

  @Override
  public DeviceModule load(FunctionPackage functionPackage, FunctionSpec spec)
      throws DeviceException {
    use();
    return CudaDeviceModule.load(this, functionPackage, spec);
  }

  @Override
  public DeviceStream openStream(Runnable ended) throws DeviceException {
    use();
    return CudaStream.open(this, ended);
  }

  @Override
  public void close() {
    if (isHung) {
      LOG.log(Level.WARNING, "{0} is left to the end of the process", name);
      return;
    }
    JCudaDriver.cuCtxSetCurrent(context);
    window.close();
    CudaErrors.warn(JCudaDriver.cuCtxDestroy(context), "cuCtxDestroy");
  }
}
