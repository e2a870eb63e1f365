package io.farwarp.gateway;

import com.google.protobuf.UnsafeByteOperations;
import io.farwarp.v1.FunctionChunk;
import io.farwarp.wire.Status;
import io.grpc.stub.ServerCallStreamObserver;
import java.io.IOException;
import java.io.InputStream;
import java.lang.System.Logger.Level;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A Fetch call: one package on its way out, as fast as its reader takes it. gRPC calls it from one
 * thread at a time; the watch for stalled readers from another one.
 */
final class FetchCall {
  private static final System.Logger LOG = System.getLogger(FetchCall.class.getName());
  private static final int CHUNK_BYTES = 256 << 10;

  private final ServerCallStreamObserver<FunctionChunk> call;
  private final CallerLimit fetches;
  private final String caller;
  private @Nullable InputStream content;
  private @Nullable IdleWatch watch;

  private FetchCall(
      ServerCallStreamObserver<FunctionChunk> call,
      CallerLimit fetches,
      String caller,
      InputStream content) {
    this.call = call;
    this.fetches = fetches;
    this.caller = caller;
    this.content = content;
  }

  /** Sends {@code content} and closes it; refuses, and closes it, if the caller has too many. */
  static void start(
      ServerCallStreamObserver<FunctionChunk> call,
      InputStream content,
      CallerLimit fetches,
      long idleNs,
      String caller)
      throws Refusal {
    if (!fetches.enter(caller)) {
      close(content);
      throw Refusal.of(
          Status.RESOURCE_EXHAUSTED,
          "\"%s\" is fetching %d packages, which is the limit: try again"
              .formatted(caller, fetches.most()));
    }
    FetchCall fetch = new FetchCall(call, fetches, caller, content);
    fetch.watch(idleNs);
    call.setOnCancelHandler(fetch::leave);
    call.setOnReadyHandler(fetch::send);
    fetch.send();
  }

  private synchronized void watch(long idleNs) {
    watch = IdleWatch.start(idleNs, () -> stalled(idleNs));
  }

  private synchronized void stalled(long idleNs) {
    if (content != null) {
      leave();
      call.onError(
          Refusal.of(
                  Status.DEADLINE_EXCEEDED,
                  "nothing of the package was read for %d ms, or it took too long as a whole"
                      .formatted(TimeUnit.NANOSECONDS.toMillis(idleNs)))
              .toGrpc());
    }
  }

  private synchronized void send() {
    try {
      InputStream in = content;
      while (in != null && call.isReady()) {
        byte[] chunk = in.readNBytes(CHUNK_BYTES);
        if (chunk.length == 0) {
          leave();
          call.onCompleted();
          return;
        }
        call.onNext(
            FunctionChunk.newBuilder().setChunk(UnsafeByteOperations.unsafeWrap(chunk)).build());
        if (watch != null) {
          watch.progress();
        }
      }
    } catch (IOException | RuntimeException e) {
      leave();
      call.onError(Replies.toGrpc(e));
    }
  }

  /** Gives back what the call holds. */
  private synchronized void leave() {
    InputStream in = content;
    if (in != null) {
      content = null;
      close(in);
      fetches.leave(caller);
    }
    if (watch != null) {
      watch.stop();
    }
  }

  private static void close(InputStream in) {
    try {
      in.close();
    } catch (IOException e) {
      LOG.log(Level.WARNING, "closing a package that was read", e);
    }
  }
}
