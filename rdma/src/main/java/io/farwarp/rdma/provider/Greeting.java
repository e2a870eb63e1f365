package io.farwarp.rdma.provider;

import io.farwarp.rdma.Admission;
import io.farwarp.rdma.Introduction;
import io.farwarp.rdma.RefusedException;
import io.farwarp.wire.Wire;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The opening of a connection, the same on every stream: each side sends an 8-byte preface, then
 * the listener its challenge, the connector its answer, the listener a verdict byte and its reply;
 * docs/protocol.md gives the bytes. What a provider grants an admitted peer follows.
 */
public final class Greeting {
  /** "FWTP": the first four bytes of either direction. */
  private static final int MAGIC = 0x50545746;

  private static final short VERSION = 1;
  private static final int PREFACE_BYTES = 8;
  private static final byte REFUSED = 0;
  private static final byte ADMITTED = 1;

  private final ConnectStream stream;
  private final short transport;
  private final long deadlineNs;

  /**
   * @param transport the provider's number on the wire, so that a peer of another one is named
   */
  public Greeting(ConnectStream stream, short transport, long deadlineNs) {
    this.stream = stream;
    this.transport = transport;
    this.deadlineNs = deadlineNs;
  }

  /**
   * The listener's part up to the judgement, which {@link #sendVerdict} tells the peer.
   *
   * @param proven as {@link Admission#admit} says
   */
  public Admission.Verdict challenge(Admission admission, Runnable proven) throws IOException {
    byte[] challenge = admission.challenge();
    sendPreface();
    sendBlob(challenge);
    receivePreface();
    return admission.admit(challenge, receiveBlob("answer"), proven);
  }

  public void sendVerdict(Admission.Verdict verdict) throws IOException {
    switch (verdict) {
      case Admission.Admitted admitted -> {
        sendBytes(new byte[] {ADMITTED});
        sendBlob(admitted.reply());
      }
      case Admission.Refused refused -> {
        sendBytes(new byte[] {REFUSED});
        sendBlob(refused.reply());
      }
    }
  }

  /** The connector's part; returns the reply of a listener that admits it. */
  public byte[] answer(Introduction introduction) throws IOException {
    sendPreface();
    receivePreface();
    sendBlob(introduction.answer(receiveBlob("challenge")));
    byte verdict = receiveBytes(1)[0];
    byte[] reply = receiveBlob("reply");
    return switch (verdict) {
      case ADMITTED -> reply;
      case REFUSED -> throw new RefusedException(reply);
      default -> throw new IOException("verdict byte " + verdict + "; 0 and 1 are known");
    };
  }

  /** A provider's own bytes, after the verdict. */
  public void sendBytes(byte[] bytes) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      stream.write(arena.allocateFrom(java.lang.foreign.ValueLayout.JAVA_BYTE, bytes), deadlineNs);
    }
  }

  public byte[] receiveBytes(int count) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(count);
      stream.read(bytes, deadlineNs);
      return bytes.toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
    }
  }

  private void sendPreface() throws IOException {
    sendBytes(buffer(PREFACE_BYTES).putInt(MAGIC).putShort(VERSION).putShort(transport).array());
  }

  private void receivePreface() throws IOException {
    ByteBuffer preface =
        ByteBuffer.wrap(receiveBytes(PREFACE_BYTES)).order(ByteOrder.LITTLE_ENDIAN);
    int magic = preface.getInt();
    if (magic != MAGIC) {
      throw new IOException(
          "the peer is no Farwarp transport: it began with 0x%08x".formatted(magic));
    }
    short version = preface.getShort();
    if (version != VERSION) {
      throw new IOException(
          "the peer speaks transport version %d; this side %d".formatted(version, VERSION));
    }
    short other = preface.getShort();
    if (other != transport) {
      throw new IOException(
          "the peer speaks transport number %d; this side %d".formatted(other, transport));
    }
  }

  private void sendBlob(byte[] blob) throws IOException {
    if (blob.length > Wire.MAX_HANDSHAKE_BYTES) {
      throw new IOException(
          "handshake blob of %d bytes; the limit is %d"
              .formatted(blob.length, Wire.MAX_HANDSHAKE_BYTES));
    }
    sendBytes(buffer(Integer.BYTES + blob.length).putInt(blob.length).put(blob).array());
  }

  private byte[] receiveBlob(String what) throws IOException {
    int length =
        ByteBuffer.wrap(receiveBytes(Integer.BYTES)).order(ByteOrder.LITTLE_ENDIAN).getInt();
    if (length < 0 || length > Wire.MAX_HANDSHAKE_BYTES) {
      throw new IOException(
          "the peer's %s has %d bytes; the limit is %d"
              .formatted(what, Integer.toUnsignedLong(length), Wire.MAX_HANDSHAKE_BYTES));
    }
    return receiveBytes(length);
  }

  private static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
