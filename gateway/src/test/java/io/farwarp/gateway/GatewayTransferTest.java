package io.farwarp.gateway;

import static io.farwarp.gateway.GatewayFixture.refused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.farwarp.v1.FetchFunctionRequest;
import io.farwarp.v1.FunctionChunk;
import io.farwarp.v1.FunctionServiceGrpc;
import io.farwarp.v1.FunctionVersion;
import io.farwarp.v1.PushFunctionRequest;
import io.grpc.Channel;
import io.grpc.Status;
import io.grpc.Status.Code;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.grpc.stub.StreamObserver;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Senders and readers of packages that stall: they cost themselves, and no one else. */
class GatewayTransferTest {
  private static final byte[] PACKAGE = TestPackages.of("scale", "1", "// first");

  @TempDir Path directory;
  private GatewayFixture gateway;

  @AfterEach
  void stop() {
    gateway.close();
  }

  private void start(long idleMs) throws GatewayException {
    RegistryLimits limits =
        new RegistryLimits(100, 1L << 30, 2, TimeUnit.MILLISECONDS.toNanos(idleMs));
    gateway =
        new GatewayFixture(directory.resolve("data"), config -> config.withRegistryLimits(limits));
  }

  /** A push that sends one byte and then nothing; completes with the code it ends with. */
  private static CompletableFuture<Code> stall(Channel channel) {
    CompletableFuture<Code> end = new CompletableFuture<>();
    StreamObserver<PushFunctionRequest> out =
        FunctionServiceGrpc.newStub(channel)
            .push(
                new StreamObserver<FunctionVersion>() {
                  @Override
                  public void onNext(FunctionVersion version) {}

                  @Override
                  public void onError(Throwable cause) {
                    end.complete(Status.fromThrowable(cause).getCode());
                  }

                  @Override
                  public void onCompleted() {
                    end.complete(Code.OK);
                  }
                });
    out.onNext(PushFunctionRequest.newBuilder().setChunk(ByteString.copyFromUtf8("P")).build());
    return end;
  }

  private List<Path> blobs() throws Exception {
    try (Stream<Path> files = Files.list(directory.resolve("data/functions/blobs"))) {
      return files.toList();
    }
  }

  @Test
  void stalled_pushes_block_their_own_tenant_only() throws Exception {
    start(30_000);
    String token = TestCredentials.add(gateway.directory, "other", "tenant");
    gateway.restart();
    List<CompletableFuture<Code>> stalled = new ArrayList<>();
    // The third is refused, by when the first two are in.
    for (int i = 0; i < 3; i++) {
      stalled.add(stall(gateway.as("tenant")));
    }
    assertEquals(
        Code.RESOURCE_EXHAUSTED,
        Await.future(CompletableFuture.anyOf(stalled.toArray(CompletableFuture<?>[]::new))));
    TestPackages.push(gateway.withToken(token), PACKAGE);
    String why =
        refused(Code.RESOURCE_EXHAUSTED, () -> TestPackages.push(gateway.as("tenant"), PACKAGE));
    assertTrue(why.contains("is pushing 2 packages, which is the limit"), why);
    assertEquals(2, stalled.stream().filter(push -> !push.isDone()).count());
  }

  @Test
  void push_that_stalls_is_ended_and_leaves_nothing() throws Exception {
    start(2_000);
    assertEquals(Code.DEADLINE_EXCEEDED, Await.future(stall(gateway.as("tenant"))));
    assertEquals(List.of(), blobs());
    TestPackages.push(gateway.as("tenant"), PACKAGE);
  }

  /** A Fetch whose reader asks for one chunk and no more. */
  private static final class SlowReader
      implements ClientResponseObserver<FetchFunctionRequest, FunctionChunk> {
    final CompletableFuture<Integer> first = new CompletableFuture<>();
    final CompletableFuture<Code> end = new CompletableFuture<>();
    private final CompletableFuture<ClientCallStreamObserver<FetchFunctionRequest>> started =
        new CompletableFuture<>();

    @Override
    public void beforeStart(ClientCallStreamObserver<FetchFunctionRequest> call) {
      call.disableAutoRequestWithInitial(1);
      started.complete(call);
    }

    CompletableFuture<Code> readAll() {
      Await.future(started).request(1000);
      return end;
    }

    @Override
    public void onNext(FunctionChunk chunk) {
      first.complete(chunk.getChunk().size());
    }

    @Override
    public void onError(Throwable cause) {
      Code code = Status.fromThrowable(cause).getCode();
      end.complete(code);
      first.completeExceptionally(cause);
    }

    @Override
    public void onCompleted() {
      end.complete(Code.OK);
    }
  }

  private SlowReader read(FunctionVersion version) {
    SlowReader reader = new SlowReader();
    FunctionServiceGrpc.newStub(gateway.as("tenant"))
        .fetch(FetchFunctionRequest.newBuilder().setDigest(version.getDigest()).build(), reader);
    return reader;
  }

  /** More than a connection's buffers take. */
  private FunctionVersion pushLarge() {
    String code = "// %s\n".formatted("x".repeat(8 << 20));
    return TestPackages.push(gateway.as("tenant"), TestPackages.of("large", "1", code));
  }

  @Test
  void slow_readers_are_limited_in_number() throws Exception {
    start(30_000);
    FunctionVersion large = pushLarge();
    SlowReader first = read(large);
    SlowReader second = read(large);
    assertTrue(Await.future(first.first) > 0);
    assertTrue(Await.future(second.first) > 0);
    assertEquals(Code.RESOURCE_EXHAUSTED, Await.future(read(large).end));
    assertFalse(first.end.isDone());
  }

  @Test
  void reader_that_stalls_is_ended() throws Exception {
    start(2_000);
    FunctionVersion large = pushLarge();
    SlowReader first = read(large);
    SlowReader second = read(large);
    assertTrue(Await.future(first.first) > 0);
    assertTrue(Await.future(second.first) > 0);
    // Their places are free again when the gateway has ended them.
    Await.answer("a third reader gets all", () -> Await.future(read(large).readAll()) == Code.OK);
    // The end comes after what is on its way already.
    assertEquals(Code.DEADLINE_EXCEEDED, Await.future(first.readAll()));
    assertEquals(Code.DEADLINE_EXCEEDED, Await.future(second.readAll()));
  }
}
