package io.farwarp.client;

import com.google.common.hash.Hashing;
import io.farwarp.rdma.QueuePair;
import io.farwarp.rdma.RefusedException;
import io.farwarp.rdma.Transport;
import io.farwarp.rdma.Transports;
import io.farwarp.rdma.linux.HostId;
import io.farwarp.v1.DataPathAddress;
import io.farwarp.v1.WorkerEndpoint;
import io.farwarp.wire.Ed25519;
import io.farwarp.wire.Handshake;
import io.farwarp.wire.Status;
import io.farwarp.wire.Wire;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Chooses a session's data path and opens it: shared memory where the worker is on this host, else
 * what the worker offers next. Why each path before the chosen one was not taken is kept.
 */
final class SessionConnector {
  private final Lease lease;
  private final SessionOptions options;
  private final WorkerEndpoint worker;
  private final List<String> against = new ArrayList<>();

  private SessionConnector(Lease lease, SessionOptions options) {
    this.lease = lease;
    this.options = options;
    this.worker = lease.worker(options.worker());
  }

  static Session open(Lease lease, SessionOptions options) {
    return new SessionConnector(lease, options).open();
  }

  private Session open() {
    boolean auto = options.transport().equals(SessionOptions.AUTO);
    for (DataPathAddress candidate : worker.getAddressesList()) {
      boolean wanted = auto || candidate.getTransport().equals(options.transport());
      Optional<Transport> usable = wanted ? usable(candidate) : Optional.empty();
      if (usable.isEmpty()) {
        continue;
      }
      try {
        return connect(usable.get(), candidate);
      } catch (RefusedException e) {
        throw refused(candidate, e);
      } catch (IOException e) {
        against.add(
            "%s at %s cannot be reached: %s"
                .formatted(candidate.getTransport(), candidate.getAddress(), e.getMessage()));
      }
    }
    throw new SessionException(
        Status.LINK_BROKEN,
        "no data path '%s' to worker %d of lease %s: %s"
            .formatted(
                options.transport(),
                options.worker(),
                lease.id(),
                against.isEmpty() ? "the worker offers " + offered() : String.join("; ", against)));
  }

  private String offered() {
    List<String> names =
        worker.getAddressesList().stream().map(DataPathAddress::getTransport).toList();
    return names.isEmpty() ? "none" : String.join(", ", names);
  }

  private Optional<Transport> usable(DataPathAddress candidate) {
    String name = candidate.getTransport();
    Optional<Transport> installed =
        Transports.installed().stream().filter(each -> each.name().equals(name)).findFirst();
    if (installed.isEmpty()) {
      against.add(name + ": this client does not have it");
      return Optional.empty();
    }
    if (installed.get().sharesWindow() && !candidate.getHostId().equals(HostId.local())) {
      against.add(name + ": the executor is on another host");
      return Optional.empty();
    }
    Optional<String> unavailable = installed.get().unavailable();
    unavailable.ifPresent(reason -> against.add(name + ": " + reason));
    return unavailable.isPresent() ? Optional.empty() : installed;
  }

  private Session connect(Transport transport, DataPathAddress candidate) throws IOException {
    QueuePair queuePair =
        transport.connect(candidate.getAddress(), this::answer, options.openTimeout().toNanos());
    try {
      Handshake.Reply reply = checked(queuePair);
      Session session = new Session(lease, options, path(transport, candidate), queuePair, reply);
      session.start();
      return session;
    } catch (IOException | RuntimeException e) {
      queuePair.close();
      throw e;
    }
  }

  private DataPath path(Transport transport, DataPathAddress candidate) {
    String why =
        transport.sharesWindow()
            ? "the executor is on this host"
            : options.transport().equals(SessionOptions.AUTO)
                ? "the best that both sides have"
                : "asked for";
    against.addFirst(why);
    return new DataPath(
        candidate.getTransport(), candidate.getAddress(), String.join("; ", against));
  }

  /** Proves that this process holds the key that the token names. */
  private byte[] answer(byte[] challengeBlob) throws IOException {
    Handshake.Challenge challenge;
    try {
      challenge = Handshake.Challenge.decode(challengeBlob);
    } catch (IllegalArgumentException e) {
      throw new IOException("the worker's challenge is malformed: " + e.getMessage(), e);
    }
    if (challenge.version() != Wire.VERSION) {
      throw new SessionException(
          Status.VERSION_MISMATCH,
          "the worker speaks version %d, this client %d: use one release on both sides"
              .formatted(challenge.version(), Wire.VERSION));
    }
    byte[] token = worker.getToken().toByteArray();
    byte[] proof =
        Ed25519.sign(
            lease.keys().getPrivate(),
            Wire.PROOF_CONTEXT,
            challenge.nonce(),
            Hashing.sha256().hashBytes(token).asBytes());
    return new Handshake.Answer(Wire.VERSION, token, proof).encode();
  }

  private static Handshake.Reply checked(QueuePair queuePair) {
    Handshake.Reply reply;
    try {
      reply = Handshake.Reply.decode(queuePair.reply());
    } catch (IllegalArgumentException e) {
      throw malformed(e.toString(), e);
    }
    if (reply.status() != Status.OK) {
      throw new SessionException(reply.status(), "the worker refused: " + reply.detail());
    }
    long mapped = queuePair.remoteExposed().sizeBytes();
    if (reply.windowBytes() < 1 || reply.windowBytes() > mapped) {
      throw malformed(
          "it tells of a window of %d bytes and opens %d".formatted(reply.windowBytes(), mapped),
          null);
    }
    if (reply.maxInFlight() < 1 || reply.maxInFlight() > Wire.MAX_IN_FLIGHT) {
      throw malformed(
          "it takes %d invocations in flight; 1 to %d are allowed"
              .formatted(reply.maxInFlight(), Wire.MAX_IN_FLIGHT),
          null);
    }
    return reply;
  }

  private static SessionException malformed(
      String why, @org.jspecify.annotations.Nullable Throwable cause) {
    return new SessionException(
        Status.PROTOCOL_ERROR, "the worker's reply is malformed: " + why, cause);
  }

  private SessionException refused(DataPathAddress candidate, RefusedException e) {
    try {
      Handshake.Reply reply = Handshake.Reply.decode(e.reply());
      return new SessionException(
          reply.status(),
          "worker %d of lease %s refused the session over %s: %s"
              .formatted(options.worker(), lease.id(), candidate.getTransport(), reply.detail()),
          e);
    } catch (IllegalArgumentException malformed) {
      return malformed(malformed.toString(), e);
    }
  }
}
