package io.farwarp.gateway.simulation;

import static io.farwarp.gateway.simulation.World.check;

import io.farwarp.v1.AgentHello;
import io.farwarp.v1.DeviceClass;
import io.farwarp.v1.DeviceReport;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A host's memory and devices, and which workers really hold what of them, whatever anyone
 * believes. A page is what windows are rounded to.
 */
final class Host {
  static final long PAGE_BYTES = 2L << 20;

  private static final int PAGES = 32;
  private static final int MAX_WORKERS = 4;

  /** One device has all of the host's memory, the other one has less. */
  private static final int[] DEVICE_PAGES = {PAGES, PAGES / 2};

  private final World world;
  final String name;
  private final long[] content = new long[PAGES];
  private final boolean[] taken = new boolean[PAGES];
  private final Map<Worker, int[]> windows = new LinkedHashMap<>();

  Host(World world, String name) {
    this.world = world;
    this.name = name;
  }

  static String device(int index) {
    return "dev-" + index;
  }

  /** What an agent here reports. */
  AgentHello.Builder report() {
    AgentHello.Builder hello =
        AgentHello.newBuilder()
            .setExecutorId(name)
            .setHostId(name)
            .setWindowCapacityBytes(PAGES * PAGE_BYTES)
            .setMaxWorkers(MAX_WORKERS);
    for (int i = 0; i < DEVICE_PAGES.length; i++) {
      hello.addDevices(
          DeviceReport.newBuilder()
              .setDeviceId(device(i))
              .setDeviceClass(i == 0 ? DeviceClass.PTX_CPU : DeviceClass.CUDA)
              .setName("device " + i)
              .setMemoryBytes(DEVICE_PAGES[i] * PAGE_BYTES)
              .setComputeUnits(4));
    }
    return hello;
  }

  /** Gives {@code worker} its window: pages of no one else, all zero. */
  void open(Worker worker) {
    int[] pages = new int[worker.pages()];
    int found = 0;
    for (int page = world.below(PAGES), i = 0; i < PAGES && found < pages.length; i++) {
      int at = (page + i) % PAGES;
      if (!taken[at]) {
        taken[at] = true;
        content[at] = 0;
        pages[found++] = at;
      }
    }
    check(found == pages.length, "%s has not %d pages left for %s", name, pages.length, worker);
    windows.put(worker, pages);
    checkSums();
  }

  /** Its process is gone; what it wrote stays there until someone else is given the pages. */
  void close(Worker worker) {
    int[] pages = windows.remove(worker);
    check(pages != null, "%s frees a window twice", worker);
    for (int page : pages) {
      taken[page] = false;
    }
  }

  void write(Worker worker, int page, long value) {
    content[at(worker, page)] = value;
  }

  long read(Worker worker, int page) {
    return content[at(worker, page)];
  }

  private int at(Worker worker, int page) {
    int[] pages = windows.get(worker);
    check(pages != null, "%s uses a window that it no longer has", worker);
    check(!worker.isOver(), "%s uses its window after its lease has ended", worker);
    return pages[page];
  }

  /** The workers of a lease that hold something. */
  List<Worker> holding(String leaseId) {
    List<Worker> workers = new ArrayList<>();
    for (Worker worker : windows.keySet()) {
      if (worker.leaseId().equals(leaseId)) {
        workers.add(worker);
      }
    }
    return workers;
  }

  /** The process of that name, if it holds a window. */
  @Nullable Worker worker(String name) {
    for (Worker worker : windows.keySet()) {
      if (worker.name.equals(name)) {
        return worker;
      }
    }
    return null;
  }

  boolean isEmpty() {
    return windows.isEmpty();
  }

  /** More than there is of something is held by no one, not even for a moment. */
  private void checkSums() {
    check(windows.size() <= MAX_WORKERS, "%s runs %d workers: %s", name, windows.size(), windows);
    for (int i = 0; i < DEVICE_PAGES.length; i++) {
      String device = device(i);
      int pages = 0;
      Map<String, Integer> shares = new LinkedHashMap<>();
      for (Worker worker : windows.keySet()) {
        if (worker.order().getDeviceId().equals(device)) {
          pages += worker.pages();
          shares.put(worker.leaseId(), worker.order().getShareMillis());
        }
      }
      int share = shares.values().stream().mapToInt(Integer::intValue).sum();
      check(
          share <= 1000, "leases hold %d thousandths of %s of %s: %s", share, device, name, shares);
      check(
          pages <= DEVICE_PAGES[i],
          "leases hold %d pages of %s of %s, which has %d",
          pages,
          device,
          name,
          DEVICE_PAGES[i]);
    }
  }
}
