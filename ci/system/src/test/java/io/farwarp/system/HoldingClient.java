package io.farwarp.system;

import static io.farwarp.client.Argument.in;
import static io.farwarp.client.Argument.out;
import static io.farwarp.client.Argument.scalar;

import io.farwarp.client.ConnectOptions;
import io.farwarp.client.Farwarp;
import io.farwarp.client.Lease;
import io.farwarp.client.LeaseRequest;
import io.farwarp.client.RemoteFunction;
import io.farwarp.client.Session;
import io.farwarp.client.Tensor;
import io.farwarp.v1.ElementType;
import java.nio.file.Path;
import java.time.Duration;

/**
 * A client in a process of its own that takes a lease, invokes on and on, and is there to be
 * killed.
 */
public final class HoldingClient {
  private HoldingClient() {}

  public static void main(String[] args) {
    ConnectOptions options = ConnectOptions.to(args[0]).tokenFile(Path.of(args[1]));
    try (Farwarp farwarp = Farwarp.connect(options);
        Lease lease =
            farwarp
                .lease(
                    LeaseRequest.on(TestedDevice.of(args[3]))
                        .memory(64L << 20)
                        .duration(Duration.ofMillis(Long.parseLong(args[2]))))
                .await();
        Session session = lease.open()) {
      Tensor from = session.tensor(ElementType.F32, 1024);
      Tensor to = session.tensor(ElementType.F32, 1024);
      RemoteFunction work = session.function("work:1");
      System.out.println("holding " + lease.id());
      while (!Thread.currentThread().isInterrupted()) {
        work.invoke(in(from), out(to), scalar(1024), scalar(1000)).await(Duration.ofSeconds(10));
      }
    }
  }
}
