package io.farwarp.client;

import io.farwarp.rdma.Admission;
import io.farwarp.rdma.CompletionHandler;
import io.farwarp.rdma.ExposedMemory;
import io.farwarp.rdma.Listener;
import io.farwarp.rdma.QueuePair;
import io.farwarp.rdma.RemoteRegion;
import io.farwarp.rdma.Transports;
import io.farwarp.rdma.WriteStatus;
import io.farwarp.rdma.linux.SharedMemory;
import io.farwarp.v1.LeaseToken;
import io.farwarp.v1.SignedLeaseToken;
import io.farwarp.wire.Ed25519;
import io.farwarp.wire.Handshake;
import io.farwarp.wire.MessageKind;
import io.farwarp.wire.Status;
import io.farwarp.wire.Wire;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;

/**
 * A worker that speaks the session protocol over the real transports, and runs Java in place of
 * kernels: each function id has a script that is told of its calls on the worker's thread, and
 * answers them then or later.
 */
final class TestWorker implements AutoCloseable {
  static final int MAX_IN_FLIGHT = 64;

  /** What the worker does with the calls of one function. */
  interface Script {
    void called(Call call);
  }

  private final SharedMemory window;
  private final byte[] gatewayKey;
  private final Listener shm;
  private final Listener tcp;
  private final Map<Integer, Script> scripts = new ConcurrentHashMap<>();
  private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
  private final AtomicReference<Serving> serving = new AtomicReference<>();

  /** Set when a client is admitted, which is before its connection is handed over. */
  private final AtomicBoolean taken = new AtomicBoolean();

  final List<Integer> renewals = new CopyOnWriteArrayList<>();
  final List<Long> cancelledIds = new CopyOnWriteArrayList<>();
  final List<Byte> kinds = new CopyOnWriteArrayList<>();
  volatile boolean answersCancels = true;

  TestWorker(Path directory, long windowBytes, byte[] gatewayKey) throws IOException {
    this.gatewayKey = gatewayKey;
    this.window = SharedMemory.create("test-window", windowBytes);
    Door door = new Door();
    this.shm = Transports.named("shm").listen(directory.resolve("worker.sock").toString(), door);
    this.tcp = Transports.named("tcp").listen("127.0.0.1:0", door);
    shm.start();
    tcp.start();
  }

  String shmAddress() {
    return shm.address();
  }

  String tcpAddress() {
    return tcp.address();
  }

  MemorySegment window() {
    return window.segment();
  }

  void script(int functionId, Script script) {
    scripts.put(functionId, script);
  }

  /** Runs {@code task} on the worker's thread, where calls may be answered and messages sent. */
  void onWorker(Runnable task) {
    tasks.add(task);
    Serving now = serving.get();
    if (now != null) {
      now.queuePair.wakeup();
    }
  }

  /** Breaks the connection without a word. */
  void vanish() {
    onWorker(() -> serving.get().stop = true);
  }

  /** Sends bytes as they are. */
  void sendRaw(byte[] message) {
    onWorker(() -> serving.get().send(message));
  }

  void end(Status status, String reason) {
    onWorker(() -> serving.get().respond(MessageKind.ENDED, status, 0, 0, reason, 0));
  }

  boolean isServing() {
    return taken.get();
  }

  @Override
  public void close() throws IOException {
    shm.close();
    tcp.close();
    Serving now = serving.get();
    if (now != null) {
      now.stop = true;
      now.queuePair.wakeup();
      TestCloud.await(() -> !now.isAlive(), "the worker's thread has ended");
    }
    window.close();
  }

  /** One argument as it came. */
  record Received(byte kind, int type, byte flags, int regionId, long value, long bytes, long at) {
    boolean isReturned() {
      return flags == Wire.ARGUMENT_RETURN;
    }
  }

  /** An invocation or pull that waits for its answer. */
  final class Call {
    final Serving on;
    final byte kind;
    final int slot;
    final long id;
    final int functionId;
    final long timeoutNs;
    final List<Received> arguments = new ArrayList<>();

    Call(Serving on, MemorySegment buffer, long at) {
      this.on = on;
      kind = buffer.get(Wire.U8, at);
      slot = buffer.get(Wire.U32, at + Wire.REQUEST_SLOT);
      id = buffer.get(Wire.I64, at + Wire.REQUEST_INVOCATION_ID);
      functionId = buffer.get(Wire.U32, at + Wire.REQUEST_FUNCTION_ID);
      timeoutNs = buffer.get(Wire.I64, at + Wire.REQUEST_TIMEOUT_NS);
      int count = buffer.get(Wire.U16, at + Wire.REQUEST_ARGUMENT_COUNT);
      for (int i = 0; i < count; i++) {
        long a = at + Wire.HEADER_BYTES + (long) i * Wire.ARGUMENT_BYTES;
        arguments.add(
            new Received(
                buffer.get(Wire.U8, a + Wire.ARGUMENT_KIND),
                buffer.get(Wire.U8, a + Wire.ARGUMENT_ELEMENT_TYPE),
                buffer.get(Wire.U8, a + Wire.ARGUMENT_FLAGS),
                buffer.get(Wire.U32, a + Wire.ARGUMENT_REGION_ID),
                buffer.get(Wire.I64, a + Wire.ARGUMENT_VALUE),
                buffer.get(Wire.I64, a + Wire.ARGUMENT_LENGTH_BYTES),
                buffer.get(Wire.I64, a + Wire.ARGUMENT_REGION_OFFSET)));
      }
    }

    MemorySegment tensor(int index) {
      Received argument = arguments.get(index);
      return window().asSlice(argument.value(), argument.bytes());
    }

    long scalar(int index) {
      return arguments.get(index).value();
    }

    /** False once it was answered, a cancel included. */
    boolean isOpen() {
      return on.open.containsKey(id);
    }

    void ok() {
      answer(Status.OK, "");
    }

    /** Writes back what is to be returned, then completes; on the worker's thread. */
    void answer(Status status, String detail) {
      for (Received each : arguments) {
        if (status == Status.OK && each.isReturned()) {
          RemoteRegion region = on.regions.get(each.regionId());
          while (!on.queuePair.postWrite(
              on.queuePair.localExposed(),
              each.value(),
              region,
              each.at(),
              each.bytes(),
              QueuePair.UNSIGNALLED)) {
            on.queuePair.poll(on, 1);
          }
        }
      }
      on.respond(MessageKind.COMPLETION, status, slot, id, detail, 1000);
    }
  }

  /** The worker's end of one session. */
  private final class Serving extends Thread implements CompletionHandler {
    final QueuePair queuePair;
    final Map<Integer, RemoteRegion> regions = new ConcurrentHashMap<>();
    final Map<Long, Call> open = new ConcurrentHashMap<>();
    volatile boolean stop;

    Serving(QueuePair queuePair) {
      super("test-worker");
      this.queuePair = queuePair;
      setDaemon(true);
    }

    @Override
    public void run() {
      while (!stop) {
        int events = queuePair.poll(this, 16);
        Runnable task;
        while ((task = tasks.poll()) != null) {
          task.run();
        }
        if (events == 0 && !stop) {
          queuePair.await(10_000_000);
        }
      }
      queuePair.close();
      if (serving.compareAndSet(this, null)) {
        taken.set(false);
      }
    }

    @Override
    public void message(MemorySegment buffer, long at, int lengthBytes) {
      byte kind = buffer.get(Wire.U8, at);
      if (kind != MessageKind.INVOKE) {
        kinds.add(kind);
      }
      int slot = buffer.get(Wire.U32, at + Wire.REQUEST_SLOT);
      long id = buffer.get(Wire.I64, at + Wire.REQUEST_INVOCATION_ID);
      int payload = buffer.get(Wire.U32, at + Wire.REQUEST_PAYLOAD_BYTES);
      switch (kind) {
        case MessageKind.INVOKE -> {
          Call call = new Call(this, buffer, at);
          open.put(call.id, call);
          Script script = scripts.get(call.functionId);
          if (script == null) {
            call.answer(Status.UNKNOWN_FUNCTION, "no function " + call.functionId);
          } else {
            script.called(call);
          }
        }
        case MessageKind.FENCE -> respond(MessageKind.COMPLETION, Status.OK, slot, id, "", 0);
        case MessageKind.PULL -> new Call(this, buffer, at).ok();
        case MessageKind.CANCEL -> {
          cancelledIds.add(id);
          Call call = open.get(id);
          if (call != null && answersCancels) {
            call.answer(Status.CANCELLED, "cancelled by the client");
          }
        }
        case MessageKind.REGION -> region(slot, bytes(buffer, at, payload));
        case MessageKind.RENEW -> renewals.add(token(bytes(buffer, at, payload)).getRenewal());
        case MessageKind.GOODBYE -> stop = true;
        default -> {}
      }
    }

    private byte[] bytes(MemorySegment buffer, long at, int count) {
      return buffer.asSlice(at + Wire.HEADER_BYTES, count).toArray(ValueLayout.JAVA_BYTE);
    }

    private void region(int id, byte[] descriptor) {
      try {
        regions.put(id, queuePair.importRegion(descriptor));
      } catch (IOException e) {
        throw new AssertionError("a region descriptor of the client's", e);
      }
    }

    void respond(byte kind, Status status, int slot, long id, String detail, long ns) {
      open.remove(id);
      byte[] text = detail.getBytes(StandardCharsets.UTF_8);
      MemorySegment message = MemorySegment.ofArray(new byte[Wire.HEADER_BYTES + text.length]);
      message.set(Wire.U8, Wire.KIND, kind);
      message.set(Wire.U16, Wire.RESPONSE_STATUS, (short) status.code());
      message.set(Wire.U32, Wire.RESPONSE_SLOT, slot);
      message.set(Wire.I64, Wire.RESPONSE_INVOCATION_ID, id);
      message.set(Wire.I64, Wire.RESPONSE_QUEUE_NS, ns);
      message.set(Wire.I64, Wire.RESPONSE_COPY_IN_NS, ns);
      message.set(Wire.I64, Wire.RESPONSE_KERNEL_NS, ns);
      message.set(Wire.I64, Wire.RESPONSE_COPY_OUT_NS, ns);
      message.set(Wire.U32, Wire.RESPONSE_DETAIL_BYTES, text.length);
      MemorySegment.copy(MemorySegment.ofArray(text), 0, message, Wire.HEADER_BYTES, text.length);
      send(message.toArray(ValueLayout.JAVA_BYTE));
    }

    void send(byte[] message) {
      MemorySegment place = queuePair.claimMessage();
      if (place != null) {
        MemorySegment.copy(MemorySegment.ofArray(message), 0, place, 0, message.length);
        queuePair.postMessage(message.length);
      }
    }

    @Override
    public void written(long workRequestId, WriteStatus status) {}

    @Override
    public void disconnected(String reason) {
      stop = true;
    }
  }

  private LeaseToken token(byte[] signed) {
    try {
      SignedLeaseToken token = SignedLeaseToken.parseFrom(signed);
      byte[] content = token.getToken().toByteArray();
      if (!Ed25519.verify(
          gatewayKey, Wire.TOKEN_CONTEXT, token.getSignature().toByteArray(), content)) {
        throw new AssertionError("a token that the gateway did not sign");
      }
      return LeaseToken.parseFrom(content);
    } catch (com.google.protobuf.InvalidProtocolBufferException e) {
      throw new AssertionError("a token that is none", e);
    }
  }

  /** Checks token and proof as the protocol says. */
  private final class Door implements Admission {
    @Override
    public byte[] challenge() {
      byte[] nonce = new byte[Wire.NONCE_BYTES];
      new SecureRandom().nextBytes(nonce);
      return new Handshake.Challenge(Wire.VERSION, nonce).encode();
    }

    @Override
    public Verdict admit(byte[] challenge, byte[] answerBlob, Runnable proven) {
      try {
        Handshake.Answer answer = Handshake.Answer.decode(answerBlob);
        LeaseToken token = token(answer.token());
        byte[] nonce = Handshake.Challenge.decode(challenge).nonce();
        byte[] digest = MessageDigest.getInstance("SHA-256").digest(answer.token());
        byte[] key = token.getClientPublicKey().toByteArray();
        if (!Ed25519.verify(key, Wire.PROOF_CONTEXT, answer.proof(), nonce, digest)) {
          return refused(Status.UNAUTHENTICATED, "no proof of possession");
        }
        if (!taken.compareAndSet(false, true)) {
          return refused(Status.ALREADY_CONNECTED, "this worker has a session");
        }
        Handshake.Reply reply =
            new Handshake.Reply(
                Wire.VERSION, Status.OK, window.sizeBytes(), 60_000, 0, MAX_IN_FLIGHT, "");
        return new Admitted(
            reply.encode(),
            new ExposedMemory(window.segment(), OptionalInt.of(window.descriptor())));
      } catch (java.security.NoSuchAlgorithmException e) {
        throw new AssertionError(e);
      }
    }

    private Refused refused(Status status, String why) {
      return new Refused(Handshake.Reply.refused(status, why).encode());
    }

    @Override
    public void connected(QueuePair queuePair, Admitted admitted) {
      Serving next = new Serving(queuePair);
      serving.set(next);
      next.start();
    }

    @Override
    public void abandoned(Admitted admitted) {
      taken.set(false);
    }
  }
}
