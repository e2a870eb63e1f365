package io.farwarp.samples;

import static io.farwarp.client.Argument.in;
import static io.farwarp.client.Argument.inout;
import static io.farwarp.client.Argument.scalar;
import static io.farwarp.v1.ElementType.F32;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.farwarp.client.ByteSize;
import io.farwarp.client.Device;
import io.farwarp.client.Farwarp;
import io.farwarp.client.Lease;
import io.farwarp.client.LeaseRequest;
import io.farwarp.client.Session;
import io.farwarp.client.Tensor;
import java.lang.foreign.MemorySegment;

/** Matrix products of row-major f32 matrices in native memory, on the CPU. */
public final class Sgemm {
  private static final int MAIN_SIZE = 512;
  private static final float MAIN_ALPHA = 2;
  private static final float MAIN_BETA = 0.5f;
  private static final float MAIN_C = 1;

  private Sgemm() {}

  /** Multiplies two matrices on a leased worker. Takes HOST:PORT of a gateway. */
  public static void main(String[] arguments) {
    String gateway = arguments.length > 0 ? arguments[0] : "127.0.0.1:7070";
    LeaseRequest request = LeaseRequest.on(Device.ANY).memory(ByteSize.MIB.of(16));
    try (Farwarp farwarp = Farwarp.connect(gateway)) {
      var _ = farwarp.functions().push(Sample.SGEMM.functionPackage());
      try (Lease lease = farwarp.lease(request).await();
          Session session = lease.open()) {
        Tensor a = session.tensor(F32, MAIN_SIZE, MAIN_SIZE);
        Tensor b = session.tensor(F32, MAIN_SIZE, MAIN_SIZE);
        Tensor c = session.tensor(F32, MAIN_SIZE, MAIN_SIZE);
        for (long i = 0; i < a.elements(); i++) {
          a.segment().setAtIndex(JAVA_FLOAT, i, (i % 17) / 16f);
          b.segment().setAtIndex(JAVA_FLOAT, i, (i % 13) / 8f - 0.5f);
          c.segment().setAtIndex(JAVA_FLOAT, i, MAIN_C);
        }
        var done =
            session
                .function("sgemm:1")
                .invoke(
                    scalar(MAIN_SIZE),
                    scalar(MAIN_SIZE),
                    scalar(MAIN_SIZE),
                    scalar(MAIN_ALPHA),
                    in(a),
                    in(b),
                    scalar(MAIN_BETA),
                    inout(c))
                .await();
        System.out.printf(
            "%d x %d elements by %s over %s, %.2f GFLOP/s, wrong: %d%n",
            MAIN_SIZE,
            MAIN_SIZE,
            lease.deviceName(),
            session.dataPath(),
            2.0 * MAIN_SIZE * MAIN_SIZE * MAIN_SIZE / done.timings().kernelNs(),
            wrong(a.segment(), b.segment(), c.segment()));
      }
    }
  }

  /**
   * How many of the main's elements are not its reference. Its inputs are small multiples of 1/16
   * and 1/8, so that every sum is exact in f32 too, in whichever order a device adds.
   */
  private static int wrong(MemorySegment a, MemorySegment b, MemorySegment c) {
    int wrong = 0;
    for (int row = 0; row < MAIN_SIZE; row++) {
      for (int column = 0; column < MAIN_SIZE; column++) {
        double reference =
            reference(row, column, MAIN_SIZE, MAIN_SIZE, MAIN_ALPHA, a, b, MAIN_BETA, MAIN_C);
        if (c.getAtIndex(JAVA_FLOAT, (long) row * MAIN_SIZE + column) != reference) {
          wrong++;
        }
      }
    }
    return wrong;
  }

  /**
   * One element of alpha a b + beta c, in f32 by the steps of sgemm.cu, so equal to the last bit.
   */
  public static float element(
      int row,
      int column,
      int n,
      int k,
      float alpha,
      MemorySegment a,
      MemorySegment b,
      float beta,
      float c) {
    float sum = 0;
    for (int i = 0; i < k; i++) {
      sum =
          Math.fma(
              a.getAtIndex(JAVA_FLOAT, (long) row * k + i),
              b.getAtIndex(JAVA_FLOAT, (long) i * n + column),
              sum);
    }
    return Math.fma(alpha, sum, beta * c);
  }

  /** The same in double precision. */
  public static double reference(
      int row,
      int column,
      int n,
      int k,
      double alpha,
      MemorySegment a,
      MemorySegment b,
      double beta,
      double c) {
    double sum = 0;
    for (int i = 0; i < k; i++) {
      sum +=
          (double) a.getAtIndex(JAVA_FLOAT, (long) row * k + i)
              * b.getAtIndex(JAVA_FLOAT, (long) i * n + column);
    }
    return alpha * sum + beta * c;
  }
}
