package io.farwarp.client;

import com.google.protobuf.ByteString;
import io.farwarp.function.FunctionPackage;
import io.farwarp.function.FunctionPackageException;
import io.farwarp.v1.DeleteFunctionRequest;
import io.farwarp.v1.FetchFunctionRequest;
import io.farwarp.v1.FunctionChunk;
import io.farwarp.v1.FunctionServiceGrpc;
import io.farwarp.v1.FunctionVersion;
import io.farwarp.v1.ListFunctionsRequest;
import io.farwarp.v1.PushFunctionRequest;
import io.farwarp.v1.ResolveFunctionRequest;
import io.farwarp.wire.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** The gateway's function packages, as this credential sees them. Any thread. */
public final class FunctionRegistry {
  private static final int CHUNK_BYTES = 1 << 20;

  private final GatewayChannel gateway;
  private final ConnectOptions options;

  FunctionRegistry(GatewayChannel gateway, ConnectOptions options) {
    this.gateway = gateway;
    this.options = options;
  }

  /**
   * Stores a package under its manifest's name and version. The same bytes again are no error;
   * other bytes under a taken name are.
   */
  public FunctionVersion push(FunctionPackage functionPackage) {
    String what =
        "push of %s:%s"
            .formatted(
                functionPackage.manifest().getName(), functionPackage.manifest().getVersion());
    CompletableFuture<FunctionVersion> answer = new CompletableFuture<>();
    StreamObserver<PushFunctionRequest> chunks =
        FunctionServiceGrpc.newStub(gateway.channel())
            .withDeadlineAfter(options.requestTimeout().toNanos(), TimeUnit.NANOSECONDS)
            .push(new SingleAnswer<>(answer));
    ByteString bytes = ByteString.copyFrom(functionPackage.bytes());
    for (int from = 0; from < bytes.size() && !answer.isDone(); from += CHUNK_BYTES) {
      ByteString chunk = bytes.substring(from, Math.min(bytes.size(), from + CHUNK_BYTES));
      chunks.onNext(PushFunctionRequest.newBuilder().setChunk(chunk).build());
    }
    if (!answer.isDone()) {
      chunks.onCompleted();
    }
    try {
      return answer.get(options.requestTimeout().toNanos(), TimeUnit.NANOSECONDS);
    } catch (ExecutionException e) {
      throw gateway.error(what, e.getCause() == null ? e : e.getCause());
    } catch (TimeoutException e) {
      throw new GatewayException(Status.DEADLINE_EXCEEDED, what + ": no answer in time", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new GatewayException(Status.CANCELLED, what + ": interrupted", e);
    }
  }

  /** What {@code "name:version"} points at; {@code "name"} is the version pushed last. */
  public FunctionVersion resolve(String name) {
    int colon = name.indexOf(':');
    ResolveFunctionRequest request =
        ResolveFunctionRequest.newBuilder()
            .setName(colon < 0 ? name : name.substring(0, colon))
            .setVersion(colon < 0 ? "" : name.substring(colon + 1))
            .build();
    try {
      return stub().resolve(request);
    } catch (StatusRuntimeException e) {
      throw gateway.error("function " + name, e);
    }
  }

  /** The package itself, checked against its digest. */
  public FunctionPackage fetch(FunctionVersion version) {
    String what = "package of %s:%s".formatted(version.getName(), version.getVersion());
    try {
      Iterator<FunctionChunk> chunks =
          stub().fetch(FetchFunctionRequest.newBuilder().setDigest(version.getDigest()).build());
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      while (chunks.hasNext()) {
        ByteString chunk = chunks.next().getChunk();
        if (bytes.size() + (long) chunk.size() > FunctionPackage.MAX_BYTES) {
          throw new GatewayException(
              Status.PROTOCOL_ERROR,
              "%s: more than %d bytes".formatted(what, FunctionPackage.MAX_BYTES));
        }
        bytes.writeBytes(chunk.toByteArray());
      }
      FunctionPackage fetched = FunctionPackage.read(bytes.toByteArray());
      if (!Arrays.equals(fetched.digest(), version.getDigest().toByteArray())) {
        throw new GatewayException(
            Status.PROTOCOL_ERROR,
            "%s: the bytes do not have the digest %s"
                .formatted(what, HexFormat.of().formatHex(version.getDigest().toByteArray())));
      }
      return fetched;
    } catch (StatusRuntimeException e) {
      throw gateway.error(what, e);
    } catch (FunctionPackageException e) {
      throw new GatewayException(Status.PROTOCOL_ERROR, what + ": " + e.getMessage(), e);
    }
  }

  /** What there is, without manifests: {@link #resolve} answers one with its own. */
  public List<FunctionVersion> list() {
    try {
      return stub().list(ListFunctionsRequest.getDefaultInstance()).getFunctionsList();
    } catch (StatusRuntimeException e) {
      throw gateway.error("list of functions", e);
    }
  }

  /** Takes {@code name:version} out of the registry; leases that hold it keep it. */
  public void delete(String name, String version) {
    try {
      var _ =
          stub()
              .delete(DeleteFunctionRequest.newBuilder().setName(name).setVersion(version).build());
    } catch (StatusRuntimeException e) {
      throw gateway.error("deleting function " + name + ":" + version, e);
    }
  }

  private FunctionServiceGrpc.FunctionServiceBlockingStub stub() {
    return FunctionServiceGrpc.newBlockingStub(gateway.channel())
        .withDeadlineAfter(options.requestTimeout().toNanos(), TimeUnit.NANOSECONDS);
  }

  /** Turns the one answer of a call into a future. */
  private record SingleAnswer<T>(CompletableFuture<T> future) implements StreamObserver<T> {
    @Override
    public void onNext(T value) {
      future.complete(value);
    }

    @Override
    public void onError(Throwable error) {
      future.completeExceptionally(error);
    }

    @Override
    public void onCompleted() {
      future.completeExceptionally(
          io.grpc.Status.INTERNAL
              .withDescription("the gateway gave no answer")
              .asRuntimeException());
    }
  }
}
