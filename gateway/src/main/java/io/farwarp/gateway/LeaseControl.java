package io.farwarp.gateway;

import static java.util.concurrent.TimeUnit.NANOSECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;

import io.farwarp.gateway.book.BookLimits;
import io.farwarp.gateway.book.Command;
import io.farwarp.gateway.book.Event;
import io.farwarp.gateway.book.Lease;
import io.farwarp.gateway.book.LeaseBook;
import io.farwarp.v1.AgentHello;
import io.farwarp.v1.FunctionVersion;
import io.farwarp.v1.LeaseState;
import io.farwarp.v1.PreparedFunction;
import io.farwarp.v1.StoredLease;
import io.farwarp.wire.Status;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The agent that owns the {@link LeaseBook}: one thread that takes commands from a bounded mailbox,
 * applies them, has the store keep what changed, and only then lets the answers and messages out.
 * Commands that wait together share one write of the store.
 */
final class LeaseControl implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(LeaseControl.class.getName());
  private static final int MAILBOX = 8192;
  private static final int BATCH = 256;
  private static final long LONGEST_PAUSE_NS = SECONDS.toNanos(1);
  private static final long MAILBOX_WAIT_S = 5;

  private final LeaseBook book;
  private final GatewayClock clock;
  private final StoreKeeper keeper;
  private final ControlWires wires;
  private final LeaseMessages messages;
  private final BookLimits limits;
  private final SigningKey key;
  private final BlockingQueue<Runnable> mailbox = new ArrayBlockingQueue<>(MAILBOX);
  private final Thread thread;
  private volatile boolean stopping;
  private volatile boolean draining;
  private volatile @Nullable String storeError;
  private volatile Consumer<Boolean> storeListener = _ -> {};

  LeaseControl(BookLimits limits, GatewayClock clock, SigningKey key, LeaseStore store) {
    this.limits = limits;
    this.clock = clock;
    this.key = key;
    this.book = new LeaseBook(limits);
    this.messages = new LeaseMessages(clock, key);
    this.keeper = new StoreKeeper(book, messages, store);
    this.wires = new ControlWires(book, messages);
    this.thread = Thread.ofPlatform().name("farwarp-lease-book").unstarted(this::loop);
  }

  /** Takes up the leases of the store, then starts the thread. */
  void start() throws GatewayException {
    for (StoredLease stored : keeper.load()) {
      book.apply(messages.restore(stored), clock.nowNs());
    }
    if (!book.leases().isEmpty()) {
      LOG.log(Level.INFO, "{0} leases taken up from the store", book.leases().size());
    }
    thread.start();
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
   */
  void acquire(Command.Request request, LeaseListener listener) throws Refusal {
    if (draining) {
      throw Refusal.unavailable("the gateway is shutting down");
    }
    String error = storeError;
    if (error != null) {
      throw Refusal.of(Status.RESOURCE_EXHAUSTED, error);
    }
    post(() -> {
      List<Event> events = apply(request);
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
    postAnyway(() -> {
      String leaseId = wires.disown(listener);
      if (leaseId != null) {
        wires.follow(apply(new Command.Release(leaseId, "withdrawn: the call was cancelled")));
      }
    });
  }

  /** The call of {@code listener} is over; what it asked for stays. */
  void forget(LeaseListener listener) {
    postAnyway(() -> wires.disown(listener));
  }

  void watch(String leaseId, Caller caller, LeaseListener listener) throws Refusal {
    post(() -> {
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
    postAnyway(() -> wires.unwatch(leaseId, listener));
  }

  CompletableFuture<io.farwarp.v1.Lease> renew(String leaseId, Caller caller, long durationNs)
      throws Refusal {
    return call(done -> {
      Lease lease = require(leaseId, caller);
      List<Event> events = apply(new Command.Renew(leaseId, durationNs));
      wires.follow(events);
      refuseIfRefused(events);
      io.farwarp.v1.Lease answer = messages.lease(lease, true);
      wires.later(() -> complete(done, answer));
    });
  }

  /** Ends a lease; one that has ended already is no error. */
  CompletableFuture<Boolean> release(String leaseId, Caller caller, String reason) throws Refusal {
    return call(done -> {
      require(leaseId, caller);
      wires.follow(apply(new Command.Release(leaseId, reason)));
      wires.later(() -> done.complete(true));
    });
  }

  CompletableFuture<Boolean> revoke(String leaseId, Caller operator, String reason) throws Refusal {
    return call(done -> {
      require(leaseId, operator);
      wires.follow(apply(new Command.Revoke(leaseId, reason)));
      wires.later(() -> done.complete(true));
    });
  }

  CompletableFuture<PreparedFunction> prepareFunction(
      String leaseId, Caller caller, FunctionVersion version) throws Refusal {
    return call(done -> {
      require(leaseId, caller);
      List<Event> events = apply(new Command.PrepareFunction(leaseId, version));
      for (Event event : events) {
        if (event instanceof Event.FunctionAllotted allotted) {
          wires.await(leaseId, allotted.functionId(), done);
        }
      }
      wires.follow(events);
      refuseIfRefused(events);
    });
  }

  /** What {@code question} makes of the book, asked on the book's thread. */
  <T> CompletableFuture<T> ask(Question<T> question) throws Refusal {
    return call(done -> {
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
          "no lease \"%s\" of \"%s\" is known to this gateway".formatted(leaseId, caller.name()));
    }
    return lease;
  }

  private Lease require(String leaseId, Caller caller) throws Refusal {
    return require(book, leaseId, caller);
  }

  // What agents' streams bring; any thread.

  /** An agent is here; completes when it has been welcomed. */
  CompletableFuture<Boolean> attach(AgentLink link, AgentHello hello) throws Refusal {
    return call(done -> {
      List<Event> events = apply(new Command.AgentAttached(link.agent(), hello));
      if (events.stream().anyMatch(Event.Welcome.class::isInstance)) {
        wires.attach(hello.getExecutorId(), link, key.publicKey(), limits);
      }
      wires.follow(events);
      refuseIfRefused(events);
      LOG.log(
          Level.INFO,
          "executor {0} attached: {1} devices, {2} leases held",
          hello.getExecutorId(),
          hello.getDevicesCount(),
          hello.getHeldCount());
      wires.later(() -> done.complete(true));
    });
  }

  /** From an agent's stream; without effect when another stream of the executor has come. */
  void fromAgent(String executorId, AgentLink link, Command command) throws Refusal {
    post(() -> {
      if (wires.current(executorId, link)) {
        wires.follow(apply(command));
      }
    });
  }

  void detached(String executorId, AgentLink link, Command.AgentDetached command) {
    postAnyway(() -> {
      if (wires.detach(executorId, link)) {
        LOG.log(Level.INFO, "the stream of executor {0} has ended", executorId);
        wires.follow(apply(command));
      }
    });
  }

  /** Runs {@code task} on the book's thread, where streams may be written. */
  void run(Runnable task) {
    postAnyway(() -> wires.later(task));
  }

  // The thread

  private interface Step<T> {
    void run(CompletableFuture<T> done) throws Refusal;
  }

  private <T> CompletableFuture<T> call(Step<T> step) throws Refusal {
    CompletableFuture<T> done = new CompletableFuture<>();
    post(() -> {
      try {
        step.run(done);
      } catch (Refusal e) {
        wires.later(() -> done.completeExceptionally(e));
      } catch (RuntimeException e) {
        done.completeExceptionally(e);
        throw e;
      }
    });
    return done;
  }

  private void post(Runnable task) throws Refusal {
    if (stopping) {
      throw Refusal.unavailable("the gateway is shutting down");
    }
    try {
      if (mailbox.offer(task, MAILBOX_WAIT_S, SECONDS)) {
        return;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    throw Refusal.of(
        Status.RESOURCE_EXHAUSTED, "the gateway has " + MAILBOX + " calls to answer: try later");
  }

  /** For what must not be lost: waits for room as long as the thread runs. */
  private void postAnyway(Runnable task) {
    try {
      while (thread.isAlive() && !mailbox.offer(task, MAILBOX_WAIT_S, SECONDS)) {
        LOG.log(Level.WARNING, "the mailbox of the lease book is full");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private List<Event> apply(Command command) {
    List<Event> events = book.apply(command, clock.nowNs());
    keeper.note(events);
    return events;
  }

  private void loop() {
    List<Runnable> batch = new ArrayList<>(BATCH);
    while (!stopping || !mailbox.isEmpty()) {
      batch.clear();
      try {
        Runnable first = mailbox.poll(pauseNs(), NANOSECONDS);
        if (first != null) {
          batch.add(first);
          mailbox.drainTo(batch, BATCH - 1);
        }
      } catch (InterruptedException e) {
        // No one of ours interrupts this thread; it ends by `stopping` only.
        continue;
      }
      for (Runnable task : batch) {
        guarded(task);
      }
      guarded(() -> wires.follow(apply(new Command.Tick())));
      guarded(this::keep);
      wires.flush(this::guarded);
    }
  }

  private long pauseNs() {
    long pauseNs = book.nextDueNs() - clock.nowNs();
    return Math.max(0, Math.min(pauseNs, LONGEST_PAUSE_NS));
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
        wires.follow(apply(new Command.Revoke(leaseId, error)));
      }
    }
  }

  /** A defect met by one task must not end the thread that all leases depend on. */
  private void guarded(Runnable task) {
    try {
      task.run();
    } catch (RuntimeException e) {
      LOG.log(Level.ERROR, "a task of the lease book failed", e);
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

  /** Leases that are being prepared now, and functions that are waited for. */
  CompletableFuture<Integer> unfinished() throws Refusal {
    Function<LeaseBook, Integer> preparing =
        b ->
            (int) b.leases().stream().filter(l -> l.state() == LeaseState.PREPARING).count()
                + wires.awaited();
    return ask(preparing::apply);
  }

  /** Ends the calls that wait and the agents' streams; leases stay as they are. */
  void hangUp() {
    postAnyway(() ->
        wires.later(
            () -> wires.hangUp(Refusal.unavailable("the gateway is shutting down").toGrpc())));
  }

  @Override
  public void close() throws IOException {
    stopping = true;
    // Wakes the thread; an interrupt would close the store's file if it came in the middle of a
    // write.
    boolean _ = mailbox.offer(() -> {});
    try {
      if (thread.isAlive()) {
        thread.join(SECONDS.toMillis(10));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    keeper.close();
  }
}
