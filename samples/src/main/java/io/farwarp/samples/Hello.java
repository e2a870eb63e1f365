package io.farwarp.samples;

import static io.farwarp.client.Argument.in;
import static io.farwarp.client.Argument.out;
import static io.farwarp.v1.ElementType.F32;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.farwarp.client.ByteSize;
import io.farwarp.client.Device;
import io.farwarp.client.Farwarp;
import io.farwarp.client.Lease;
import io.farwarp.client.LeaseRequest;
import io.farwarp.client.RemoteFunction;
import io.farwarp.client.Session;
import io.farwarp.client.Tensor;

/** The smallest client: adds two vectors on a leased worker. Takes HOST:PORT of a gateway. */
public final class Hello {
  private static final long N = 1_000_000;

  private Hello() {}

  public static void main(String[] arguments) {
    String gateway = arguments.length > 0 ? arguments[0] : "127.0.0.1:7070";
    LeaseRequest request = LeaseRequest.on(Device.ANY).memory(ByteSize.MIB.of(16));
    try (Farwarp farwarp = Farwarp.connect(gateway)) {
      var _ = farwarp.functions().push(Sample.HELLO.functionPackage());
      try (Lease lease = farwarp.lease(request).await();
          Session session = lease.open()) {
        Tensor x = session.tensor(F32, N);
        Tensor y = session.tensor(F32, N);
        Tensor z = session.tensor(F32, N);
        for (long i = 0; i < N; i++) {
          x.segment().setAtIndex(JAVA_FLOAT, i, (float) i);
          y.segment().setAtIndex(JAVA_FLOAT, i, 2 * (float) i);
        }
        RemoteFunction hello = session.function("hello:1");
        var done = hello.invoke(in(x), in(y), out(z)).await();
        System.out.printf(
            "z[%d] = %.0f, by %s over %s, kernel %d us%n",
            N - 1,
            z.segment().getAtIndex(JAVA_FLOAT, N - 1),
            lease.deviceName(),
            session.dataPath(),
            done.timings().kernelNs() / 1000);
      }
    }
  }
}
