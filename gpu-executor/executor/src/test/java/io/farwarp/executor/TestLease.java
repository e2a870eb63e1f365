package io.farwarp.executor;

import com.google.protobuf.ByteString;
import io.farwarp.rdma.Introduction;
import io.farwarp.v1.DeviceClass;
import io.farwarp.v1.LeaseToken;
import io.farwarp.v1.PrepareLease;
import io.farwarp.v1.SignedLeaseToken;
import io.farwarp.v1.StartWorker;
import io.farwarp.wire.Ed25519;
import io.farwarp.wire.Handshake;
import io.farwarp.wire.Wire;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.function.UnaryOperator;

/** A lease as a gateway grants it: its keys, orders and tokens. */
public final class TestLease {
  public static final String EXECUTOR = "test-executor";
  private static final long ISSUED_MS = 1_700_000_000_000L;

  private final KeyPair gateway = Ed25519.generate();
  private final KeyPair client = Ed25519.generate();
  private final PrepareLease order;

  public TestLease(String id, long windowBytes, long ttlMs) {
    order =
        PrepareLease.newBuilder()
            .setLeaseId(id)
            .setTenant("test")
            .setDeviceId("ptx-0")
            .setWindowBytes(windowBytes)
            .setShareMillis(1000)
            .setWorkers(1)
            .setHotUs(200)
            .setTtlMs(ttlMs)
            .setIssuedAtUnixMs(ISSUED_MS)
            .setClientPublicKey(ByteString.copyFrom(Ed25519.rawPublicKey(client.getPublic())))
            .build();
  }

  /** {@code -Dfarwarp.test.device=ptx}, or {@code cuda} where there is a driver. */
  private static DeviceClass deviceClass() {
    return System.getProperty("farwarp.test.device", "ptx").equals("cuda")
        ? DeviceClass.CUDA
        : DeviceClass.PTX_CPU;
  }

  public PrepareLease order() {
    return order;
  }

  public byte[] gatewayKey() {
    return Ed25519.rawPublicKey(gateway.getPublic());
  }

  public StartWorker startWorker(String windowPath, Path directory) {
    return StartWorker.newBuilder()
        .setLease(order)
        .setExecutorId(EXECUTOR)
        .setTokenPublicKey(ByteString.copyFrom(gatewayKey()))
        .setComputeThreads(2)
        .setWindowPath(windowPath)
        .setDirectory(directory.toString())
        .setTcpHost("127.0.0.1")
        .setHostId("test-host")
        .setDeviceClass(deviceClass())
        .build();
  }

  /** The token that a gateway would give, with changes. */
  public byte[] token(UnaryOperator<LeaseToken.Builder> changes) {
    LeaseToken.Builder token =
        LeaseToken.newBuilder()
            .setLeaseId(order.getLeaseId())
            .setTenant(order.getTenant())
            .setExecutorId(EXECUTOR)
            .setWindowBytes(order.getWindowBytes())
            .setShareMillis(order.getShareMillis())
            .setHotUs(order.getHotUs())
            .setIssuedAtUnixMs(ISSUED_MS)
            .setExpiresAtUnixMs(ISSUED_MS + order.getTtlMs())
            .setClientPublicKey(order.getClientPublicKey());
    return sign(changes.apply(token).build());
  }

  public byte[] token() {
    return token(UnaryOperator.identity());
  }

  /** Token number {@code renewal}, which ends {@code moreMs} later than the first. */
  public byte[] renewed(int renewal, long moreMs) {
    return token(t -> t.setRenewal(renewal).setExpiresAtUnixMs(t.getExpiresAtUnixMs() + moreMs));
  }

  private byte[] sign(LeaseToken token) {
    byte[] content = token.toByteArray();
    return SignedLeaseToken.newBuilder()
        .setToken(ByteString.copyFrom(content))
        .setSignature(
            ByteString.copyFrom(Ed25519.sign(gateway.getPrivate(), Wire.TOKEN_CONTEXT, content)))
        .build()
        .toByteArray();
  }

  /** How the holder of the lease introduces itself. */
  public Introduction introduction() {
    return introduction(token(), client);
  }

  public Introduction introduction(byte[] token) {
    return introduction(token, client);
  }

  /** The same with a key of the caller's choice. */
  public static Introduction introduction(byte[] token, KeyPair key) {
    return challenge -> {
      byte[] nonce = Handshake.Challenge.decode(challenge).nonce();
      byte[] proof = Ed25519.sign(key.getPrivate(), Wire.PROOF_CONTEXT, nonce, sha256(token));
      return new Handshake.Answer(Wire.VERSION, token, proof).encode();
    };
  }

  private static byte[] sha256(byte[] bytes) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(bytes);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
