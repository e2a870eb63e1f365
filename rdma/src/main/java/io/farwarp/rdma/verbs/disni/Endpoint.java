package io.farwarp.rdma.verbs.disni;

import com.ibm.disni.verbs.IbvContext;
import com.ibm.disni.verbs.IbvMr;
import com.ibm.disni.verbs.IbvPd;
import com.ibm.disni.verbs.IbvQP;
import com.ibm.disni.verbs.IbvQPInitAttr;
import com.ibm.disni.verbs.impl.NatIbvQP;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * What one connection has of a device: a protection domain of its own, so that its keys name
 * nothing of any other's, a completion queue, a queue pair, and the regions that were registered.
 * Owns them and the id.
 */
final class Endpoint implements AutoCloseable {
  /** Work requests that the device holds for this side at most. */
  static final int SEND_DEPTH = 512;

  /**
   * What a message may have inline at most, and what is tried where a device does not take that.
   */
  private static final int[] INLINE_BYTES = {1024, 512, 256, 128, 64, 0};

  static final int REMOTE_WRITE = IbvMr.IBV_ACCESS_LOCAL_WRITE | IbvMr.IBV_ACCESS_REMOTE_WRITE;
  static final int LOCAL_WRITE = IbvMr.IBV_ACCESS_LOCAL_WRITE;
  static final int SOURCE_ONLY = 0;

  private final CmId id;
  private final NativeVerbs.DeviceLimits limits;
  private final IbvPd domain;
  private final Completions completions;
  private final IbvQP queuePair;
  private final int inlineBytes;
  private final List<VerbsRegion> regions = new ArrayList<>();
  private boolean closed;

  private Endpoint(
      CmId id,
      NativeVerbs.DeviceLimits limits,
      IbvPd domain,
      Completions completions,
      IbvQP queuePair)
      throws IOException {
    this.id = id;
    this.limits = limits;
    this.domain = domain;
    this.completions = completions;
    this.queuePair = queuePair;
    this.inlineBytes = NativeVerbs.inlineBytes(((NatIbvQP) queuePair).getObjId());
  }

  /** For an id that is bound to a device, and that it owns unless it throws. */
  static Endpoint create(CmId id) throws IOException {
    NativeVerbs.DeviceLimits limits = NativeVerbs.deviceLimits(id.address());
    int entries = SEND_DEPTH + Receives.DEPTH;
    if (limits.maxWorkRequests() < SEND_DEPTH || limits.maxCompletions() < entries) {
      throw new IOException(
          "the device %s has queues of %d work requests and %d completions; %d and %d are needed"
              .formatted(
                  limits.device(),
                  limits.maxWorkRequests(),
                  limits.maxCompletions(),
                  SEND_DEPTH,
                  entries));
    }
    IbvContext device = id.device();
    try (Cleanup cleanup = new Cleanup()) {
      IbvPd domain = device.allocPd();
      cleanup.add(domain::deallocPd);
      Completions completions = cleanup.closing(Completions.create(device, entries));
      IbvQP queuePair = createQueuePair(id, domain, completions);
      cleanup.add(id.id()::destroyQP);
      Endpoint created = new Endpoint(id, limits, domain, completions, queuePair);
      cleanup.keep();
      return created;
    }
  }

  private static IbvQP createQueuePair(CmId id, IbvPd domain, Completions completions)
      throws IOException {
    IOException failure = null;
    for (int inline : INLINE_BYTES) {
      IbvQPInitAttr wanted = new IbvQPInitAttr();
      wanted.setQp_type(IbvQP.IBV_QPT_RC);
      wanted.setSend_cq(completions.queue());
      wanted.setRecv_cq(completions.queue());
      wanted.cap().setMax_send_wr(SEND_DEPTH);
      wanted.cap().setMax_recv_wr(Receives.DEPTH);
      wanted.cap().setMax_inline_data(inline);
      try {
        return id.id().createQP(domain, wanted);
      } catch (IOException e) {
        if (failure != null) {
          e.addSuppressed(failure);
        }
        failure = e;
      }
    }
    throw new IOException("the device takes no queue pair", failure);
  }

  CmId id() {
    return id;
  }

  NativeVerbs.DeviceLimits limits() {
    return limits;
  }

  Completions completions() {
    return completions;
  }

  IbvQP queuePair() {
    return queuePair;
  }

  int inlineBytes() {
    return inlineBytes;
  }

  /**
   * @param access {@link #REMOTE_WRITE}, {@link #LOCAL_WRITE} or {@link #SOURCE_ONLY}
   */
  VerbsRegion register(MemorySegment memory, int access) throws IOException {
    VerbsRegion region = VerbsRegion.register(this, domain, memory, access);
    regions.add(region);
    return region;
  }

  void forget(VerbsRegion region) {
    regions.remove(region);
  }

  /**
   * After all who wait on it; idempotent. The queue pair goes first, so that nothing arrives any
   * more.
   */
  @Override
  public void close() throws IOException {
    if (closed) {
      return;
    }
    closed = true;
    try (Cleanup cleanup = new Cleanup()) {
      cleanup.closing(id);
      cleanup.add(domain::deallocPd);
      cleanup.closing(completions);
      for (VerbsRegion region : List.copyOf(regions)) {
        cleanup.closing(region);
      }
      cleanup.add(id.id()::destroyQP);
    }
  }
}
