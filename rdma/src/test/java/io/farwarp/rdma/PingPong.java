package io.farwarp.rdma;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.farwarp.rdma.linux.SharedMemory;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.OptionalInt;

/**
 * Measures a transport against its own raw baseline, interleaved in one run of two processes:
 * {@code PingPong shm|tcp latency|warm|bandwidth [blocks]}. For people; not a test.
 */
public final class PingPong {
  private static final int MESSAGE_BYTES = 64;
  private static final int ROUNDS = 50_000;
  private static final int WARM_ROUNDS = 2_000;
  private static final long WINDOW_BYTES = 64L << 20;
  private static final int TRANSFERS = 20;
  private static final VarHandle SEQUENCE = JAVA_LONG.varHandle();

  private PingPong() {}

  public static void main(String[] arguments) throws Exception {
    if (arguments[0].equals("peer")) {
      peer(arguments[1], arguments[2], Integer.parseInt(arguments[3]), arguments[4]);
      return;
    }
    String what = arguments[1];
    int blocks = arguments.length > 2 ? Integer.parseInt(arguments[2]) : 8;
    measure(arguments[0], what, blocks);
  }

  private static void measure(String name, String what, int blocks) throws Exception {
    Path directory = Files.createTempDirectory("pingpong");
    Transport transport = Transports.named(name);
    try (SharedMemory window = SharedMemory.create("pingpong", WINDOW_BYTES);
        ServerSocketChannel rawServer =
            ServerSocketChannel.open()
                .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))) {
      window.prefault();
      RecordingAdmission admission =
          new RecordingAdmission(
              new ExposedMemory(window.segment(), OptionalInt.of(window.descriptor())));
      String address = name.equals("shm") ? directory.resolve("s").toString() : "127.0.0.1:0";
      try (Listener listener = transport.listen(address, admission)) {
        listener.start();
        int rawPort = ((InetSocketAddress) rawServer.getLocalAddress()).getPort();
        Process peer =
            ChildJvm.start(
                PingPong.class, "peer", name, listener.address(), String.valueOf(rawPort), what);
        try (SocketChannel raw = rawServer.accept();
            QueuePair queuePair = admission.nextConnected()) {
          prepare(raw);
          run(what, name, blocks, window.segment(), raw, queuePair);
        } finally {
          peer.destroy();
          peer.waitFor();
        }
      }
    } finally {
      Files.deleteIfExists(directory);
    }
  }

  private static void prepare(SocketChannel raw) throws IOException {
    raw.configureBlocking(false);
    raw.setOption(StandardSocketOptions.TCP_NODELAY, true);
  }

  private static void run(
      String what, String name, int blocks, MemorySegment window, SocketChannel raw, QueuePair qp)
      throws IOException {
    boolean bandwidth = what.equals("bandwidth");
    boolean warm = what.equals("warm");
    int rounds = bandwidth ? TRANSFERS : warm ? WARM_ROUNDS : ROUNDS;
    double[] ratios = new double[blocks];
    Echo echo = new Echo(qp, warm);
    for (int block = -2; block < blocks; block++) {
      long[] base =
          bandwidth
              ? rawTransfers(window, raw, rounds)
              : name.equals("shm") ? rawShm(window, rounds, true) : rawTcp(raw, rounds, true);
      long[] ours = bandwidth ? echo.transfers(rounds) : echo.rounds(rounds);
      if (block >= 0) {
        ratios[block] = (double) p(ours, 50) / p(base, 50);
        System.out.printf(
            "raw p50 %d p99 %d ns; ours p50 %d p99 %d ns; ratio %.2f, difference %d ns%n",
            p(base, 50),
            p(base, 99),
            p(ours, 50),
            p(ours, 99),
            ratios[block],
            p(ours, 50) - p(base, 50));
      }
    }
    Arrays.sort(ratios);
    System.out.printf("median ratio %.3f%n", ratios[blocks / 2]);
    Connection.post(qp, "end");
  }

  private static long p(long[] sorted, int percent) {
    Arrays.sort(sorted);
    return sorted[sorted.length * percent / 100];
  }

  private static void peer(String name, String address, int rawPort, String what) throws Exception {
    boolean warm = what.equals("warm");
    try (SocketChannel raw =
            SocketChannel.open(new InetSocketAddress(InetAddress.getLoopbackAddress(), rawPort));
        QueuePair qp =
            Transports.named(name).connect(address, challenge -> challenge, Connection.TIMEOUT_NS);
        Arena arena = Arena.ofConfined()) {
      prepare(raw);
      MemorySegment memory =
          qp.remoteExposed().mapped().orElseGet(() -> arena.allocate(WINDOW_BYTES, 4096));
      MemorySegment source = arena.allocate(WINDOW_BYTES, 4096);
      source.fill((byte) 1);
      Echo echo = new Echo(qp, warm);
      boolean bandwidth = what.equals("bandwidth");
      int rounds = bandwidth ? TRANSFERS : warm ? WARM_ROUNDS : ROUNDS;
      while (qp.isOpen()) {
        if (bandwidth) {
          sendRaw(source, raw, rounds);
          echo.send(qp.register(source), rounds);
        } else {
          if (name.equals("shm")) {
            rawShm(memory, rounds, false);
          } else {
            rawTcp(raw, rounds, false);
          }
          echo.echo(rounds);
        }
      }
    }
  }

  /** Sequence in one line, 64 bytes in the next, each direction 256 bytes apart. */
  private static long[] rawShm(MemorySegment window, int rounds, boolean leads) {
    long[] times = new long[rounds];
    MemorySegment copy = Arena.ofAuto().allocate(64);
    long base = window.get(JAVA_LONG, 1024 + (leads ? 0 : 8));
    for (int i = 0; i < rounds; i++) {
      long start = System.nanoTime();
      if (leads) {
        MemorySegment.copy(copy, 0, window, 64, MESSAGE_BYTES);
        SEQUENCE.setRelease(window, 0L, base + i + 1);
        awaitSequence(window, 256, base + i + 1);
        MemorySegment.copy(window, 320, copy, 0, MESSAGE_BYTES);
      } else {
        awaitSequence(window, 0, base + i + 1);
        MemorySegment.copy(window, 64, copy, 0, MESSAGE_BYTES);
        MemorySegment.copy(copy, 0, window, 320, MESSAGE_BYTES);
        SEQUENCE.setRelease(window, 256L, base + i + 1);
      }
      times[i] = System.nanoTime() - start;
    }
    window.set(JAVA_LONG, 1024 + (leads ? 0 : 8), base + rounds);
    return times;
  }

  private static void awaitSequence(MemorySegment window, long offset, long value) {
    while ((long) SEQUENCE.getAcquire(window, offset) != value) {
      Thread.onSpinWait();
    }
  }

  private static long[] rawTcp(SocketChannel raw, int rounds, boolean leads) throws IOException {
    long[] times = new long[rounds];
    ByteBuffer buffer = ByteBuffer.allocateDirect(MESSAGE_BYTES);
    for (int i = 0; i < rounds; i++) {
      long start = System.nanoTime();
      if (leads) {
        writeFully(raw, buffer.clear());
        readFully(raw, buffer.clear());
      } else {
        readFully(raw, buffer.clear());
        writeFully(raw, buffer.flip());
      }
      times[i] = System.nanoTime() - start;
    }
    return times;
  }

  private static void readFully(SocketChannel raw, ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining()) {
      if (raw.read(buffer) < 0) {
        throw new IOException("the raw peer is gone");
      }
    }
  }

  private static void writeFully(SocketChannel raw, ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining()) {
      raw.write(buffer);
    }
  }

  private static long[] rawTransfers(MemorySegment window, SocketChannel raw, int rounds)
      throws IOException {
    long[] times = new long[rounds];
    ByteBuffer target = window.asByteBuffer();
    ByteBuffer go = ByteBuffer.allocateDirect(1);
    for (int i = 0; i < rounds; i++) {
      writeFully(raw, go.clear());
      long start = System.nanoTime();
      readFully(raw, target.clear());
      times[i] = System.nanoTime() - start;
    }
    return times;
  }

  private static void sendRaw(MemorySegment source, SocketChannel raw, int rounds)
      throws IOException {
    ByteBuffer bytes = source.asByteBuffer();
    ByteBuffer go = ByteBuffer.allocateDirect(1);
    for (int i = 0; i < rounds; i++) {
      readFully(raw, go.clear());
      writeFully(raw, bytes.clear());
    }
  }

  /** One end of the conversation over our queue pair. */
  private static final class Echo implements CompletionHandler {
    private final QueuePair qp;
    private final boolean warm;
    private int received;
    private int written;
    private boolean echoing;

    Echo(QueuePair qp, boolean warm) {
      this.qp = qp;
      this.warm = warm;
    }

    long[] rounds(int rounds) {
      long[] times = new long[rounds];
      for (int i = 0; i < rounds; i++) {
        long start = System.nanoTime();
        post();
        awaitMessages(1);
        times[i] = System.nanoTime() - start;
      }
      return times;
    }

    void echo(int rounds) {
      echoing = true;
      awaitMessages(rounds);
      echoing = false;
    }

    long[] transfers(int rounds) {
      long[] times = new long[rounds];
      for (int i = 0; i < rounds; i++) {
        post();
        long start = System.nanoTime();
        awaitMessages(1);
        times[i] = System.nanoTime() - start;
      }
      return times;
    }

    void send(MemoryRegion source, int rounds) {
      for (int i = 0; i < rounds; i++) {
        awaitMessages(1);
        qp.postWrite(source, 0, qp.remoteExposed(), 0, WINDOW_BYTES, 1);
        post();
      }
      // The last message is behind the last write; the leader answers it with a byte that the raw
      // side reads, so that no poll would send it.
      while (written < rounds && qp.isOpen()) {
        qp.poll(this, 16);
      }
      written = 0;
    }

    private void awaitMessages(int count) {
      received = 0;
      while (received < count && qp.isOpen()) {
        if (qp.poll(this, 16) == 0) {
          if (warm) {
            qp.await(1_000_000_000L);
          } else {
            Thread.onSpinWait();
          }
        }
      }
    }

    private void post() {
      MemorySegment place = qp.claimMessage();
      if (place != null) {
        place.set(JAVA_BYTE, 0, (byte) 1);
        qp.postMessage(MESSAGE_BYTES);
      }
    }

    @Override
    public void message(MemorySegment buffer, long offsetBytes, int lengthBytes) {
      received++;
      if (echoing) {
        post();
      }
    }

    @Override
    public void written(long workRequestId, WriteStatus status) {
      written++;
    }

    @Override
    public void disconnected(String reason) {}
  }
}
