package io.farwarp.gateway;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.farwarp.function.FunctionPackage;
import io.farwarp.gateway.book.Executor;
import io.farwarp.gateway.book.Lease;
import io.farwarp.gateway.book.LeaseBook;
import io.farwarp.gateway.book.Slice;
import io.farwarp.v1.DeleteFunctionRequest;
import io.farwarp.v1.DeleteFunctionResponse;
import io.farwarp.v1.FetchFunctionRequest;
import io.farwarp.v1.FunctionChunk;
import io.farwarp.v1.FunctionServiceGrpc;
import io.farwarp.v1.FunctionVersion;
import io.farwarp.v1.ListFunctionsRequest;
import io.farwarp.v1.ListFunctionsResponse;
import io.farwarp.v1.PushFunctionRequest;
import io.farwarp.v1.ResolveFunctionRequest;
import io.farwarp.wire.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/** FunctionService over the registry. */
final class FunctionCalls extends FunctionServiceGrpc.FunctionServiceImplBase {
  private static final int MAX_CHUNK_BYTES = 1 << 20;
  private static final int FETCH_CHUNK_BYTES = 256 << 10;

  /** Pushes at a time, each of which may hold a whole package in memory twice. */
  private static final int MAX_PUSHES = 4;

  private final FunctionRegistry registry;
  private final LeaseControl control;
  private final Semaphore pushes = new Semaphore(MAX_PUSHES);

  FunctionCalls(FunctionRegistry registry, LeaseControl control) {
    this.registry = registry;
    this.control = control;
  }

  @Override
  public StreamObserver<PushFunctionRequest> push(StreamObserver<FunctionVersion> call) {
    return new Push(Caller.current().name(), (ServerCallStreamObserver<FunctionVersion>) call);
  }

  /** One package on its way in. */
  private final class Push implements StreamObserver<PushFunctionRequest> {
    private final String tenant;
    private final StreamObserver<FunctionVersion> call;
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private boolean admitted;
    private boolean over;

    Push(String tenant, ServerCallStreamObserver<FunctionVersion> call) {
      this.tenant = tenant;
      this.call = call;
      admitted = pushes.tryAcquire();
      call.setOnCancelHandler(this::leave);
      if (!admitted) {
        fail(
            Refusal.of(
                Status.RESOURCE_EXHAUSTED,
                MAX_PUSHES + " packages are being pushed, which is the limit: try again"));
      }
    }

    @Override
    public void onNext(PushFunctionRequest request) {
      if (over) {
        return;
      }
      ByteString chunk = request.getChunk();
      if (chunk.size() > MAX_CHUNK_BYTES) {
        fail(
            Refusal.invalid(
                "a chunk of %d bytes; the limit is %d".formatted(chunk.size(), MAX_CHUNK_BYTES)));
      } else if (bytes.size() + (long) chunk.size() > FunctionPackage.MAX_BYTES) {
        fail(
            Refusal.of(
                Status.RESOURCE_EXHAUSTED,
                "the package is larger than %d bytes, the limit"
                    .formatted(FunctionPackage.MAX_BYTES)));
      } else {
        bytes.writeBytes(chunk.toByteArray());
      }
    }

    @Override
    public void onCompleted() {
      if (over) {
        return;
      }
      try {
        FunctionVersion version = registry.push(tenant, bytes.toByteArray());
        over = true;
        leave();
        call.onNext(version);
        call.onCompleted();
      } catch (Refusal | RuntimeException e) {
        fail(e);
      }
    }

    @Override
    public void onError(Throwable cause) {
      over = true;
      leave();
    }

    private void fail(Exception why) {
      over = true;
      leave();
      call.onError(Replies.toGrpc(why));
    }

    private void leave() {
      if (admitted) {
        admitted = false;
        bytes.reset();
        pushes.release();
      }
    }
  }

  @Override
  public void resolve(ResolveFunctionRequest request, StreamObserver<FunctionVersion> call) {
    try {
      call.onNext(
          registry.resolve(Caller.current().name(), request.getName(), request.getVersion()));
      call.onCompleted();
    } catch (Refusal | RuntimeException e) {
      call.onError(Replies.toGrpc(e));
    }
  }

  @Override
  public void list(ListFunctionsRequest request, StreamObserver<ListFunctionsResponse> call) {
    call.onNext(
        ListFunctionsResponse.newBuilder()
            .addAllFunctions(registry.list(Caller.current().name()))
            .build());
    call.onCompleted();
  }

  @Override
  public void delete(DeleteFunctionRequest request, StreamObserver<DeleteFunctionResponse> call) {
    try {
      registry.delete(Caller.current().name(), request.getName(), request.getVersion());
      call.onNext(DeleteFunctionResponse.getDefaultInstance());
      call.onCompleted();
    } catch (Refusal | RuntimeException e) {
      call.onError(Replies.toGrpc(e));
    }
  }

  @Override
  public void fetch(FetchFunctionRequest request, StreamObserver<FunctionChunk> observer) {
    ServerCallStreamObserver<FunctionChunk> call =
        (ServerCallStreamObserver<FunctionChunk>) observer;
    try {
      Caller caller = Caller.current();
      String tenant =
          caller.role() == Caller.Role.AGENT
              ? Replies.await(control.ask(book -> tenantOf(book, caller, request)))
              : caller.name();
      Path file = registry.file(tenant, request.getDigest());
      Fetch fetch = new Fetch(call, Files.newInputStream(file));
      call.setOnCancelHandler(fetch::close);
      call.setOnReadyHandler(fetch::send);
      fetch.send();
    } catch (IOException e) {
      call.onError(
          new Refusal(
                  io.grpc.Status.Code.INTERNAL,
                  Status.INTERNAL,
                  "the gateway cannot read the package: " + e,
                  e)
              .toGrpc());
    } catch (Refusal | RuntimeException e) {
      call.onError(Replies.toGrpc(e));
    }
  }

  /** The tenant of the lease for which an agent may fetch. */
  private static String tenantOf(LeaseBook book, Caller agent, FetchFunctionRequest request)
      throws Refusal {
    Lease lease = book.lease(request.getLeaseId());
    Slice slice = lease == null ? null : lease.slice();
    Executor executor = slice == null ? null : book.executor(slice.executorId());
    if (lease == null
        || executor == null
        || !lease.held()
        || lease.ended()
        || !executor.agent().equals(agent.name())
        || lease.function(request.getDigest()) == null) {
      throw Refusal.denied(
          "agent \"%s\" holds no lease \"%s\" that needs this package"
              .formatted(agent.name(), AgentChecks.reason(request.getLeaseId())));
    }
    return lease.tenant();
  }

  /** One package on its way out, as fast as its reader takes it. */
  private static final class Fetch {
    private final ServerCallStreamObserver<FunctionChunk> call;
    private @Nullable InputStream file;

    Fetch(ServerCallStreamObserver<FunctionChunk> call, InputStream file) {
      this.call = call;
      this.file = file;
    }

    void send() {
      try {
        InputStream in = file;
        while (in != null && call.isReady()) {
          byte[] chunk = in.readNBytes(FETCH_CHUNK_BYTES);
          if (chunk.length == 0) {
            close();
            call.onCompleted();
            return;
          }
          call.onNext(
              FunctionChunk.newBuilder().setChunk(UnsafeByteOperations.unsafeWrap(chunk)).build());
        }
      } catch (IOException | RuntimeException e) {
        close();
        call.onError(Replies.toGrpc(e));
      }
    }

    void close() {
      InputStream in = file;
      file = null;
      if (in != null) {
        try {
          in.close();
        } catch (IOException e) {
          throw new java.io.UncheckedIOException(e);
        }
      }
    }
  }
}
