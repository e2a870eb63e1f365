package io.farwarp.gateway;

import com.google.protobuf.ByteString;
import io.farwarp.v1.FunctionVersion;
import io.farwarp.v1.PushFunctionRequest;
import io.farwarp.wire.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A Push call: one package on its way in. The next chunk is asked for when the last one is on disk.
 * gRPC calls it from one thread at a time; the watch for stalled senders from another one.
 */
final class PushCall implements StreamObserver<PushFunctionRequest> {
  private static final int MAX_CHUNK_BYTES = 1 << 20;

  private final FunctionRegistry registry;
  private final CallerLimit pushes;
  private final String tenant;
  private final StreamObserver<FunctionVersion> call;
  private @Nullable IncomingPackage arriving;
  private @Nullable IdleWatch watch;
  private boolean entered;
  private boolean over;

  private PushCall(
      FunctionRegistry registry,
      CallerLimit pushes,
      String tenant,
      StreamObserver<FunctionVersion> call) {
    this.registry = registry;
    this.pushes = pushes;
    this.tenant = tenant;
    this.call = call;
  }

  static PushCall start(
      FunctionRegistry registry,
      CallerLimit pushes,
      long idleNs,
      String tenant,
      ServerCallStreamObserver<FunctionVersion> call) {
    PushCall push = new PushCall(registry, pushes, tenant, call);
    call.setOnCancelHandler(push::leave);
    push.enter(idleNs);
    return push;
  }

  private synchronized void enter(long idleNs) {
    try {
      entered = pushes.enter(tenant);
      if (!entered) {
        throw Refusal.of(
            Status.RESOURCE_EXHAUSTED,
            "tenant %s is pushing %d packages, which is the limit: try again"
                .formatted(tenant, pushes.most()));
      }
      arriving = registry.receive();
      watch = IdleWatch.start(idleNs, () -> stalled(idleNs));
    } catch (Refusal e) {
      fail(e);
    }
  }

  private synchronized void stalled(long idleNs) {
    if (!over) {
      fail(
          Refusal.of(
              Status.DEADLINE_EXCEEDED,
              "no chunk of the package came for %d ms, or it took too long as a whole: push again"
                  .formatted(TimeUnit.NANOSECONDS.toMillis(idleNs))));
    }
  }

  @Override
  public synchronized void onNext(PushFunctionRequest request) {
    IncomingPackage file = arriving;
    IdleWatch idle = watch;
    if (over || file == null || idle == null) {
      return;
    }
    ByteString chunk = request.getChunk();
    try {
      if (chunk.size() > MAX_CHUNK_BYTES) {
        throw Refusal.invalid(
            "a chunk of %d bytes; the limit is %d".formatted(chunk.size(), MAX_CHUNK_BYTES));
      }
      file.append(chunk);
      if (!chunk.isEmpty()) {
        idle.progress();
      }
    } catch (IOException e) {
      fail(FunctionRegistry.unwritable(e));
    } catch (Refusal e) {
      fail(e);
    }
  }

  @Override
  public void onCompleted() {
    IncomingPackage file = whole();
    if (file == null) {
      return;
    }
    try {
      FunctionVersion version = registry.push(tenant, file);
      leave();
      call.onNext(version);
      call.onCompleted();
    } catch (Refusal | RuntimeException e) {
      fail(e);
    }
  }

  /** From here on nothing is waited for of the sender. */
  private synchronized @Nullable IncomingPackage whole() {
    if (over) {
      return null;
    }
    over = true;
    if (watch != null) {
      watch.stop();
    }
    return arriving;
  }

  @Override
  public void onError(Throwable cause) {
    leave();
  }

  private synchronized void fail(Exception why) {
    leave();
    call.onError(Replies.toGrpc(why));
  }

  /** Gives back what the call holds. */
  private synchronized void leave() {
    over = true;
    if (watch != null) {
      watch.stop();
    }
    if (arriving != null) {
      arriving.close();
      arriving = null;
    }
    if (entered) {
      entered = false;
      pushes.leave(tenant);
    }
  }
}
