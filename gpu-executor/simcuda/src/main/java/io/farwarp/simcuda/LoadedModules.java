package io.farwarp.simcuda;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.farwarp.ptx.PtxExecutor;
import io.farwarp.ptx.PtxFault;
import io.farwarp.ptx.PtxKernel;
import io.farwarp.ptx.PtxModule;
import io.farwarp.ptx.PtxOutput;
import io.farwarp.ptx.StopSignal;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/** The driver's modules and kernels by the numbers that it knows them by. Any thread. */
final class LoadedModules {
  private record Loaded(PtxModule module, List<Long> kernels) {}

  private final AtomicLong nextId = new AtomicLong(1);
  private final Map<Long, Loaded> modules = new ConcurrentHashMap<>();
  private final Map<Long, LoadedKernel> kernels = new ConcurrentHashMap<>();
  private final PtxOutput output = PtxOutput.ofAtMost(PtxOutput.DEFAULT_MAX_CHARS);
  private final PtxExecutor executor =
      PtxExecutor.create(Runtime.getRuntime().availableProcessors());
  private final ScheduledExecutorService watchdog =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("simcuda-watchdog").factory());

  /** Keeps a module and describes it to the driver. */
  void add(PtxModule module, MemorySegment handle, ModuleDescription description) throws Throwable {
    List<Long> ids = new ArrayList<>();
    for (String name : module.kernelNames()) {
      PtxKernel kernel = module.kernel(name);
      long id = nextId.getAndIncrement();
      ids.add(id);
      kernels.put(id, new LoadedKernel(kernel, output));
      description.kernel(handle, kernel, id);
    }
    for (Map.Entry<String, MemorySegment> variable : module.variables().entrySet()) {
      description.variable(handle, variable.getKey(), variable.getValue());
    }
    long id = nextId.getAndIncrement();
    modules.put(id, new Loaded(module, ids));
    description.loaded(handle, id, module.memoryBytes());
    description.log(handle, "compiled by the simulated CUDA driver for the PTX CPU device");
  }

  void remove(long moduleId) {
    Loaded removed = modules.remove(moduleId);
    if (removed != null) {
      removed.kernels().forEach(kernels::remove);
      removed.module().close();
    }
  }

  void run(LaunchRequest request) throws PtxFault, IOException {
    LoadedKernel kernel = kernels.get(request.kernel());
    if (kernel == null) {
      throw new IllegalStateException("no kernel " + request.kernel());
    }
    StopSignal stop = new StopSignal();
    Future<?> timeout =
        request.timeoutMs() == 0
            ? null
            : watchdog.schedule(stop::stop, request.timeoutMs(), TimeUnit.MILLISECONDS);
    try {
      kernel.run(request, executor, stop);
    } finally {
      if (timeout != null) {
        timeout.cancel(false);
      }
      print(output.take());
    }
  }

  /** As a GPU's printf does: to the process's own standard output, past {@code System.out}. */
  private static void print(String text) throws IOException {
    if (!text.isEmpty()) {
      FileOutputStream standardOutput = new FileOutputStream(FileDescriptor.out);
      standardOutput.write(text.getBytes(UTF_8));
    }
  }
}
