package io.farwarp.executor.worker;

import com.google.common.hash.Hashing;
import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.farwarp.v1.LeaseToken;
import io.farwarp.v1.SignedLeaseToken;
import io.farwarp.v1.StartWorker;
import io.farwarp.wire.Ed25519;
import io.farwarp.wire.Handshake;
import io.farwarp.wire.Status;
import io.farwarp.wire.Wire;

/**
 * Judges lease tokens without asking anyone: the gateway's signature, and that the token is for
 * this worker's lease. Any thread.
 */
final class TokenCheck {
  private final StartWorker worker;
  private final byte[] gatewayKey;

  TokenCheck(StartWorker worker) {
    this.worker = worker;
    this.gatewayKey = worker.getTokenPublicKey().toByteArray();
  }

  /** A token that is not accepted: the status and the reason for the client. */
  static final class Refusal extends Exception {
    private static final long serialVersionUID = 1L;
    private final Status status;

    Refusal(Status status, String reason) {
      super(reason, null, false, false);
      this.status = status;
    }

    Status status() {
      return status;
    }

    String reason() {
      return String.valueOf(getMessage());
    }
  }

  /** The content of a serialised {@link SignedLeaseToken} for this worker; not its times. */
  LeaseToken verified(byte[] signedToken) throws Refusal {
    LeaseToken token;
    try {
      SignedLeaseToken signed = SignedLeaseToken.parseFrom(signedToken);
      byte[] content = signed.getToken().toByteArray();
      byte[] signature = signed.getSignature().toByteArray();
      if (!Ed25519.verify(gatewayKey, Wire.TOKEN_CONTEXT, signature, content)) {
        throw new Refusal(Status.UNAUTHENTICATED, "the lease token is not signed by the gateway");
      }
      token = LeaseToken.parseFrom(content);
    } catch (InvalidProtocolBufferException e) {
      throw new Refusal(
          Status.UNAUTHENTICATED, "the lease token is no SignedLeaseToken: " + e.getMessage());
    }
    same("lease", token.getLeaseId(), worker.getLease().getLeaseId());
    same("executor", token.getExecutorId(), worker.getExecutorId());
    same("worker", token.getWorkerIndex(), worker.getWorkerIndex());
    same("window", token.getWindowBytes(), worker.getLease().getWindowBytes());
    ByteString key = token.getClientPublicKey();
    if (!key.equals(worker.getLease().getClientPublicKey())) {
      throw new Refusal(
          Status.PERMISSION_DENIED, "the lease token is for another client key than the lease");
    }
    return token;
  }

  /** That the sender of {@code answer} holds the private key that {@code token} names. */
  void possession(LeaseToken token, byte[] nonce, Handshake.Answer answer) throws Refusal {
    boolean proven =
        Ed25519.verify(
            token.getClientPublicKey().toByteArray(),
            Wire.PROOF_CONTEXT,
            answer.proof(),
            nonce,
            Hashing.sha256().hashBytes(answer.token()).asBytes());
    if (!proven) {
      throw new Refusal(
          Status.UNAUTHENTICATED,
          "no proof that the sender holds the key that the lease was granted to");
    }
  }

  private static void same(String what, Object inToken, Object here) throws Refusal {
    if (!inToken.equals(here)) {
      throw new Refusal(
          Status.PERMISSION_DENIED,
          "the lease token is for %s %s; this worker has %s".formatted(what, inToken, here));
    }
  }
}
