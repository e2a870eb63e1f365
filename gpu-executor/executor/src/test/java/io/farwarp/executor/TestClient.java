package io.farwarp.executor;

import io.farwarp.rdma.CompletionHandler;
import io.farwarp.rdma.Introduction;
import io.farwarp.rdma.MemoryRegion;
import io.farwarp.rdma.QueuePair;
import io.farwarp.rdma.Transports;
import io.farwarp.rdma.WriteStatus;
import io.farwarp.v1.ElementType;
import io.farwarp.wire.MessageKind;
import io.farwarp.wire.Status;
import io.farwarp.wire.Wire;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A client that speaks the session protocol, and can speak it wrongly. On shm its tensors are the
 * window; on tcp a mirror of it, region 0, pushed by {@link #push} and returned by RETURN flags.
 */
public final class TestClient implements AutoCloseable, CompletionHandler {
  private static final long LIMIT_NS = TimeUnit.SECONDS.toNanos(20);

  /** How something was answered. */
  public record Completion(
      int slot, long id, Status status, String detail, long queueNs, long kernelNs) {}

  /** One argument as it goes over the wire. */
  public record Argument(
      byte kind, int type, byte flags, int region, long value, long length, long regionOffset) {}

  private final QueuePair queuePair;
  private final @Nullable Arena arena;
  private final @Nullable MemoryRegion mirror;
  private final MemorySegment memory;
  private final Map<Long, Completion> completions = new HashMap<>();
  private int duplicates;
  private int keepAlives;
  private long nextId = 1;
  private @Nullable Completion ended;
  private @Nullable String disconnected;

  private TestClient(QueuePair queuePair, long windowBytes) throws IOException {
    this.queuePair = queuePair;
    if (queuePair.remoteExposed().mapped().isPresent()) {
      arena = null;
      mirror = null;
      memory = queuePair.remoteExposed().mapped().get();
    } else {
      arena = Arena.ofShared();
      memory = arena.allocate(windowBytes, 4096);
      mirror = queuePair.register(memory);
      region(0, mirror.descriptor());
    }
  }

  public static TestClient connect(
      String transport, String address, Introduction introduction, long windowBytes)
      throws IOException {
    QueuePair queuePair = Transports.named(transport).connect(address, introduction, LIMIT_NS);
    return new TestClient(queuePair, windowBytes);
  }

  public QueuePair queuePair() {
    return queuePair;
  }

  /** The tensors' memory on this side. */
  public MemorySegment memory() {
    return memory;
  }

  public int duplicates() {
    return duplicates;
  }

  public int keepAlives() {
    return keepAlives;
  }

  public static Argument tensor(ElementType type, long offset, long length) {
    return new Argument(
        Wire.ARGUMENT_TENSOR, type.getNumber(), (byte) 0, 0, offset, length, offset);
  }

  /** A tensor that comes back to the same place of region 0 where there is one. */
  public Argument out(ElementType type, long offset, long length) {
    byte flags = mirror == null ? 0 : Wire.ARGUMENT_RETURN;
    return new Argument(Wire.ARGUMENT_TENSOR, type.getNumber(), flags, 0, offset, length, offset);
  }

  public static Argument scalar(ElementType type, long bits) {
    return new Argument(Wire.ARGUMENT_SCALAR, type.getNumber(), (byte) 0, 0, bits, 0, 0);
  }

  /** Makes the worker's window hold this side's bytes. */
  public void push(long offset, long length) {
    if (mirror != null) {
      until(
          () -> queuePair.postWrite(mirror, offset, queuePair.remoteExposed(), offset, length, 0));
    }
  }

  /** Posts an INVOKE in slot 0 and waits for its completion. */
  public Completion call(int function, Argument... arguments) {
    return await(invoke(0, function, TimeUnit.SECONDS.toNanos(10), arguments));
  }

  /** Posts an INVOKE; returns its id. */
  public long invoke(int slot, int function, long timeoutNs, Argument... arguments) {
    long id = nextId++;
    request(MessageKind.INVOKE, slot, id, function, timeoutNs, arguments);
    return id;
  }

  public long pull(int slot, Argument... arguments) {
    long id = nextId++;
    request(MessageKind.PULL, slot, id, 0, TimeUnit.SECONDS.toNanos(10), arguments);
    return id;
  }

  public long fence(int slot) {
    long id = nextId++;
    request(MessageKind.FENCE, slot, id, 0, 1);
    return id;
  }

  public void cancel(int slot, long id) {
    request(MessageKind.CANCEL, slot, id, 0, 0);
  }

  /** Any request, well-formed in its structure. */
  public void request(
      byte kind, int slot, long id, int function, long timeoutNs, Argument... arguments) {
    MemorySegment message = header(kind);
    message.set(Wire.U16, Wire.REQUEST_ARGUMENT_COUNT, (short) arguments.length);
    message.set(Wire.U32, Wire.REQUEST_SLOT, slot);
    message.set(Wire.I64, Wire.REQUEST_INVOCATION_ID, id);
    message.set(Wire.U32, Wire.REQUEST_FUNCTION_ID, function);
    message.set(Wire.I64, Wire.REQUEST_TIMEOUT_NS, timeoutNs);
    long at = Wire.HEADER_BYTES;
    for (Argument argument : arguments) {
      message.set(Wire.U8, at + Wire.ARGUMENT_KIND, argument.kind());
      message.set(Wire.U8, at + Wire.ARGUMENT_ELEMENT_TYPE, (byte) argument.type());
      message.set(Wire.U8, at + Wire.ARGUMENT_FLAGS, argument.flags());
      message.set(Wire.U8, at + 3, (byte) 0);
      message.set(Wire.U32, at + Wire.ARGUMENT_REGION_ID, argument.region());
      message.set(Wire.I64, at + Wire.ARGUMENT_VALUE, argument.value());
      message.set(Wire.I64, at + Wire.ARGUMENT_LENGTH_BYTES, argument.length());
      message.set(Wire.I64, at + Wire.ARGUMENT_REGION_OFFSET, argument.regionOffset());
      at += Wire.ARGUMENT_BYTES;
    }
    queuePair.postMessage((int) at);
  }

  public void region(int id, byte[] descriptor) {
    payload(MessageKind.REGION, id, descriptor);
  }

  public void renew(byte[] token) {
    payload(MessageKind.RENEW, 0, token);
  }

  private void payload(byte kind, int slot, byte[] bytes) {
    MemorySegment message = header(kind);
    message.set(Wire.U32, Wire.REQUEST_SLOT, slot);
    message.set(Wire.U32, Wire.REQUEST_PAYLOAD_BYTES, bytes.length);
    MemorySegment.copy(MemorySegment.ofArray(bytes), 0, message, Wire.HEADER_BYTES, bytes.length);
    queuePair.postMessage(Wire.HEADER_BYTES + bytes.length);
  }

  /** The whole message is {@code bytes}. */
  public void raw(byte[] bytes) {
    MemorySegment message = claim();
    MemorySegment.copy(MemorySegment.ofArray(bytes), 0, message, 0, bytes.length);
    queuePair.postMessage(bytes.length);
  }

  public void goodbye(boolean release) {
    MemorySegment message = header(MessageKind.GOODBYE);
    message.set(Wire.U8, Wire.FLAGS, release ? Wire.GOODBYE_RELEASE : 0);
    queuePair.postMessage(Wire.HEADER_BYTES);
  }

  private MemorySegment header(byte kind) {
    MemorySegment message = claim();
    message.asSlice(0, Wire.HEADER_BYTES).fill((byte) 0);
    message.set(Wire.U8, Wire.KIND, kind);
    return message;
  }

  private MemorySegment claim() {
    until(() -> queuePair.claimMessage() != null);
    MemorySegment message = queuePair.claimMessage();
    if (message == null) {
      throw new AssertionError("claimed and gone");
    }
    return message;
  }

  public Completion await(long id) {
    until(() -> completions.containsKey(id) || ended != null || disconnected != null);
    Completion completion = completions.get(id);
    if (completion == null) {
      throw new AssertionError(
          "no completion of %d: ended %s, disconnected %s".formatted(id, ended, disconnected));
    }
    return completion;
  }

  /** The ENDED message. */
  public Completion awaitEnded() {
    until(() -> ended != null || disconnected != null);
    if (ended == null) {
      throw new AssertionError("disconnected without ENDED: " + disconnected);
    }
    return ended;
  }

  public void awaitDisconnected() {
    until(() -> disconnected != null);
  }

  /** Polls until {@code condition} holds; fails after 20 s. */
  public void until(BooleanSupplier condition) {
    long deadlineNs = System.nanoTime() + LIMIT_NS;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - deadlineNs > 0) {
        throw new AssertionError("waited for 20 s");
      }
      if (queuePair.poll(this, 16) == 0) {
        queuePair.await(1_000_000);
      }
    }
  }

  @Override
  public void message(MemorySegment buffer, long at, int lengthBytes) {
    byte kind = buffer.get(Wire.U8, at + Wire.KIND);
    if (kind == MessageKind.KEEP_ALIVE) {
      keepAlives++;
      if ((buffer.get(Wire.U8, at + Wire.FLAGS) & Wire.KEEP_ALIVE_ANSWER) != 0) {
        header(MessageKind.KEEP_ALIVE);
        queuePair.postMessage(Wire.HEADER_BYTES);
      }
      return;
    }
    int detailBytes = buffer.get(Wire.U32, at + Wire.RESPONSE_DETAIL_BYTES);
    byte[] text = new byte[detailBytes];
    MemorySegment.copy(buffer, at + Wire.HEADER_BYTES, MemorySegment.ofArray(text), 0, detailBytes);
    Completion completion =
        new Completion(
            buffer.get(Wire.U32, at + Wire.RESPONSE_SLOT),
            buffer.get(Wire.I64, at + Wire.RESPONSE_INVOCATION_ID),
            Status.ofCode(Short.toUnsignedInt(buffer.get(Wire.U16, at + Wire.RESPONSE_STATUS))),
            new String(text, StandardCharsets.UTF_8),
            buffer.get(Wire.I64, at + Wire.RESPONSE_QUEUE_NS),
            buffer.get(Wire.I64, at + Wire.RESPONSE_KERNEL_NS));
    if (kind == MessageKind.ENDED) {
      ended = completion;
    } else if (completions.put(completion.id(), completion) != null) {
      duplicates++;
    }
  }

  @Override
  public void written(long workRequestId, WriteStatus status) {
    throw new AssertionError("nothing was signalled");
  }

  @Override
  public void disconnected(String reason) {
    disconnected = reason;
  }

  @Override
  public void close() {
    if (mirror != null) {
      mirror.close();
    }
    queuePair.close();
    if (arena != null) {
      arena.close();
    }
  }
}
