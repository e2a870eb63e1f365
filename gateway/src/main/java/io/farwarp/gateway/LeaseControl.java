package io.farwarp.gateway;

import io.farwarp.gateway.book.BookLimits;
import io.farwarp.gateway.book.Command;
import io.farwarp.gateway.book.Event;
import io.farwarp.gateway.book.Lease;
import io.farwarp.gateway.book.LeaseBook;
import io.farwarp.gateway.store.Store;
import io.farwarp.v1.AgentHello;
import io.farwarp.v1.FunctionVersion;
import io.farwarp.v1.LeaseState;
import io.farwarp.v1.PreparedFunction;
import io.farwarp.v1.StoredFunction;
import io.farwarp.v1.StoredLease;
import io.farwarp.wire.Status;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The agent that owns the {@link LeaseBook}: on one thread it applies commands, has the store keep
 * what changed, and only then lets the answers and messages out. Commands that wait together share
 * one write of the store.
 */
final class LeaseControl implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(LeaseControl.class.getName());

  /** So that a caller's load is no one else's delay. */
  private static final int MAX_TASKS_PER_CALLER = 8;

  private final LeaseBook book;
  private final GatewayClock clock;
  private final StoreKeeper keeper;
  private final ControlWires wires;
  private final LeaseMessages messages;
  private final BookLimits limits;
  private final SigningKey key;
  private final FunctionUses uses;
  private final BookThread thread;
  private final Heartbeats heartbeats = new Heartbeats();
  private final CallerTurns turns = new CallerTurns(MAX_TASKS_PER_CALLER, "calls to the book");

  /** Who waits until nothing is being prepared. On the thread only. */
  private final List<CompletableFuture<Boolean>> awaitSettled = new ArrayList<>();

  private volatile boolean draining;
  private volatile @Nullable String storeError;
  private volatile Consumer<Boolean> storeListener = _ -> {};
  private volatile Observer observer = (_, _, _, _) -> {};

  LeaseControl(
      BookLimits limits,
      GatewayClock clock,
      SigningKey key,
      Store store,
      FunctionRegistry registry) {
    this.limits = limits;
    this.clock = clock;
    this.key = key;
    this.book = new LeaseBook(limits);
    this.messages = new LeaseMessages(clock, key);
    this.keeper = new StoreKeeper(book, messages, store);
    this.wires = new ControlWires(book, messages);
    this.uses = new FunctionUses(book, registry);
    this.thread = new BookThread("farwarp-lease-book", new Turn());
  }

  /** Takes up what the store has, then starts the thread. */
  void start() throws IOException, GatewayException {
    restore();
    thread.start();
  }

  /** Takes up what the store has; without a thread, {@link #work} does what it would do. */
  void restore() throws IOException, GatewayException {
    for (Command command : keeper.decisions()) {
      apply(command, clock.nowNs());
    }
    for (StoredLease stored : keeper.leases()) {
      apply(messages.restore(stored), clock.nowNs());
      for (StoredFunction function : stored.getFunctionsList()) {
        uses.restore(stored.getTenant(), stored.getLeaseId(), function.getFunction().getVersion());
      }
    }
    if (!book.leases().isEmpty()) {
      LOG.log(Level.INFO, "{0} leases taken up from the store", book.leases().size());
    }
  }

  /** As {@link BookThread#work}. */
  long work() {
    return thread.work();
  }

  /** {@code observer} hears of each command and of what follows, on the book's thread. */
  void observe(Observer observer) {
    this.observer = observer;
  }

  /** Sees what the book does before anyone else is told of it. */
  interface Observer {
    void applied(LeaseBook book, Command command, long nowNs, List<Event> events);
  }

  LeaseMessages messages() {
    return messages;
  }

  /** {@code listener} hears whether the store can be written, when that changes. */
  void onStoreChange(Consumer<Boolean> listener) {
    storeListener = listener;
  }

  /** From now on {@link #acquire} refuses. */
  void refuseNew() {
    draining = true;
  }

  // What the services ask for; any thread.

  /**
   * Puts a request in the book; {@code listener} follows it, and owns it until another call does.
   * The request's functions are in use; unless this throws, it sees to it that they are let go.
   */
  void acquire(Command.Request request, LeaseListener listener) throws Refusal {
    if (draining) {
      throw Refusal.unavailable("the gateway is shutting down");
    }
    String error = storeError;
    if (error != null) {
      throw Refusal.of(Status.RESOURCE_EXHAUSTED, error);
    }
    post(
        request.tenant(),
        () -> {
          List<Event> events = apply(request);
          for (FunctionVersion version : request.functions()) {
            uses.settle(request.leaseId(), request.tenant(), version);
          }
          for (Event event : events) {
            switch (event) {
              case Event.Refused e -> wires.later(() -> listener.failed(refusal(e).toGrpc()));
              case Event.Accepted e -> accepted(e, listener);
              default -> {}
            }
          }
          wires.follow(events);
        });
  }

  private void accepted(Event.Accepted accepted, LeaseListener listener) {
    wires.own(accepted.leaseId(), listener);
    Lease lease = book.lease(accepted.leaseId());
    if (accepted.known() && lease != null) {
      wires.tell(lease, listener);
    }
  }

  /** The call of {@code listener} is gone: what it asked for goes too, if it still owns it. */
  void withdraw(LeaseListener listener) {
    thread.postAnyway(() -> {
      String leaseId = wires.disown(listener);
      if (leaseId != null) {
        wires.follow(apply(new Command.Release(leaseId, "withdrawn: the call was cancelled")));
      }
    });
  }

  /** The call of {@code listener} is over; what it asked for stays. */
  void forget(LeaseListener listener) {
    thread.postAnyway(() -> wires.disown(listener));
  }

  void watch(String leaseId, Caller caller, LeaseListener listener) throws Refusal {
    post(
        caller.name(),
        () -> {
          try {
            Lease lease = require(leaseId, caller);
            wires.watch(leaseId, listener);
            wires.tell(lease, listener);
          } catch (Refusal e) {
            wires.later(() -> listener.failed(e.toGrpc()));
          }
        });
  }

  void unwatch(String leaseId, LeaseListener listener) {
    thread.postAnyway(() -> wires.unwatch(leaseId, listener));
  }

  CompletableFuture<LeaseMessages.Unsigned> renew(String leaseId, Caller caller, long durationNs)
      throws Refusal {
    return call(
        caller,
        done -> {
          Lease lease = require(leaseId, caller);
          List<Event> events = apply(new Command.Renew(leaseId, durationNs));
          wires.follow(events);
          refuseIfRefused(events);
          LeaseMessages.Unsigned answer = messages.unsigned(lease);
          wires.later(() -> complete(done, answer));
        });
  }

  /** Ends a lease; one that has ended already is no error. */
  CompletableFuture<Boolean> release(String leaseId, Caller caller, String reason) throws Refusal {
    return call(
        caller,
        done -> {
          require(leaseId, caller);
          wires.follow(apply(new Command.Release(leaseId, reason)));
          wires.later(() -> done.complete(true));
        });
  }

  CompletableFuture<Boolean> revoke(Caller operator, Command.Revoke command) throws Refusal {
    return call(
        operator,
        done -> {
          require(command.leaseId(), operator);
          wires.follow(apply(command));
          wires.later(() -> complete(done, true));
        });
  }

  /** What an operator decides; completes when the store has it. */
  CompletableFuture<Boolean> operate(Caller operator, Command command) throws Refusal {
    return call(
        operator,
        done -> {
          List<Event> events = apply(command);
          wires.follow(events);
          refuseIfRefused(events);
          wires.later(() -> complete(done, true));
        });
  }

  /**
   * Prepares {@code version}, which is in use by {@code tenant}, on a lease of that tenant's;
   * unless this throws, it sees to it that the function is let go.
   */
  CompletableFuture<PreparedFunction> prepareFunction(
      String leaseId, Caller caller, String tenant, FunctionVersion version) throws Refusal {
    return call(
        caller,
        done -> {
          try {
            require(leaseId, caller);
            List<Event> events = apply(new Command.PrepareFunction(leaseId, version));
            for (Event event : events) {
              if (event instanceof Event.FunctionAllotted allotted) {
                wires.await(leaseId, allotted.functionId(), done);
              }
            }
            wires.follow(events);
            refuseIfRefused(events);
          } finally {
            uses.settle(leaseId, tenant, version);
          }
        });
  }

  /** What {@code question} makes of the book, asked on the book's thread. */
  <T> CompletableFuture<T> ask(Caller caller, Question<T> question) throws Refusal {
    return call(
        caller,
        done -> {
          takeHeartbeats(clock.nowNs());
          T answer = question.of(book);
          wires.later(() -> done.complete(answer));
        });
  }

  /** Something asked of the book; changes nothing. */
  interface Question<T> {
    T of(LeaseBook book) throws Refusal;
  }

  /** The lease that {@code caller} may act on. */
  Lease require(LeaseBook book, String leaseId, Caller caller) throws Refusal {
    Lease lease = book.lease(leaseId);
    if (lease == null || !(caller.operator() || lease.tenant().equals(caller.name()))) {
      throw Refusal.notFound(
          "no lease \"%s\" of \"%s\" is known to this gateway"
              .formatted(AgentChecks.reason(leaseId), caller.name()));
    }
    return lease;
  }

  private Lease require(String leaseId, Caller caller) throws Refusal {
    return require(book, leaseId, caller);
  }

  // What agents' streams bring; any thread.

  /** An agent is here; completes when it has been welcomed. If it is refused, its stream ends. */
  CompletableFuture<Boolean> attach(AgentLink link, AgentHello hello) throws Refusal {
    return call(done -> {
      try {
        // Silence until now was that of an earlier stream, not of this one.
        long nowNs = clock.nowNs();
        takeHeartbeats(nowNs);
        wires.follow(apply(new Command.Tick(), nowNs));
        List<Event> events = apply(new Command.AgentAttached(link.agent(), hello), nowNs);
        if (events.stream().anyMatch(Event.Welcome.class::isInstance)) {
          wires.attach(hello.getExecutorId(), link, key.publicKey(), limits);
        }
        wires.follow(events);
        refuseIfRefused(events);
      } catch (Refusal | RuntimeException e) {
        wires.later(() -> link.close(Replies.toGrpc(e)));
        throw e;
      }
      LOG.log(
          Level.INFO,
          "executor {0} attached: {1} devices, {2} leases held",
          hello.getExecutorId(),
          hello.getDevicesCount(),
          hello.getHeldCount());
      wires.later(() -> done.complete(true));
    });
  }

  /** The agent was heard now, also if the book's thread is busy. */
  void heartbeat(String executorId, AgentLink link) {
    heartbeats.record(executorId, link, clock.nowNs());
  }

  /** From an agent's stream; without effect when another stream of the executor has come. */
  void fromAgent(String executorId, AgentLink link, Command command) throws Refusal {
    thread.post(() -> {
      if (wires.current(executorId, link)) {
        wires.follow(apply(command));
      }
    });
  }

  void detached(String executorId, AgentLink link, Command.AgentDetached command) {
    thread.postAnyway(() -> {
      if (wires.detach(executorId, link)) {
        LOG.log(Level.INFO, "the stream of executor {0} has ended", executorId);
        wires.follow(apply(command));
      }
    });
  }

  /** Runs {@code task} on the book's thread, where streams may be written. */
  void run(Runnable task) {
    thread.postAnyway(() -> wires.later(task));
  }

  // The thread

  private interface Step<T> {
    void run(CompletableFuture<T> done) throws Refusal;
  }

  private <T> CompletableFuture<T> call(Step<T> step) throws Refusal {
    CompletableFuture<T> done = new CompletableFuture<>();
    thread.post(() -> take(step, done));
    return done;
  }

  private <T> CompletableFuture<T> call(Caller caller, Step<T> step) throws Refusal {
    CompletableFuture<T> done = new CompletableFuture<>();
    post(caller.name(), () -> take(step, done));
    return done;
  }

  private <T> void take(Step<T> step, CompletableFuture<T> done) {
    try {
      step.run(done);
    } catch (Refusal e) {
      wires.later(() -> done.completeExceptionally(e));
    } catch (RuntimeException e) {
      done.completeExceptionally(e);
      throw e;
    }
  }

  /** Has the thread run {@code task}, when {@code caller} has not too many others with it. */
  private void post(String caller, Runnable task) throws Refusal {
    turns.enter(caller);
    boolean posted = false;
    try {
      thread.post(() -> {
        try {
          task.run();
        } finally {
          turns.leave(caller);
        }
      });
      posted = true;
    } finally {
      if (!posted) {
        turns.leave(caller);
      }
    }
  }

  private List<Event> apply(Command command) {
    long nowNs = clock.nowNs();
    takeHeartbeats(nowNs);
    return apply(command, nowNs);
  }

  /** Before the book's time may pass: whoever was heard by then is not silent. */
  private void takeHeartbeats(long nowNs) {
    Map<String, Long> heardNs = heartbeats.take(wires::current);
    if (!heardNs.isEmpty()) {
      wires.follow(apply(new Command.Heartbeats(heardNs), nowNs));
    }
  }

  private List<Event> apply(Command command, long nowNs) {
    List<Event> events = book.apply(command, nowNs);
    keeper.note(events);
    uses.note(events);
    observer.applied(book, command, nowNs, events);
    return events;
  }

  /** What each batch ends with. */
  private final class Turn implements BookThread.Turn {
    @Override
    public long pauseNs() {
      return book.nextDueNs() - clock.nowNs();
    }

    @Override
    public void endBatch() {
      BookThread.guarded(() -> wires.follow(apply(new Command.Tick())));
      BookThread.guarded(LeaseControl.this::keep);
      wires.flush(BookThread::guarded);
      if (!awaitSettled.isEmpty() && preparing() == 0) {
        awaitSettled.forEach(waiting -> waiting.complete(true));
        awaitSettled.clear();
      }
    }
  }

  private void keep() {
    try {
      keeper.keep(storeError != null);
      if (storeError != null) {
        LOG.log(Level.INFO, "the lease store can be written again");
        storeError = null;
        storeListener.accept(true);
      }
    } catch (IOException e) {
      String error =
          "the gateway cannot write its lease store (%s): free space or mend its data directory"
              .formatted(e.getMessage());
      if (storeError == null) {
        LOG.log(Level.ERROR, error, e);
        storeListener.accept(false);
      }
      storeError = error;
      // No one has been told yet that these are active, and no one will be.
      for (String leaseId : keeper.unkeptActive()) {
        wires.withhold(leaseId);
        wires.follow(apply(new Command.Revoke(leaseId, 0, error)));
      }
    }
  }

  private <T> void complete(CompletableFuture<T> done, T answer) {
    String error = storeError;
    if (error == null) {
      done.complete(answer);
    } else {
      done.completeExceptionally(Refusal.of(Status.RESOURCE_EXHAUSTED, error));
    }
  }

  private static void refuseIfRefused(List<Event> events) throws Refusal {
    for (Event event : events) {
      if (event instanceof Event.Refused refused) {
        throw refusal(refused);
      }
    }
  }

  private static Refusal refusal(Event.Refused refused) {
    return Refusal.of(refused.status(), refused.reason());
  }

  /** Completes when no lease is being prepared and no function is waited for. */
  CompletableFuture<Boolean> settled() throws Refusal {
    return call(awaitSettled::add);
  }

  private long preparing() {
    long leases =
        book.leases().stream().filter(lease -> lease.state() == LeaseState.PREPARING).count();
    return leases + wires.awaited();
  }

  /** Ends the calls that wait and the agents' streams; leases stay as they are. */
  void hangUp() {
    thread.postAnyway(() ->
        wires.later(
            () -> wires.hangUp(Refusal.unavailable("the gateway is shutting down").toGrpc())));
  }

  @Override
  public void close() throws IOException {
    thread.close();
    keeper.close();
  }
}
