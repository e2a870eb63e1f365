package io.farwarp.cli.bench;

import static io.farwarp.client.Argument.in;
import static io.farwarp.client.Argument.out;

import io.farwarp.client.Device;
import io.farwarp.client.Farwarp;
import io.farwarp.client.Lease;
import io.farwarp.client.LeaseRequest;
import io.farwarp.client.PreparedInvocation;
import io.farwarp.client.Session;
import io.farwarp.client.SessionOptions;
import io.farwarp.client.Tensor;
import io.farwarp.samples.Sample;
import io.farwarp.v1.ElementType;
import java.time.Duration;

/**
 * One leased worker with an open session: what the subjects of a benchmark run on. A worker serves
 * one session, so each data path and each hot time has a workbench of its own.
 */
final class Workbench implements AutoCloseable {
  private static final Duration OPEN_LIMIT = Duration.ofMinutes(2);

  private final Lease lease;
  private final Session session;

  private Workbench(Lease lease, Session session) {
    this.lease = lease;
    this.session = session;
  }

  /**
   * @param hot how long worker and client spin before they sleep
   * @param shareMillis of the device, in thousandths
   */
  static Workbench open(
      Farwarp farwarp, String transport, Duration hot, long windowBytes, int shareMillis) {
    Lease lease =
        farwarp
            .lease(
                LeaseRequest.on(Device.PTX)
                    .memory(windowBytes)
                    .shareMillis(shareMillis)
                    .duration(Duration.ofMinutes(5))
                    .hot(hot))
            .await();
    try {
      return new Workbench(lease, lease.open(over(transport).hot(hot)));
    } catch (RuntimeException failure) {
      lease.close();
      throw failure;
    }
  }

  /** Opening may take long on an emulated host. */
  static SessionOptions over(String transport) {
    return SessionOptions.transport(transport).openTimeout(OPEN_LIMIT);
  }

  Session session() {
    return session;
  }

  /** An empty kernel without arguments. */
  PreparedInvocation nothing() {
    return session.function(Sample.NULL.functionName()).prepare();
  }

  /** {@code bytes} in, the same out. */
  PreparedInvocation identity(long bytes) {
    return inAndOut(Sample.IDENTITY, bytes);
  }

  /** {@code bytes} in, as many out, and a kernel that touches none of them. */
  PreparedInvocation untouched(long bytes) {
    return inAndOut(Sample.UNTOUCHED, bytes);
  }

  private PreparedInvocation inAndOut(Sample sample, long bytes) {
    Tensor from = session.tensor(ElementType.U32, bytes / Integer.BYTES);
    Tensor to = session.tensor(ElementType.U32, bytes / Integer.BYTES);
    return session.function(sample.functionName()).prepare(in(from), out(to));
  }

  @Override
  public void close() {
    try {
      session.close();
    } finally {
      lease.close();
    }
  }
}
