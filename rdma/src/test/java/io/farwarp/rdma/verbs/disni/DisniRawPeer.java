package io.farwarp.rdma.verbs.disni;

import com.ibm.disni.verbs.IbvSendWR;
import com.ibm.disni.verbs.IbvWC;
import io.farwarp.rdma.Connection;
import io.farwarp.rdma.provider.Greeting;
import io.farwarp.rdma.verbs.RawPeer;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.TimeUnit;

/** On the provider's own endpoint, without its sender and receiver. */
public final class DisniRawPeer implements RawPeer {
  private static final short VERBS = 3;
  private static final int MEMORY_BYTES = 4096;
  private static final byte FILLING = 0x5a;

  private final long deadlineNs = System.nanoTime() + Connection.TIMEOUT_NS;
  private final CmId id;
  private final Endpoint endpoint;
  private final OpeningStream stream;
  private final VerbsRegion memory;
  private MessageRing ring;
  private VerbsRemoteRegion window;
  private long posted;

  /** Connected when it returns. */
  public DisniRawPeer(String address) throws IOException {
    id = CmId.create();
    id.resolve(VerbsAddress.parse(address), deadlineNs);
    endpoint = Endpoint.create(id);
    stream = new OpeningStream(endpoint);
    MemorySegment bytes = Arena.ofAuto().allocate(MEMORY_BYTES, 64);
    bytes.fill(FILLING);
    memory = endpoint.register(bytes, Endpoint.REMOTE_WRITE);
    id.connect(deadlineNs);
  }

  @Override
  public void open() throws IOException {
    Greeting greeting = new Greeting(stream, VERBS, deadlineNs);
    greeting.answer(challenge -> challenge);
    ring = MessageRing.decode(greeting.receiveBytes(MessageRing.GRANT_BYTES));
    int length =
        ByteBuffer.wrap(greeting.receiveBytes(Integer.BYTES))
            .order(ByteOrder.LITTLE_ENDIAN)
            .getInt();
    window = VerbsRemoteRegion.decode(endpoint, greeting.receiveBytes(length));
    greeting.sendBytes(MessageRing.grant(memory));
    stream.flush(deadlineNs);
    posted = stream.sent();
  }

  @Override
  public Place ring() {
    return new Place(ring.address(), ring.key());
  }

  @Override
  public Place window() {
    return new Place(window.addressOf(0), window.key(0));
  }

  @Override
  public Place own() {
    return new Place(memory.memory().address(), memory.remoteKey());
  }

  @Override
  public String post(Request request, Place target, int lengthBytes, int immediate)
      throws IOException {
    int opcode =
        switch (request) {
          case WRITE -> IbvSendWR.IBV_WR_RDMA_WRITE;
          case WRITE_WITH_IMMEDIATE -> IbvSendWR.IBV_WR_RDMA_WRITE_WITH_IMM;
          case SEND -> IbvSendWR.IBV_WR_SEND;
        };
    PreparedSend prepared = PreparedSend.prepare(endpoint.queuePair(), opcode, immediate);
    prepared.from(memory.memory().address(), lengthBytes, memory.localKey(0));
    prepared.to(target.address(), target.key()).post(++posted, IbvSendWR.IBV_SEND_SIGNALED);
    try {
      while (true) {
        IbvWC completion = completion();
        if (completion.getWr_id() == posted) {
          return WorkStatus.name(completion.getStatus());
        }
      }
    } finally {
      prepared.free();
    }
  }

  private IbvWC completion() throws IOException {
    IbvWC completion = endpoint.completions().next();
    while (completion == null) {
      long leftNs = deadlineNs - System.nanoTime();
      if (leftNs <= 0) {
        throw new IOException("nothing completed in time");
      }
      endpoint.completions().await(leftNs);
      completion = endpoint.completions().next();
    }
    return completion;
  }

  @Override
  public void send(byte[] bytes) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      stream.write(arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes), deadlineNs);
    }
  }

  @Override
  public void awaitEnd() throws IOException {
    int timeoutMs = Math.toIntExact(TimeUnit.NANOSECONDS.toMillis(Connection.TIMEOUT_NS));
    CmEvent event = id.nextEvent(timeoutMs);
    if (event == null || event.type() != CmEvent.Type.DISCONNECTED) {
      throw new IOException("instead of the end came " + event);
    }
  }

  @Override
  public void close() throws IOException {
    id.disconnect();
    endpoint.close();
  }
}
