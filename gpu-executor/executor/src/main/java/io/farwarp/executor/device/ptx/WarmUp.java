package io.farwarp.executor.device.ptx;

import io.farwarp.executor.device.DeviceException;
import io.farwarp.executor.device.ExampleTensors;
import io.farwarp.executor.device.NativeBudget;
import io.farwarp.function.FunctionSpec;
import io.farwarp.ptx.PtxExecutor;
import io.farwarp.wire.Status;
import io.farwarp.wire.Wire;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Runs a function over and over on memory of its own, until the JVM has compiled its kernels. */
final class WarmUp {
  /** Runs after which HotSpot has compiled whatever a short kernel consists of. */
  private static final int ENOUGH_RUNS = 20_000;

  private WarmUp() {}

  static long run(
      PtxDevice device, PtxDeviceModule module, FunctionSpec.Sizes example, long limitNs)
      throws DeviceException {
    long startNs = System.nanoTime();
    ExampleTensors tensors = ExampleTensors.layOut(module.spec(), example);
    long bytes = tensors.bytes();
    NativeBudget budget = device.budget();
    if (!budget.take(bytes)) {
      throw new DeviceException(
          Status.RESOURCE_EXHAUSTED, "the example's tensors take " + budget.refusal(bytes));
    }
    try (Arena arena = Arena.ofShared();
        PtxExecutor executor = PtxExecutor.create(device.threads());
        ScratchSlab scratch = new ScratchSlab(budget)) {
      MemorySegment memory = arena.allocate(Math.max(1, bytes), Wire.TENSOR_ALIGNMENT_BYTES);
      PtxDeviceInvocation invocation = new PtxDeviceInvocation(module, memory);
      bind(invocation, example, tensors.offsetsBytes());
      CompletableFuture.delayedExecutor(limitNs, TimeUnit.NANOSECONDS).execute(invocation::stop);
      repeat(invocation, executor, scratch, startNs + limitNs);
    } finally {
      budget.give(bytes);
    }
    return System.nanoTime() - startNs;
  }

  private static void repeat(
      PtxDeviceInvocation invocation, PtxExecutor executor, ScratchSlab scratch, long deadlineNs)
      throws DeviceException {
    for (int i = 0; i < ENOUGH_RUNS && System.nanoTime() - deadlineNs < 0; i++) {
      invocation.posted();
      invocation.run(executor, scratch, System.nanoTime());
      if (invocation.status() == Status.CANCELLED) {
        return;
      }
      if (invocation.status() != Status.OK) {
        throw new DeviceException(
            invocation.status(), "the manifest's example fails: " + invocation.detail());
      }
    }
  }

  private static void bind(
      PtxDeviceInvocation invocation, FunctionSpec.Sizes example, long[] offsets)
      throws DeviceException {
    String refusal = invocation.bind(example.scalarBits(), offsets, example.tensorLengthBytes());
    if (refusal != null) {
      throw new DeviceException(invocation.status(), "the manifest's example: " + refusal);
    }
  }
}
