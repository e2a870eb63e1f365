package io.farwarp.wire;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The three blobs that open a session: the worker's {@link Challenge}, the client's {@link Answer},
 * the worker's {@link Reply}. Decoding checks every length; a malformed blob is an {@link
 * IllegalArgumentException} that names the field.
 */
public final class Handshake {
  private Handshake() {}

  /** magic u32, version u16, reserved u16, nonce 32 bytes. */
  public record Challenge(int version, byte[] nonce) {
    public byte[] encode() {
      return buffer(8 + Wire.NONCE_BYTES)
          .putInt(Wire.MAGIC)
          .putShort((short) version)
          .putShort((short) 0)
          .put(nonce)
          .array();
    }

    public static Challenge decode(byte[] blob) {
      ByteBuffer in = open(blob, 8 + Wire.NONCE_BYTES, "challenge");
      int version = Short.toUnsignedInt(in.getShort());
      in.getShort();
      return new Challenge(version, take(in, Wire.NONCE_BYTES, "nonce"));
    }
  }

  /** magic u32, version u16, token length u16, serialised SignedLeaseToken, proof 64 bytes. */
  public record Answer(int version, byte[] token, byte[] proof) {
    public static final int PROOF_BYTES = 64;
    public static final int MAX_TOKEN_BYTES = 1024;

    public byte[] encode() {
      return buffer(8 + token.length + proof.length)
          .putInt(Wire.MAGIC)
          .putShort((short) version)
          .putShort((short) token.length)
          .put(token)
          .put(proof)
          .array();
    }

    public static Answer decode(byte[] blob) {
      ByteBuffer in = open(blob, 8, "answer");
      int version = Short.toUnsignedInt(in.getShort());
      int tokenBytes = Short.toUnsignedInt(in.getShort());
      if (tokenBytes > MAX_TOKEN_BYTES) {
        throw new IllegalArgumentException(
            "answer: token of " + tokenBytes + " bytes; the limit is " + MAX_TOKEN_BYTES);
      }
      byte[] token = take(in, tokenBytes, "token");
      byte[] proof = take(in, PROOF_BYTES, "proof");
      if (in.hasRemaining()) {
        throw new IllegalArgumentException("answer: " + in.remaining() + " bytes too many");
      }
      return new Answer(version, token, proof);
    }
  }

  /**
   * magic u32, version u16, status u16, window bytes i64, time to live in ms i64, hot time in us
   * u32, invocations in flight u32, detail length u32, detail in UTF-8. With a status other than OK
   * the connection ends after it.
   */
  public record Reply(
      int version,
      Status status,
      long windowBytes,
      long ttlMs,
      int hotUs,
      int maxInFlight,
      String detail) {
    private static final int FIXED_BYTES = 36;

    public static Reply refused(Status status, String detail) {
      return new Reply(Wire.VERSION, status, 0, 0, 0, 0, detail);
    }

    public byte[] encode() {
      byte[] text = PeerText.encode(detail);
      return buffer(FIXED_BYTES + text.length)
          .putInt(Wire.MAGIC)
          .putShort((short) version)
          .putShort((short) status.code())
          .putLong(windowBytes)
          .putLong(ttlMs)
          .putInt(hotUs)
          .putInt(maxInFlight)
          .putInt(text.length)
          .put(text)
          .array();
    }

    public static Reply decode(byte[] blob) {
      ByteBuffer in = open(blob, FIXED_BYTES, "reply");
      int version = Short.toUnsignedInt(in.getShort());
      Status status = Status.ofCode(Short.toUnsignedInt(in.getShort()));
      long windowBytes = in.getLong();
      long ttlMs = in.getLong();
      int hotUs = in.getInt();
      int maxInFlight = in.getInt();
      int detailBytes = in.getInt();
      if (detailBytes < 0 || detailBytes > Wire.MAX_DETAIL_BYTES) {
        throw new IllegalArgumentException(
            "reply: detail of " + detailBytes + " bytes; the limit is " + Wire.MAX_DETAIL_BYTES);
      }
      String detail = PeerText.decode(take(in, detailBytes, "detail"));
      return new Reply(version, status, windowBytes, ttlMs, hotUs, maxInFlight, detail);
    }
  }

  private static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static ByteBuffer open(byte[] blob, int leastBytes, String what) {
    if (blob.length < leastBytes || blob.length > Wire.MAX_HANDSHAKE_BYTES) {
      throw new IllegalArgumentException(
          "%s of %d bytes; it takes %d to %d"
              .formatted(what, blob.length, leastBytes, Wire.MAX_HANDSHAKE_BYTES));
    }
    ByteBuffer in = ByteBuffer.wrap(blob).order(ByteOrder.LITTLE_ENDIAN);
    int magic = in.getInt();
    if (magic != Wire.MAGIC) {
      throw new IllegalArgumentException("%s: magic 0x%08x, not Farwarp's".formatted(what, magic));
    }
    return in;
  }

  private static byte[] take(ByteBuffer in, int bytes, String what) {
    if (in.remaining() < bytes) {
      throw new IllegalArgumentException(
          "%s: %d bytes wanted, %d left".formatted(what, bytes, in.remaining()));
    }
    byte[] taken = new byte[bytes];
    in.get(taken);
    return taken;
  }
}
