package io.farwarp.client;

import static io.farwarp.client.Argument.in;
import static io.farwarp.client.Argument.out;
import static io.farwarp.v1.ElementType.F32;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.farwarp.wire.Status;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PreparedInvocationTest {
  private static final int WARM_UP = 20_000;
  private static final int MEASURED = 2_000;
  private static final long TIMEOUT_NS = 20_000_000_000L;

  @ParameterizedTest
  @ValueSource(strings = {"shm", "tcp"})
  void post_and_await_allocate_nothing(String transport, @TempDir Path directory)
      throws IOException {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    try (TestCloud cloud = new TestCloud(directory);
        Lease lease = cloud.lease();
        Session session = lease.open(SessionOptions.transport(transport))) {
      Tensor a = session.tensor(F32, 16);
      Tensor b = session.tensor(F32, 16);
      Tensor c = session.tensor(F32, 16);
      Tensor d = session.tensor(F32, 16);
      RemoteFunction add = session.function("add:1");
      PreparedInvocation first = add.prepare(in(a), in(b), out(c));
      PreparedInvocation second = add.prepare(in(a), in(b), out(d));
      run(first, second, WARM_UP);
      // The counter itself may settle after its first use; one clean stretch is what is asked.
      long least = Long.MAX_VALUE;
      for (int attempt = 0; attempt < 5 && least > 0; attempt++) {
        long before = threads.getCurrentThreadAllocatedBytes();
        run(first, second, MEASURED);
        least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
      }
      assertEquals(0, least, "bytes allocated by " + MEASURED + " rounds");
      assertTrue(first.kernelNs() > 0);
    }
  }

  private static void run(PreparedInvocation first, PreparedInvocation second, int rounds) {
    for (int i = 0; i < rounds; i++) {
      first.post(TIMEOUT_NS);
      boolean posted = second.tryPost(TIMEOUT_NS);
      if (first.await() != Status.OK || !posted || second.await() != Status.OK) {
        throw new AssertionError(first.detail() + second.detail());
      }
    }
  }
}
