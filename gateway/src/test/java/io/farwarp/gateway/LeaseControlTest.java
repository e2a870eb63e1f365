package io.farwarp.gateway;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import com.google.protobuf.ByteString;
import io.farwarp.gateway.book.BookLimits;
import io.farwarp.gateway.book.Executor;
import io.farwarp.v1.AgentHello;
import io.farwarp.v1.GatewayMessage;
import io.grpc.stub.ServerCallStreamObserver;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The lease book's thread under load, by a clock that is turned by hand. */
class LeaseControlTest {
  /** An agent's stream that takes whatever it is sent, and keeps how it was ended. */
  private static final class AnyStream extends ServerCallStreamObserver<GatewayMessage> {
    private final List<Throwable> ends = new CopyOnWriteArrayList<>();

    @Override
    public boolean isCancelled() {
      return false;
    }

    @Override
    public void setOnCancelHandler(Runnable handler) {}

    @Override
    public void setCompression(String compression) {}

    @Override
    public boolean isReady() {
      return true;
    }

    @Override
    public void setOnReadyHandler(Runnable handler) {}

    @Override
    public void disableAutoInboundFlowControl() {}

    @Override
    public void request(int count) {}

    @Override
    public void setMessageCompression(boolean enable) {}

    @Override
    public void onNext(GatewayMessage message) {}

    @Override
    public void onError(Throwable cause) {
      ends.add(cause);
    }

    @Override
    public void onCompleted() {}
  }

  private static final BookLimits LIMITS = BookLimits.of(TimeUnit.SECONDS.toNanos(1));

  private static final AgentHello HELLO =
      AgentHello.newBuilder()
          .setExecutorId("exec-1")
          .setIncarnation(ByteString.copyFrom(new byte[16]))
          .build();

  private static final Caller OPERATOR = new Caller("operator", Caller.Role.OPERATOR);
  private static final Caller TENANT = new Caller("tenant", Caller.Role.TENANT);

  @TempDir Path directory;
  private final AtomicLong nowNs = new AtomicLong();
  private final AgentLink link = new AgentLink("agent", new AnyStream());
  private final CompletableFuture<Boolean> release = new CompletableFuture<>();
  private LeaseControl control;

  @BeforeEach
  void attach() throws Exception {
    GatewayClock clock = GatewayClock.of(nowNs::get, 0);
    control =
        new LeaseControl(
            LIMITS,
            clock,
            SigningKey.loadOrCreate(directory.resolve("signing.key")),
            Gateway.openStore(directory),
            FunctionRegistry.open(directory.resolve("functions"), RegistryLimits.DEFAULT, clock));
    control.start();
    boolean _ = Await.future(control.attach(link, HELLO));
  }

  @AfterEach
  void close() throws Exception {
    release.complete(true);
    control.close();
  }

  /** Returns when the book's thread is busy; it is so until {@link #release}. */
  private void occupyThread() {
    CompletableFuture<Boolean> busy = new CompletableFuture<>();
    control.run(() -> {
      busy.complete(true);
      boolean _ = Await.future(release);
    });
    boolean _ = Await.future(busy);
  }

  private String executorState() throws Refusal {
    return Await.future(
        control.ask(
            OPERATOR,
            book -> {
              Executor executor = book.executor("exec-1");
              assertNotNull(executor);
              return executor.stateText();
            }));
  }

  @Test
  void agent_that_sends_heartbeats_while_the_book_is_busy_is_not_silent() throws Exception {
    occupyThread();
    for (int second = 0; second < 10; second++) {
      nowNs.addAndGet(TimeUnit.SECONDS.toNanos(1));
      control.heartbeat("exec-1", link);
    }
    release.complete(true);
    assertEquals("attached", executorState());
  }

  @Test
  void agent_that_sends_none_meanwhile_is_silent() throws Exception {
    occupyThread();
    nowNs.addAndGet(TimeUnit.SECONDS.toNanos(10));
    release.complete(true);
    // The turn in which the time passes ends before the next one's question is answered.
    boolean _ = Await.future(control.ask(OPERATOR, _ -> true));
    assertEquals("silent", executorState());
  }

  @Test
  void agent_that_comes_back_before_its_silence_is_noticed_keeps_its_new_stream() throws Exception {
    occupyThread();
    nowNs.addAndGet(TimeUnit.SECONDS.toNanos(10));
    AnyStream stream = new AnyStream();
    CompletableFuture<Boolean> welcomed = control.attach(new AgentLink("agent", stream), HELLO);
    release.complete(true);
    boolean _ = Await.future(welcomed);
    assertEquals("attached", executorState());
    assertEquals(List.of(), stream.ends);
  }

  @Test
  void caller_with_many_calls_waits_and_no_one_else_waits_for_them() throws Exception {
    occupyThread();
    List<String> answered = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      var _ = control.ask(TENANT, _ -> answered.add("tenant"));
    }
    CompletableFuture<Boolean> ninth = new CompletableFuture<>();
    Thread waits =
        Thread.ofPlatform()
            .daemon()
            .start(() -> {
              try {
                control.ask(TENANT, _ -> answered.add("ninth")).thenAccept(ninth::complete);
              } catch (Refusal e) {
                ninth.completeExceptionally(e);
              }
            });
    Await.answer("the ninth waits", () -> waits.getState() == Thread.State.TIMED_WAITING);
    var operators = control.ask(OPERATOR, _ -> answered.add("operator"));
    release.complete(true);
    boolean _ = Await.future(ninth);
    boolean _ = Await.future(operators);
    List<String> expected = new ArrayList<>(Collections.nCopies(8, "tenant"));
    expected.addAll(List.of("operator", "ninth"));
    assertEquals(expected, answered);
  }
}
