package io.farwarp.executor.agent;

import io.farwarp.v1.AgentMessage;
import io.farwarp.v1.FleetServiceGrpc;
import io.farwarp.v1.GatewayMessage;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.concurrent.Executor;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The agent's stream to the gateway: attaches, and attaches again after a growing pause when it
 * breaks. Everything happens on the agent's thread, {@code loop}; a message is asked for only when
 * the one before it is dealt with.
 */
final class GatewayLink implements AutoCloseable {
  private static final Logger LOG = System.getLogger(GatewayLink.class.getName());
  private static final long FIRST_PAUSE_MS = 100;
  private static final long LONGEST_PAUSE_MS = 2_000;

  /**
   * Messages that wait to leave before the stream is given up; gRPC itself would keep any number.
   */
  static final int MAX_WAITING = 1024;

  /** What the agent does with its gateway's words. */
  interface Peer {
    /** The first message of a new stream. */
    AgentMessage.Builder hello();

    void message(GatewayMessage message);

    void detached();

    /** The gateway does not want this agent: trying again is of no use. */
    void refused(Status status);
  }

  private final ManagedChannel channel;
  private final Executor loop;
  private final Peer peer;
  private @Nullable ClientCallStreamObserver<AgentMessage> requests;
  private boolean retries;
  private long retryNs;
  private long streams;
  private long sequence;
  private int waiting;
  private long pauseMs = FIRST_PAUSE_MS;
  private boolean closed;
  private boolean everAttached;

  GatewayLink(ManagedChannel channel, Executor loop, Peer peer) {
    this.channel = channel;
    this.loop = loop;
    this.peer = peer;
  }

  /** Opens a stream; on the agent's thread. */
  void attach() {
    if (closed) {
      return;
    }
    sequence = 0;
    waiting = 0;
    // The pauses are this link's own; the channel's grow to minutes, past the deadlines of leases.
    channel.resetConnectBackoff();
    FleetServiceGrpc.newStub(channel).attach(new Stream(++streams));
    send(peer.hello());
  }

  /** Attaches again when the pause after a broken stream is over; on the agent's thread. */
  void tick(long nowNs) {
    if (retries && nowNs - retryNs >= 0) {
      retries = false;
      attach();
    }
  }

  /**
   * Sends, if there is a stream; false: there is none. A stream that has taken none of the last
   * {@value #MAX_WAITING} messages is given up: what was lost with it is told on the next one.
   */
  boolean send(AgentMessage.Builder message) {
    ClientCallStreamObserver<AgentMessage> stream = requests;
    if (stream == null) {
      return false;
    }
    waiting = stream.isReady() ? 0 : waiting + 1;
    if (waiting > MAX_WAITING) {
      requests = null;
      stream.cancel("the gateway has left %d messages untaken".formatted(MAX_WAITING), null);
      return false;
    }
    stream.onNext(message.setSequence(++sequence).build());
    return true;
  }

  private void ended(Stream stream, Status status) {
    if (closed || stream.number != streams) {
      return;
    }
    requests = null;
    peer.detached();
    if (!everAttached && isRefusal(status)) {
      peer.refused(status);
      return;
    }
    long jitterMs = ThreadLocalRandom.current().nextLong(1 + pauseMs / 4);
    LOG.log(
        Level.WARNING,
        "no gateway ({0} {1}); trying again in {2} ms",
        status.getCode(),
        status.getDescription(),
        pauseMs);
    retries = true;
    retryNs = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(pauseMs + jitterMs);
    pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
  }

  private static boolean isRefusal(Status status) {
    return switch (status.getCode()) {
      case UNAUTHENTICATED, PERMISSION_DENIED, INVALID_ARGUMENT, UNIMPLEMENTED -> true;
      default -> false;
    };
  }

  @Override
  public void close() {
    closed = true;
    if (requests != null) {
      requests.onCompleted();
      requests = null;
    }
  }

  /** One stream; its calls come on gRPC's threads and go on to the agent's. */
  private final class Stream implements ClientResponseObserver<AgentMessage, GatewayMessage> {
    private final long number;

    Stream(long number) {
      this.number = number;
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<AgentMessage> requestStream) {
      requestStream.disableAutoRequestWithInitial(1);
      requests = requestStream;
    }

    @Override
    public void onNext(GatewayMessage message) {
      loop.execute(() -> {
        everAttached = true;
        pauseMs = FIRST_PAUSE_MS;
        ClientCallStreamObserver<AgentMessage> current = requests;
        if (current != null && number == streams) {
          peer.message(message);
          current.request(1);
        }
      });
    }

    @Override
    public void onError(Throwable failure) {
      Status status = Status.fromThrowable(failure);
      loop.execute(() -> ended(this, status));
    }

    @Override
    public void onCompleted() {
      loop.execute(() -> ended(this, Status.UNAVAILABLE.withDescription("the gateway closed it")));
    }
  }
}
