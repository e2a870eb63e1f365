package io.farwarp.gateway;

import com.google.protobuf.ByteString;
import io.farwarp.gateway.book.BookLimits;
import io.farwarp.gateway.book.Command;
import io.farwarp.gateway.book.Event;
import io.farwarp.gateway.book.LeaseBook;
import io.farwarp.gateway.book.LeaseSpec;
import io.farwarp.gateway.store.Store;
import io.farwarp.v1.AcquireRequest;
import io.farwarp.v1.AgentMessage;
import io.farwarp.v1.FunctionVersion;
import io.farwarp.v1.GatewayMessage;
import io.farwarp.v1.Lease;
import io.farwarp.v1.LeaseEvent;
import io.farwarp.v1.LeaseToken;
import io.farwarp.v1.PreparedFunction;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One run of a gateway without threads, sockets and signatures: {@link LeaseControl} and all that
 * is below it, and the agents' streams, as they are; in place of {@link LeaseCalls} what it does to
 * them. All that comes in only waits until {@link #work}. One thread at a time.
 */
public final class SimulatedGateway {
  /** Calls of one caller to the book that may wait; one more would wait for real. */
  private static final int MAX_WAITING = 8;

  private static final Caller OPERATOR = new Caller("operator", Caller.Role.OPERATOR);

  /** What gateways of one thread may share: a key, and packages of functions that stay. */
  public record Shared(SigningKey key, FunctionRegistry registry) {
    /** With functions "f:1" to "f:{@code versions}" of each tenant, in an empty directory. */
    public static Shared in(Path directory, List<String> tenants, int versions) {
      try {
        FunctionRegistry registry =
            FunctionRegistry.open(
                directory.resolve("functions"), RegistryLimits.DEFAULT, GatewayClock.system());
        for (String tenant : tenants) {
          for (int version = 1; version <= versions; version++) {
            try (IncomingPackage incoming = registry.receive()) {
              incoming.append(
                  ByteString.copyFrom(TestPackages.of("f", "" + version, tenant + version)));
              var _ = registry.push(tenant, incoming);
            }
          }
        }
        return new Shared(SigningKey.loadOrCreate(directory.resolve("signing.key")), registry);
      } catch (IOException | GatewayException | Refusal e) {
        throw new IllegalStateException(e);
      }
    }
  }

  /** As {@link LeaseControl.Observer}. */
  public interface Observer {
    void applied(LeaseBook book, Command command, long nowNs, List<Event> events);
  }

  /** The far end of a call, whatever it is for. */
  public interface Answers {
    void failed(String why);
  }

  public interface AgentAnswers extends Answers {
    void message(GatewayMessage message);
  }

  public interface LeaseAnswers extends Answers {
    void event(LeaseEvent event);

    /** {@code token}: what the token of each worker says, but for that worker's index. */
    void active(LeaseEvent event, LeaseToken token);

    void completed();
  }

  public interface RenewAnswers extends Answers {
    void renewed(Lease lease, LeaseToken token);
  }

  public interface FunctionAnswers extends Answers {
    void prepared(PreparedFunction function);
  }

  public interface DoneAnswers extends Answers {
    void done();
  }

  /** A call that is open, as the transport sees it. */
  public interface OpenCall {
    /** The far end is gone before the call was answered. */
    void gone();

    /** The call has been answered. */
    default void closed() {}
  }

  /** An agent's stream. */
  public interface AgentCall extends OpenCall {
    void message(AgentMessage message);

    void helloIsLate();
  }

  private final Shared shared;
  private final LeaseControl control;
  private int waiting;

  /** Takes up what {@code store} has. */
  public SimulatedGateway(
      BookLimits limits,
      LongSupplier ticker,
      long startUnixMs,
      Store store,
      Shared shared,
      Observer observer) {
    this.shared = shared;
    GatewayClock clock = GatewayClock.of(ticker, startUnixMs);
    control = new LeaseControl(limits, clock, shared.key, store, shared.registry);
    control.observe(observer::applied);
    try {
      control.restore();
    } catch (IOException | GatewayException e) {
      throw new IllegalStateException("the store cannot be taken up", e);
    }
  }

  /** One turn of the book's thread; answers how long it may sleep if nothing comes, in ns. */
  public long work() {
    waiting = 0;
    return control.work();
  }

  private interface Asking {
    void run() throws Refusal;
  }

  private void ask(Answers answers, Asking call) {
    if (++waiting >= MAX_WAITING) {
      long _ = work();
    }
    try {
      call.run();
    } catch (Refusal e) {
      answers.failed(String.valueOf(e.getMessage()));
    }
  }

  public AgentCall attach(String agent, AgentAnswers answers) {
    AgentStream stream =
        new AgentStream(
            control,
            new AgentLink(
                agent,
                new Reply<GatewayMessage>(answers) {
                  @Override
                  public void onNext(GatewayMessage message) {
                    answers.message(message);
                  }
                }));
    return new AgentCall() {
      @Override
      public void message(AgentMessage message) {
        stream.onNext(message);
      }

      @Override
      public void helloIsLate() {
        stream.closeWithoutHello();
      }

      @Override
      public void gone() {
        stream.gone();
      }
    };
  }

  /** {@code leaseId}: what a new lease is called; {@code functions}: "f:1". */
  public OpenCall acquire(
      String leaseId, String tenant, AcquireRequest request, LeaseAnswers answers) {
    LeaseStream stream = LeaseStream.acquire(new LeaseReply(answers), answers::active);
    List<FunctionVersion> functions = new ArrayList<>();
    ask(
        answers,
        () -> {
          try {
            LeaseSpec spec = new LeaseSpec(request);
            for (String reference : request.getFunctionsList()) {
              functions.add(shared.registry.use(tenant, reference));
            }
            control.acquire(new Command.Request(leaseId, tenant, spec, functions), stream);
          } catch (IllegalArgumentException e) {
            throw Refusal.invalid(String.valueOf(e.getMessage()), e);
          }
        });
    return new OpenCall() {
      @Override
      public void gone() {
        control.withdraw(stream);
      }

      @Override
      public void closed() {
        control.forget(stream);
      }
    };
  }

  public OpenCall watch(String leaseId, String tenant, LeaseAnswers answers) {
    LeaseStream stream = LeaseStream.watch(new LeaseReply(answers));
    ask(answers, () -> control.watch(leaseId, tenant(tenant), stream));
    return () -> control.unwatch(leaseId, stream);
  }

  public void renew(String leaseId, String tenant, long durationNs, RenewAnswers answers) {
    ask(
        answers,
        () ->
            when(
                control.renew(leaseId, tenant(tenant), durationNs),
                answers,
                renewed -> answers.renewed(renewed.lease(), renewed.token())));
  }

  public void release(String leaseId, String tenant, DoneAnswers answers) {
    ask(
        answers,
        () ->
            when(
                control.release(leaseId, tenant(tenant), "released"),
                answers,
                _ -> answers.done()));
  }

  public OpenCall prepareFunction(
      String leaseId, String tenant, String reference, FunctionAnswers answers) {
    List<CompletableFuture<PreparedFunction>> replies = new ArrayList<>();
    ask(
        answers,
        () -> {
          FunctionVersion version = shared.registry.use(tenant, reference);
          CompletableFuture<PreparedFunction> reply =
              control.prepareFunction(leaseId, tenant(tenant), tenant, version);
          replies.add(reply);
          when(reply, answers, answers::prepared);
        });
    return () -> replies.forEach(reply -> reply.cancel(false));
  }

  public void operate(Command command, DoneAnswers answers) {
    ask(
        answers,
        () ->
            when(
                command instanceof Command.Revoke revoke
                    ? control.revoke(OPERATOR, revoke)
                    : control.operate(OPERATOR, command),
                answers,
                _ -> answers.done()));
  }

  /** Ends the calls that wait and the agents' streams, as a gateway that is told to stop. */
  public void hangUp() {
    control.refuseNew();
    control.hangUp();
  }

  private static Caller tenant(String name) {
    return new Caller(name, Caller.Role.TENANT);
  }

  private interface Then<T> {
    void accept(T answer);
  }

  private static <T> void when(CompletableFuture<T> reply, Answers answers, Then<T> then) {
    var _ =
        reply.whenComplete((answer, failure) -> {
          if (failure == null) {
            then.accept(answer);
          } else if (!reply.isCancelled()) {
            answers.failed(String.valueOf(failure.getMessage()));
          }
        });
  }

  private static final class LeaseReply extends Reply<LeaseEvent> {
    private final LeaseAnswers answers;

    LeaseReply(LeaseAnswers answers) {
      super(answers);
      this.answers = answers;
    }

    @Override
    public void onNext(LeaseEvent event) {
      answers.event(event);
    }

    @Override
    public void onCompleted() {
      answers.completed();
    }
  }

  /** The gateway's end of a call that takes whatever it is sent. */
  private abstract static class Reply<T> extends ServerCallStreamObserver<T> {
    private final Answers answers;

    Reply(Answers answers) {
      this.answers = answers;
    }

    @Override
    public void onError(Throwable cause) {
      answers.failed(
          cause instanceof StatusRuntimeException e
              ? e.getStatus().getCode() + " " + e.getStatus().getDescription()
              : cause.toString());
    }

    @Override
    public void onCompleted() {
      answers.failed("completed");
    }

    @Override
    public boolean isCancelled() {
      return false;
    }

    @Override
    public boolean isReady() {
      return true;
    }

    @Override
    public void setOnCancelHandler(@Nullable Runnable handler) {}

    @Override
    public void setCompression(String compression) {}

    @Override
    public void setOnReadyHandler(@Nullable Runnable handler) {}

    @Override
    public void disableAutoInboundFlowControl() {}

    @Override
    public void request(int count) {}

    @Override
    public void setMessageCompression(boolean enable) {}
  }
}
