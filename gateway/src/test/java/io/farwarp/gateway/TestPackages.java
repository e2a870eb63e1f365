package io.farwarp.gateway;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.ByteString;
import io.farwarp.function.FunctionPackage;
import io.farwarp.function.FunctionPackageException;
import io.farwarp.v1.Direction;
import io.farwarp.v1.ElementType;
import io.farwarp.v1.FunctionManifest;
import io.farwarp.v1.FunctionServiceGrpc;
import io.farwarp.v1.FunctionVersion;
import io.farwarp.v1.Launch;
import io.farwarp.v1.Module;
import io.farwarp.v1.ModuleKind;
import io.farwarp.v1.Parameter;
import io.farwarp.v1.PushFunctionRequest;
import io.farwarp.v1.TensorShape;
import io.grpc.Channel;
import io.grpc.stub.StreamObserver;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Packages of a function whose code does not matter, and pushing them over gRPC. */
final class TestPackages {
  private TestPackages() {}

  static byte[] of(String name, String version, String code) {
    FunctionManifest manifest =
        FunctionManifest.newBuilder()
            .setName(name)
            .setVersion(version)
            .addParameters(
                Parameter.newBuilder()
                    .setName("x")
                    .setType(ElementType.F32)
                    .setTensor(
                        TensorShape.newBuilder().setDirection(Direction.INOUT).addShape("n")))
            .addModules(Module.newBuilder().setFile("code.ptx").setKind(ModuleKind.PTX))
            .addPlan(
                Launch.newBuilder()
                    .setKernel("k")
                    .addGrid("ceildiv(n, 256)")
                    .addBlock("256")
                    .addArguments("x"))
            .putExample("n", "16")
            .build();
    try {
      return FunctionPackage.build(manifest, Map.of("code.ptx", code.getBytes(UTF_8))).bytes();
    } catch (FunctionPackageException e) {
      throw new IllegalArgumentException(e);
    }
  }

  /** Throws what the gateway answered. */
  static FunctionVersion push(Channel channel, byte[] bytes) {
    CompletableFuture<FunctionVersion> answer = new CompletableFuture<>();
    StreamObserver<PushFunctionRequest> out =
        FunctionServiceGrpc.newStub(channel)
            .push(
                new StreamObserver<>() {
                  @Override
                  public void onNext(FunctionVersion version) {
                    answer.complete(version);
                  }

                  @Override
                  public void onError(Throwable cause) {
                    answer.completeExceptionally(cause);
                  }

                  @Override
                  public void onCompleted() {}
                });
    for (int at = 0; at < bytes.length && !answer.isDone(); at += 1 << 20) {
      int length = Math.min(1 << 20, bytes.length - at);
      out.onNext(
          PushFunctionRequest.newBuilder()
              .setChunk(ByteString.copyFrom(bytes, at, length))
              .build());
    }
    if (!answer.isDone()) {
      out.onCompleted();
    }
    try {
      return answer.get(60, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException refused) {
        throw refused;
      }
      throw new AssertionError(e);
    } catch (InterruptedException | TimeoutException e) {
      throw new AssertionError(e);
    }
  }
}
