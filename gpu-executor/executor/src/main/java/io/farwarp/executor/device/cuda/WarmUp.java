package io.farwarp.executor.device.cuda;

import io.farwarp.executor.device.DeviceException;
import io.farwarp.executor.device.ExampleTensors;
import io.farwarp.executor.device.NativeBudget;
import io.farwarp.function.FunctionSpec;
import io.farwarp.wire.Status;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Runs a function over and over on memory of its own: what the driver and the JVM do at a kernel's
 * first launches, they have done.
 */
final class WarmUp {
  private static final int ENOUGH_RUNS = 2_000;

  /** An example that takes longer does not end. */
  private static final long RUN_LIMIT_NS = TimeUnit.SECONDS.toNanos(10);

  private static final int SPINS = 10_000;
  private static final long PAUSE_NS = TimeUnit.MICROSECONDS.toNanos(50);

  private WarmUp() {}

  static long run(CudaDeviceModule module, FunctionSpec.Sizes example, long limitNs)
      throws DeviceException {
    long startNs = System.nanoTime();
    ExampleTensors tensors = ExampleTensors.layOut(module.spec(), example);
    long bytes = tensors.bytes();
    CudaDevice device = module.device();
    NativeBudget budget = device.budget();
    if (!budget.take(bytes)) {
      throw new DeviceException(
          Status.RESOURCE_EXHAUSTED, "the example's tensors take " + budget.refusal(bytes));
    }
    try (WindowMemory memory = WindowMemory.ofDeviceOnly(device, Math.max(1, bytes));
        CudaSlot slot = CudaSlot.open(device, 0)) {
      CudaInvocation invocation =
          new CudaInvocation(module, memory, CudaInvocation.MAPPED_BYTES, plan -> {});
      String refusal =
          invocation.bind(
              example.scalarBits(), tensors.offsetsBytes(), example.tensorLengthBytes());
      if (refusal != null) {
        throw new DeviceException(invocation.status(), "the manifest's example: " + refusal);
      }
      try {
        repeat(device, slot, invocation, startNs + limitNs);
      } finally {
        invocation.close();
      }
    } finally {
      budget.give(bytes);
    }
    return System.nanoTime() - startNs;
  }

  private static void repeat(
      CudaDevice device, CudaSlot slot, CudaInvocation invocation, long deadlineNs)
      throws DeviceException {
    for (int i = 0; i < ENOUGH_RUNS && System.nanoTime() - deadlineNs < 0; i++) {
      invocation.posted(() -> {});
      slot.submit(invocation);
      awaitEnd(device, slot);
      slot.collect(System.nanoTime());
      if (invocation.status() != Status.OK) {
        throw new DeviceException(
            invocation.status(), "the manifest's example fails: " + invocation.detail());
      }
    }
  }

  private static void awaitEnd(CudaDevice device, CudaSlot slot) throws DeviceException {
    long deadlineNs = System.nanoTime() + RUN_LIMIT_NS;
    int spins = 0;
    while (!slot.hasEnded()) {
      slot.submitMore();
      if (++spins < SPINS) {
        Thread.onSpinWait();
        continue;
      }
      slot.look();
      if (System.nanoTime() - deadlineNs >= 0) {
        device.hang("the manifest's example does not end", Status.DEADLINE_EXCEEDED);
      }
      CudaDevice.Loss loss = device.loss();
      if (loss != null) {
        throw new DeviceException(loss.status(), "the manifest's example: " + loss.reason());
      }
      LockSupport.parkNanos(PAUSE_NS);
    }
  }
}
