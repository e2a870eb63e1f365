package io.farwarp.client;

import static java.time.Duration.ofSeconds;

import io.farwarp.wire.Status;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.function.BooleanSupplier;

/** A gateway, a worker and a client connected to them: what most tests start from. */
final class TestCloud implements AutoCloseable {
  static final long WINDOW_BYTES = 4 << 20;

  final TestGateway gateway;
  final TestWorker worker;
  final Farwarp farwarp;

  TestCloud(Path directory) throws IOException {
    gateway = new TestGateway(directory);
    worker = new TestWorker(directory, WINDOW_BYTES, gateway.publicKey());
    gateway.serve(worker);
    farwarp = Farwarp.connect(gateway.options());
    worker.script(TestFunctions.ADD, TestCloud::add);
    worker.script(TestFunctions.SCALARS, TestWorker.Call::ok);
    worker.script(TestFunctions.SCALE, TestCloud::scale);
  }

  static void add(TestWorker.Call call) {
    MemorySegment a = call.tensor(0);
    MemorySegment b = call.tensor(1);
    MemorySegment c = call.tensor(2);
    for (long at = 0; at < a.byteSize(); at += Float.BYTES) {
      c.set(
          ValueLayout.JAVA_FLOAT,
          at,
          a.get(ValueLayout.JAVA_FLOAT, at) + b.get(ValueLayout.JAVA_FLOAT, at));
    }
    call.ok();
  }

  static void scale(TestWorker.Call call) {
    MemorySegment x = call.tensor(0);
    double factor = Double.longBitsToDouble(call.scalar(3));
    for (long at = 0; at < x.byteSize(); at += Double.BYTES) {
      x.set(ValueLayout.JAVA_DOUBLE, at, x.get(ValueLayout.JAVA_DOUBLE, at) * factor);
    }
    call.ok();
  }

  Lease lease() {
    return farwarp.lease(request()).await(ofSeconds(10));
  }

  static LeaseRequest request() {
    return LeaseRequest.on(Device.PTX).memory(WINDOW_BYTES).renewing(false);
  }

  static void fill(Tensor tensor, float first, float step) {
    MemorySegment memory = tensor.segment();
    for (long i = 0; i < tensor.elements(); i++) {
      memory.setAtIndex(ValueLayout.JAVA_FLOAT, i, first + i * step);
    }
  }

  /** Waits on a condition, with a deadline that no healthy run comes near. */
  static void await(BooleanSupplier condition, String what) {
    long startNs = System.nanoTime();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - startNs > 20_000_000_000L) {
        throw new AssertionError("not reached in time: " + what);
      }
      Thread.onSpinWait();
    }
  }

  static Status statusOf(Runnable failing) {
    try {
      failing.run();
    } catch (FarwarpException e) {
      return e.status();
    }
    throw new AssertionError("it did not fail");
  }

  @Override
  public void close() throws IOException {
    farwarp.close();
    gateway.close();
    worker.close();
  }
}
