package io.farwarp.gateway.simulation;

import static io.farwarp.gateway.simulation.World.MS;
import static io.farwarp.gateway.simulation.World.S;

import io.farwarp.gateway.simulation.DataMessage.ToClient;
import io.farwarp.gateway.simulation.DataMessage.ToWorker;
import io.farwarp.v1.ExtendLease;
import io.farwarp.v1.LeaseState;
import io.farwarp.v1.LeaseToken;
import io.farwarp.v1.PrepareLease;
import io.farwarp.wire.Status;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A worker process: one window, one session at a time, and a deadline of its own. */
final class Worker extends Party {
  /** What its agent hears of it. */
  interface Outcome {
    void started(Worker worker, String error);

    void ending(Worker worker, LeaseState state, String reason);

    void exited(Worker worker);
  }

  private static final long DESERTED_NS = 10 * S;

  private final Network network;
  private final Host host;
  private final PrepareLease order;
  private final int index;
  private final Outcome outcome;
  private final WorkerTerm term;
  private long toldNs;
  private long saidNs;
  private boolean ending;
  private boolean exited;
  private long lastSessionNs;
  private @Nullable SessionEnd session;

  Worker(
      Network network, Host host, HostClock clock, PrepareLease order, int index, Outcome outcome) {
    super(network.world, "%s/%d".formatted(order.getLeaseId(), index), clock);
    this.network = network;
    this.host = host;
    this.order = order;
    this.index = index;
    this.outcome = outcome;
    this.term = new WorkerTerm(order, clock.nowNs());
  }

  String leaseId() {
    return order.getLeaseId();
  }

  PrepareLease order() {
    return order;
  }

  int pages() {
    return (int) (order.getWindowBytes() / Host.PAGE_BYTES);
  }

  String address() {
    return "%s %s".formatted(host.name, name);
  }

  // Its life

  /** Its window is there; it listens when it says that it has started. */
  void start() {
    host.open(this);
    after(
        world.skewed(20 * MS, 900 * MS),
        () -> {
          if (world.chance(0.03)) {
            say(() -> outcome.started(this, "no memory"));
          } else {
            say(() -> outcome.started(this, ""));
            watchTerm();
          }
        });
  }

  private void say(Runnable what) {
    saidNs = Math.max(saidNs + 1, world.nowNs() + world.between(0, 3 * MS));
    world.at(saidNs, what);
  }

  /** A line of its agent's; they come in order. */
  void tell(Runnable what) {
    toldNs = Math.max(toldNs + 1, world.nowNs() + world.between(0, 3 * MS));
    world.at(toldNs, () -> deliver(what));
  }

  void extend(ExtendLease extend) {
    term.set(extend, clock.nowNs());
    note("%d ms left", extend.getTtlMs());
    watchTerm();
  }

  private void watchTerm() {
    if (!ending) {
      after(
          Math.max(0, term.deadlineNs() - clock.nowNs()),
          () -> {
            boolean _ = endIfOver();
          });
    }
  }

  private boolean endIfOver() {
    if (!ending && term.hasPassed(clock.nowNs())) {
      end(LeaseState.EXPIRED, "its time to live has passed");
    }
    return ending;
  }

  /** Lets no one use the window any more, tells its client why, and goes. */
  void end(LeaseState state, String reason) {
    if (ending) {
      return;
    }
    note("ends: %s (%s)", state, reason);
    ending = true;
    say(() -> outcome.ending(this, state, reason));
    SessionEnd last = session;
    if (last != null) {
      last.finish(statusOf(state), reason);
    }
    if (!world.chance(0.05)) {
      after(world.skewed(MS, 300 * MS), this::exit);
    }
  }

  private static Status statusOf(LeaseState state) {
    return switch (state) {
      case RELEASED -> Status.LEASE_RELEASED;
      case EXPIRED -> Status.LEASE_EXPIRED;
      case REVOKED -> Status.LEASE_REVOKED;
      case LEASE_STATE_UNSPECIFIED,
          QUEUED,
          PREPARING,
          ACTIVE,
          EXPIRING,
          LOST,
          FAILED,
          UNRECOGNIZED ->
          Status.WORKER_LOST;
    };
  }

  /** SIGKILL, or a fault: nothing of it runs on. */
  void kill() {
    if (!exited) {
      ending = true;
      exit();
    }
  }

  private void exit() {
    if (exited) {
      return;
    }
    exited = true;
    note("is gone");
    var open = network.connectionsOf(this);
    endLife();
    open.forEach(connection -> connection.died(this));
    say(() -> outcome.exited(this));
  }

  boolean hasExited() {
    return exited;
  }

  /** Its lease has ended, going by its own clock or by what it was told. */
  boolean isOver() {
    return ending || clock.nowNs() >= term.deadlineNs() + MS;
  }

  // Its client

  Connection<ToWorker, ToClient> connect(Party client, Connection.End<ToClient> end) {
    SessionEnd mine = new SessionEnd();
    var connection = new Connection<>(network, client, this, end, mine);
    mine.connection = connection;
    if (exited) {
      connection.breakDown();
    }
    return connection;
  }

  private void desertedIfAlone() {
    if (session == null && !ending && clock.nowNs() - lastSessionNs >= DESERTED_NS) {
      end(LeaseState.RELEASED, "its client went without a word and did not come back");
    }
  }

  private final class SessionEnd implements Connection.End<ToWorker> {
    private final Map<Long, ToWorker.Post> running = new LinkedHashMap<>();
    private @Nullable Connection<ToWorker, ToClient> connection;
    private boolean over;

    @Override
    public void message(ToWorker message) {
      if (over) {
        return;
      }
      if (endIfOver() || session != this) {
        if (message instanceof ToWorker.Open open) {
          open(open);
        }
        return;
      }
      note("is told %s", message);
      switch (message) {
        case ToWorker.Open _ -> finish(Status.PROTOCOL_ERROR, "a second handshake");
        case ToWorker.Write m -> host.write(Worker.this, m.page(), m.value());
        case ToWorker.Post m -> post(m);
        case ToWorker.Cancel m -> complete(m.id(), Status.CANCELLED, 0);
        case ToWorker.Renew m -> renew(m.token());
        case ToWorker.Goodbye m -> goodbye(m);
      }
    }

    private void open(ToWorker.Open open) {
      String refusal = refusal(open);
      if (ending) {
        refuse(Status.WORKER_LOST, "the worker is ending");
      } else if (!refusal.isEmpty()) {
        refuse(Status.PERMISSION_DENIED, refusal);
      } else {
        switch (term.accept(open.token(), clock.nowNs())) {
          case OUTDATED -> refuse(Status.UNAUTHENTICATED, "an older token");
          case EXPIRED -> refuse(Status.LEASE_EXPIRED, "the token has expired");
          case ACCEPTED -> admit();
        }
      }
    }

    private String refusal(ToWorker.Open open) {
      LeaseToken token = open.token();
      return token.getLeaseId().equals(order.getLeaseId())
              && token.getExecutorId().equals(host.name)
              && open.worker() == index
              && token.getWindowBytes() == order.getWindowBytes()
              && token.getClientPublicKey().equals(order.getClientPublicKey())
          ? ""
          : "the token is for another worker";
    }

    private void refuse(Status status, String reason) {
      over = true;
      answer(new ToClient.Refused(status, reason));
      complete();
    }

    /** One at a time; the last one's client is asked whether it is there. */
    private void admit() {
      SessionEnd before = session;
      if (before != null && before.connection != null && !before.connection.isBroken()) {
        refuse(Status.ALREADY_CONNECTED, "there is a session");
        return;
      }
      if (before != null) {
        before.gone();
      }
      session = this;
      watchTerm();
      answer(new ToClient.Admitted());
    }

    private void post(ToWorker.Post post) {
      running.put(post.id(), post);
      long lastsNs =
          switch (post.kind()) {
            case INVOKE -> world.chance(0.05) ? world.between(0, 3 * S) : world.skewed(0, 60 * MS);
            case FENCE, PULL -> 0;
          };
      if (lastsNs == 0) {
        run(post);
      } else {
        after(
            Math.min(lastsNs, post.timeoutNs()),
            () -> {
              if (lastsNs >= post.timeoutNs()) {
                complete(post.id(), Status.DEADLINE_EXCEEDED, 0);
              } else {
                run(post);
              }
            });
      }
    }

    private void run(ToWorker.Post post) {
      if (over || endIfOver() || !running.containsKey(post.id())) {
        return;
      }
      long value =
          switch (post.kind()) {
            case FENCE -> 0;
            case PULL -> host.read(Worker.this, post.page());
            case INVOKE -> {
              long result =
                  DataMessage.result(host.read(Worker.this, post.page()), post.argument());
              host.write(Worker.this, post.page(), result);
              yield result;
            }
          };
      complete(post.id(), Status.OK, value);
    }

    private void complete(long id, Status status, long value) {
      ToWorker.Post done = running.remove(id);
      if (done != null) {
        answer(new ToClient.Completion(done.slot(), id, status, value));
      }
    }

    private void renew(LeaseToken token) {
      switch (term.accept(token, clock.nowNs())) {
        case ACCEPTED -> watchTerm();
        case OUTDATED -> {}
        case EXPIRED -> finish(Status.LEASE_EXPIRED, "the token has expired");
      }
    }

    private void goodbye(ToWorker.Goodbye goodbye) {
      complete();
      over = true;
      session = null;
      if (goodbye.endsLease()) {
        end(LeaseState.RELEASED, "its client has released it");
      }
    }

    /** The worker's last word. */
    private void finish(Status status, String reason) {
      answer(new ToClient.Ended(status, reason));
      complete();
      gone();
    }

    private void answer(ToClient message) {
      note("answers %s", message);
      if (connection != null) {
        connection.answer(message);
      }
    }

    private void complete() {
      if (connection != null) {
        connection.complete("the worker has closed it");
      }
    }

    @Override
    public void ended(String why) {
      gone();
    }

    /** Without a word. */
    private void gone() {
      over = true;
      running.clear();
      if (session == this) {
        session = null;
        lastSessionNs = clock.nowNs();
        after(DESERTED_NS, Worker.this::desertedIfAlone);
      }
    }
  }
}
