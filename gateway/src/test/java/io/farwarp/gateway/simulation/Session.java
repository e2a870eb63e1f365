package io.farwarp.gateway.simulation;

import static io.farwarp.gateway.simulation.World.MS;
import static io.farwarp.gateway.simulation.World.S;
import static io.farwarp.gateway.simulation.World.check;

import io.farwarp.gateway.simulation.DataMessage.Kind;
import io.farwarp.gateway.simulation.DataMessage.ToClient;
import io.farwarp.gateway.simulation.DataMessage.ToWorker;
import io.farwarp.v1.LeaseToken;
import io.farwarp.v1.WorkerEndpoint;
import io.farwarp.wire.Status;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a holder does with one worker of a lease: writes, invocations, reads, over one connection
 * after the other. It knows what each page may hold and each answer may be, and that each request
 * is answered once.
 */
final class Session {
  private static final int SLOTS = 4;
  private static final int MOST_ACTIONS = 30;
  private static final int CONNECTS = 4;

  /** Beyond a request's time-out its answer is waited for no longer. */
  private static final long ANSWER_SLACK_NS = 1 * S;

  private static final class Request {
    final ToWorker.Post post;
    @Nullable Status outcome;

    Request(ToWorker.Post post) {
      this.post = post;
    }
  }

  private final Client client;
  private final World world;
  private final Tenure tenure;
  private final WorkerEndpoint worker;
  private final PageView[] pages;
  private final Request[] slots = new Request[SLOTS];
  private final Map<Long, Request> requests = new LinkedHashMap<>();
  private @Nullable Connection<ToWorker, ToClient> connection;
  private int connects;
  private int actions;
  private long lastId;
  private long lastValue;
  private boolean admitted;
  private boolean closed;

  Session(Client client, Tenure tenure, WorkerEndpoint worker, long windowBytes) {
    this.client = client;
    this.world = client.world;
    this.tenure = tenure;
    this.worker = worker;
    this.pages = new PageView[(int) (windowBytes / Host.PAGE_BYTES)];
    for (int i = 0; i < pages.length; i++) {
      pages[i] = new PageView();
    }
  }

  void start() {
    client.after(world.skewed(0, 500 * MS), this::connect);
  }

  private void connect() {
    Worker at = client.at(worker.getAddresses(0).getAddress());
    if (closed || at == null || ++connects > CONNECTS) {
      return;
    }
    Connection<ToWorker, ToClient>[] mine = newConnection();
    mine[0] =
        at.connect(
            client,
            new Connection.End<>() {
              @Override
              public void message(ToClient message) {
                if (mine[0] == connection) {
                  take(message);
                }
              }

              @Override
              public void ended(String why) {
                if (mine[0] == connection) {
                  lost(Status.LINK_BROKEN);
                }
              }
            });
    connection = mine[0];
    send(new ToWorker.Open(tenure.token(), worker.getWorkerIndex()));
  }

  @SuppressWarnings({"unchecked", "rawtypes"}) // a place for what its own listener refers to
  private static Connection<ToWorker, ToClient>[] newConnection() {
    return new Connection[1];
  }

  private void send(ToWorker message) {
    if (connection != null) {
      connection.send(message);
    }
  }

  private void take(ToClient message) {
    client.note("hears %s", message);
    switch (message) {
      case ToClient.Admitted _ -> {
        admitted = true;
        for (PageView page : pages) {
          page.sessionBegins();
        }
        act();
      }
      case ToClient.Refused m -> {
        client.note(
            "%s refuses a session: %s %s",
            worker.getAddresses(0).getAddress(), m.status(), m.reason());
        lost(m.status());
      }
      case ToClient.Completion m -> completed(m);
      case ToClient.Ended m -> lost(m.status());
    }
  }

  /** The connection is over: so are the requests that were posted on it. */
  private void lost(Status status) {
    client.note("has no session with %s: %s", worker.getAddresses(0).getAddress(), status);
    connection = null;
    admitted = false;
    for (int slot = 0; slot < SLOTS; slot++) {
      Request request = slots[slot];
      slots[slot] = null;
      if (request != null && request.outcome == null) {
        finish(request, status);
      }
    }
    if (!closed && !tenure.isOver()) {
      client.after(world.skewed(50 * MS, 3 * S), this::connect);
    }
  }

  private void finish(Request request, Status outcome) {
    check(request.outcome == null, "request %d ends twice", request.post.id());
    request.outcome = outcome;
    client.ends();
  }

  void renewed(LeaseToken token) {
    if (admitted) {
      send(new ToWorker.Renew(token));
    }
  }

  void close(boolean endsLease) {
    if (!closed) {
      closed = true;
      if (admitted) {
        send(new ToWorker.Goodbye(endsLease));
      } else if (connection != null) {
        connection.cancel();
      }
      lost(Status.CANCELLED);
    }
  }

  // Work

  private void act() {
    if (closed || !admitted || actions >= MOST_ACTIONS) {
      return;
    }
    actions++;
    int page = world.below(pages.length);
    switch (world.below(8)) {
      case 0, 1, 2 -> {
        if (!pages[page].isBusy()) {
          write(page);
        }
      }
      case 3, 4 -> post(Kind.INVOKE, page);
      case 5, 6 -> post(Kind.PULL, page);
      default -> {
        post(Kind.FENCE, page);
        cancelOne();
      }
    }
    client.after(world.skewed(MS, 800 * MS), this::act);
  }

  private void write(int page) {
    long value = worker.getAddresses(0).getAddress().hashCode() * 1_000_003L + ++lastValue;
    pages[page].written(value);
    send(new ToWorker.Write(page, value));
  }

  private void post(Kind kind, int page) {
    if (pages[page].isBusy()) {
      return;
    }
    for (int slot = 0; slot < SLOTS; slot++) {
      if (slots[slot] == null) {
        long timeoutNs = world.skewed(20 * MS, 4 * S);
        ToWorker.Post post =
            new ToWorker.Post(slot, ++lastId, kind, page, world.between(0, 99), timeoutNs);
        Request request = new Request(post);
        slots[slot] = request;
        requests.put(post.id(), request);
        client.begins();
        pages[page].posted(post);
        send(post);
        client.after(timeoutNs + ANSWER_SLACK_NS, () -> giveUp(request));
        return;
      }
    }
  }

  /** Its slot stays taken until the answer comes or the connection is over. */
  private void giveUp(Request request) {
    if (request.outcome == null) {
      finish(request, Status.DEADLINE_EXCEEDED);
    }
  }

  private void cancelOne() {
    Request request = slots[world.below(SLOTS)];
    if (request != null && request.outcome == null) {
      send(new ToWorker.Cancel(request.post.slot(), request.post.id()));
    }
  }

  private void completed(ToClient.Completion answer) {
    Request request = requests.get(answer.id());
    check(
        request != null && slots[answer.slot()] == request,
        "%s of %s answers what was not asked, or again",
        answer,
        worker.getAddresses(0).getAddress());
    slots[answer.slot()] = null;
    PageView page = pages[request.post.page()];
    page.answered(request.post, answer, client.name);
    if (request.outcome == null) {
      finish(request, answer.status());
    }
  }
}
