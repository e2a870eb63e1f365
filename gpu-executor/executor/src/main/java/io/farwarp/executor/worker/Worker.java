package io.farwarp.executor.worker;

import io.farwarp.executor.device.Device;
import io.farwarp.executor.device.DeviceException;
import io.farwarp.executor.device.DeviceStream;
import io.farwarp.executor.device.Devices;
import io.farwarp.rdma.ExposedMemory;
import io.farwarp.rdma.Listener;
import io.farwarp.rdma.Transport;
import io.farwarp.rdma.Transports;
import io.farwarp.rdma.linux.SharedMemory;
import io.farwarp.v1.DataPathAddress;
import io.farwarp.v1.ExtendLease;
import io.farwarp.v1.FunctionPrepared;
import io.farwarp.v1.LoadFunction;
import io.farwarp.v1.StartWorker;
import io.farwarp.v1.WorkerStarted;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One worker: a lease's window, its device, its listeners and the loop that serves its sessions.
 * {@link #start}, {@link #load} and {@link #close} are for one thread each; the rest for any.
 */
public final class Worker implements AutoCloseable {
  private static final Logger LOG = System.getLogger(Worker.class.getName());

  /** Name of the Unix socket in the worker's directory; short, because socket paths are limited. */
  private static final String SOCKET_NAME = "s";

  private final StartWorker order;
  private final LongSupplier clock;
  private final LeaseTerm term;
  private final FunctionTable functions = new FunctionTable();
  private final List<Listener> listeners = new ArrayList<>();
  private @Nullable SharedMemory window;
  private @Nullable Device device;
  private @Nullable DeviceStream stream;
  private @Nullable SessionDoor door;
  private @Nullable FunctionLoader loader;
  private @Nullable WorkerLoop loop;

  private Worker(StartWorker order, LongSupplier clock) {
    this.order = order;
    this.clock = clock;
    this.term = new LeaseTerm(order.getLease(), clock.getAsLong());
  }

  /** A worker for {@code order}, whose lease's time counts from now. */
  public static Worker create(StartWorker order) {
    return create(order, System::nanoTime);
  }

  static Worker create(StartWorker order, LongSupplier clock) {
    return new Worker(order, clock);
  }

  /**
   * Maps and backs the window, opens the device and begins to listen; the answer for the agent.
   * After an exception {@link #close} cleans up.
   */
  public WorkerStarted start() throws IOException, DeviceException {
    SharedMemory memory =
        SharedMemory.open(order.getWindowPath(), order.getLease().getWindowBytes());
    window = memory;
    memory.prefault();
    Device opened = Devices.open(order.getDeviceClass(), Math.max(1, order.getComputeThreads()));
    device = opened;
    opened.attachWindow(memory.segment());
    loader = new FunctionLoader(order.getLease().getLeaseId(), opened, functions);
    DeviceStream openedStream = opened.openStream(this::wakeup);
    stream = openedStream;
    TokenCheck tokens = new TokenCheck(order);
    ExposedMemory exposed =
        new ExposedMemory(memory.segment(), OptionalInt.of(memory.descriptor()));
    SessionDoor opening = new SessionDoor(order, tokens, term, exposed, clock, this::wakeup);
    door = opening;
    WorkerLoop running =
        new WorkerLoop(
            opening,
            term,
            (queuePair, streamOfLoop, turn) ->
                new Session(queuePair, streamOfLoop, turn, functions, tokens, term, clock),
            openedStream,
            clock,
            order.getLease().getHotUs() * 1_000L);
    loop = running;
    WorkerStarted.Builder started = WorkerStarted.newBuilder().setDeviceName(opened.name());
    listen("shm", Path.of(order.getDirectory(), SOCKET_NAME).toString(), opening, started);
    if (!order.getVerbsHost().isEmpty()) {
      listen("verbs", order.getVerbsHost() + ":0", opening, started);
    }
    if (!order.getTcpHost().isEmpty()) {
      listen("tcp", order.getTcpHost() + ":0", opening, started);
    }
    if (listeners.isEmpty()) {
      throw new IOException("no data path can be opened on this host");
    }
    running.start();
    return started.build();
  }

  private void listen(
      String transport, String address, SessionDoor opening, WorkerStarted.Builder started)
      throws IOException {
    Transport chosen =
        Transports.installed().stream()
            .filter(t -> t.name().equals(transport))
            .findFirst()
            .orElse(null);
    String reason =
        chosen == null ? "not part of this installation" : chosen.unavailable().orElse("");
    if (chosen == null || !reason.isEmpty()) {
      LOG.log(Level.WARNING, "no data path {0}: {1}", transport, reason);
      return;
    }
    Listener listener = chosen.listen(address, opening);
    listeners.add(listener);
    listener.start();
    started.addAddresses(
        DataPathAddress.newBuilder()
            .setTransport(transport)
            .setAddress(listener.address())
            .setHostId(order.getHostId()));
  }

  private void wakeup() {
    WorkerLoop running = loop;
    if (running != null) {
      running.wakeup();
    }
  }

  /** Makes a function ready; takes up to seconds. What went wrong stands in the answer. */
  public FunctionPrepared load(LoadFunction command) {
    FunctionLoader started = loader;
    if (started == null) {
      throw new IllegalStateException("not started");
    }
    return started.load(command);
  }

  /** Sets the lease's deadline. */
  public void extend(ExtendLease extend) {
    term.set(extend, clock.getAsLong());
    wakeup();
  }

  /** Ends the session, telling its client why, and then the worker; returns at once. */
  void requestEnd(Ending why) {
    WorkerLoop running = loop;
    if (running != null) {
      running.requestEnd(why);
    }
  }

  /** Waits until the started worker has ended; why it did. */
  Ending awaitEnd() throws InterruptedException {
    WorkerLoop running = loop;
    if (running == null) {
      throw new IllegalStateException("not started");
    }
    return running.awaitEnd();
  }

  /**
   * Stops listening, ends a session under way with its launches, lets go of functions, device and
   * window.
   *
   * @throws IllegalStateException a launch could not be stopped
   */
  @Override
  public void close() {
    for (Listener listener : listeners) {
      listener.close();
    }
    if (loop != null) {
      loop.close();
    }
    if (door != null) {
      door.close();
    }
    if (stream != null) {
      stream.close();
    }
    functions.close();
    if (device != null) {
      device.close();
    }
    if (window != null) {
      window.close();
    }
  }
}
