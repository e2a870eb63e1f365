package io.farwarp.gateway.simulation;

import static io.farwarp.gateway.simulation.World.MS;
import static io.farwarp.gateway.simulation.World.S;

import io.farwarp.gateway.simulation.ClientCall.Answer;
import io.farwarp.v1.Lease;
import io.farwarp.v1.LeaseToken;
import io.farwarp.v1.WorkerEndpoint;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A lease in the hands of its holder: watched, renewed, used, and let go in one of several ways.
 */
final class Tenure {
  private enum Parting {
    RELEASE,
    GOODBYE,
    EXPIRE,
    RENEW_LATE
  }

  private static final long RETRY_NS = 2 * S;

  /** Its worker's deadline counts from a little later than the holder's. */
  private static final long SLACK_NS = S;

  private final Client client;
  private final World world;
  private final Lease lease;
  private final List<Session> sessions = new ArrayList<>();
  private final Parting parting;
  private LeaseToken token;
  private long deadlineNs;
  private int renewals;
  private boolean expiring;
  private boolean over;
  private @Nullable Connection<ClientCall, Answer> watch;

  Tenure(Client client, Lease lease, LeaseToken token) {
    this.client = client;
    this.world = client.world;
    this.lease = lease;
    this.token = token;
    this.parting = Parting.values()[world.below(Parting.values().length)];
    this.renewals = world.below(9);
    this.deadlineNs = client.clock.nowNs() + lease.getTtlMs() * MS;
    client.begins();
  }

  void start() {
    watch();
    for (WorkerEndpoint worker : lease.getWorkersList()) {
      Session session = new Session(client, this, worker, lease.getWindowBytes());
      sessions.add(session);
      session.start();
    }
    long ttlNs = lease.getTtlMs() * MS;
    client.after(ttlNs / 2, this::renewIfWanted);
    client.after(ttlNs + SLACK_NS, this::expireIfDue);
    if (world.chance(0.2)) {
      client.after(world.skewed(0, ttlNs), this::prepareFunction);
    }
    switch (parting) {
      case RELEASE -> client.after(world.between(0, 2 * ttlNs), this::release);
      case GOODBYE -> client.after(world.between(0, 2 * ttlNs), this::sayGoodbye);
      case EXPIRE, RENEW_LATE -> {}
    }
  }

  LeaseToken token() {
    return token;
  }

  boolean isOver() {
    return over;
  }

  private void watch() {
    if (over) {
      return;
    }
    watch =
        client.call(
            new ClientCall.Watch(client.tenant, lease.getLeaseId()),
            new Connection.End<>() {
              @Override
              public void message(Answer answer) {
                told(answer);
              }

              @Override
              public void ended(String why) {
                client.after(RETRY_NS, Tenure.this::watch);
              }
            });
  }

  private void told(Answer answer) {
    switch (answer) {
      case Answer.State a -> {
        switch (a.event().getState()) {
          case QUEUED, PREPARING, ACTIVE -> {}
          case EXPIRING -> {
            expiring = true;
            deadlineNs = client.clock.nowNs() + a.event().getTtlMs() * MS;
            client.after(a.event().getTtlMs() * MS + SLACK_NS, this::expireIfDue);
          }
          case RELEASED, EXPIRED, REVOKED, LOST, FAILED -> end("told that it is " + a.event());
          case LEASE_STATE_UNSPECIFIED, UNRECOGNIZED ->
              throw new AssertionError("a lease is told to be " + a.event());
        }
      }
      case Answer.Granted _, Answer.Renewed _, Answer.Prepared _, Answer.Done _ ->
          throw new AssertionError("a watch is answered with " + answer);
    }
  }

  private void renewIfWanted() {
    if (over || expiring || renewals-- <= 0) {
      return;
    }
    renew();
  }

  private void renew() {
    long sentNs = client.clock.nowNs();
    ask(
        new ClientCall.Renew(client.tenant, lease.getLeaseId(), world.between(1_000, 8_000) * MS),
        answer -> {
          switch (answer) {
            case Answer.Renewed a -> renewed(a, sentNs);
            case Answer.State _, Answer.Granted _, Answer.Prepared _, Answer.Done _ ->
                throw new AssertionError("a renewal is answered with " + answer);
          }
        });
  }

  private void renewed(Answer.Renewed answer, long sentNs) {
    if (!over) {
      token = answer.token();
      deadlineNs = sentNs + answer.lease().getTtlMs() * MS;
      sessions.forEach(session -> session.renewed(token));
      client.after((deadlineNs - client.clock.nowNs()) / 2, this::renewIfWanted);
      client.after(deadlineNs - client.clock.nowNs() + SLACK_NS, this::expireIfDue);
    }
  }

  private void prepareFunction() {
    if (!over) {
      ask(
          new ClientCall.PrepareFunction(
              client.tenant, lease.getLeaseId(), "f:" + world.between(1, Client.FUNCTIONS)),
          _ -> {});
    }
  }

  private void ask(ClientCall what, Consumer<Answer> then) {
    client.begins();
    var call =
        client.call(
            what,
            new Connection.End<>() {
              @Override
              public void message(Answer answer) {
                then.accept(answer);
              }

              @Override
              public void ended(String why) {
                client.ends();
              }
            });
    client.after(
        10 * S,
        () -> {
          if (!call.isOverForCaller()) {
            call.cancel();
            client.ends();
          }
        });
  }

  private void release() {
    if (!over) {
      end("released");
      ask(new ClientCall.Release(client.tenant, lease.getLeaseId()), _ -> {});
    }
  }

  private void sayGoodbye() {
    if (!over) {
      sessions.forEach(session -> session.close(true));
      end("said goodbye");
    }
  }

  private void expireIfDue() {
    if (!over && client.clock.nowNs() >= deadlineNs + SLACK_NS) {
      end("its time is over");
      if (parting == Parting.RENEW_LATE) {
        client.after(world.skewed(10 * S, 20 * S), this::renew);
      }
    }
  }

  /** The sessions are told; so is whoever waits for an answer over them. */
  void end(String why) {
    if (!over) {
      over = true;
      client.note("%s is over: %s", lease.getLeaseId(), why);
      sessions.forEach(session -> session.close(false));
      if (watch != null) {
        watch.cancel();
      }
      client.ends();
    }
  }
}
