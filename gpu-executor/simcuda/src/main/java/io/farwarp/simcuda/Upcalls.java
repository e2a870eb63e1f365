package io.farwarp.simcuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.farwarp.ptx.NoPtxException;
import io.farwarp.ptx.PtxException;
import io.farwarp.ptx.PtxFault;
import io.farwarp.ptx.PtxMemoryException;
import io.farwarp.ptx.PtxModule;
import io.farwarp.ptx.PtxOptions;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;

/**
 * What the driver calls in Java, on threads of its own. Nothing may be thrown out of an upcall: it
 * would end the process.
 */
final class Upcalls {
  private static final System.Logger LOG = System.getLogger(Upcalls.class.getName());
  private static final long MAX_NAME = 256;

  private final ModuleDescription description;
  private final LoadedModules modules = new LoadedModules();

  Upcalls(ModuleDescription description) {
    this.description = description;
  }

  /** {@code struct bridge_upcalls}: load, unload, launch, stack. */
  MemorySegment table(Arena arena) {
    MemorySegment table = arena.allocate(ADDRESS, 4);
    table.setAtIndex(
        ADDRESS,
        0,
        stub(
            arena,
            "load",
            FunctionDescriptor.of(
                JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT)));
    table.setAtIndex(ADDRESS, 1, stub(arena, "unload", FunctionDescriptor.ofVoid(JAVA_LONG)));
    table.setAtIndex(ADDRESS, 2, stub(arena, "launch", FunctionDescriptor.of(JAVA_INT, ADDRESS)));
    table.setAtIndex(
        ADDRESS,
        3,
        stub(arena, "stack", FunctionDescriptor.ofVoid(ADDRESS, ADDRESS, ADDRESS, JAVA_LONG)));
    return table;
  }

  private MemorySegment stub(Arena arena, String method, FunctionDescriptor descriptor) {
    try {
      return Linker.nativeLinker()
          .upcallStub(
              MethodHandles.lookup().bind(this, method, descriptor.toMethodType()),
              descriptor,
              arena);
    } catch (ReflectiveOperationException e) {
      throw new LinkageError(method, e);
    }
  }

  /** Called from C; answers an error code. */
  @SuppressWarnings("UnusedMethod")
  private int load(
      MemorySegment module,
      MemorySegment image,
      long imageBytes,
      long limitBytes,
      int driverVersion,
      int computeCapability) {
    try {
      byte[] file = image.reinterpret(imageBytes).toArray(JAVA_BYTE);
      return load(module, file, limitBytes, new PtxSupport(driverVersion, computeCapability));
    } catch (Throwable e) { // whatever it is: it must not leave the upcall
      LOG.log(System.Logger.Level.ERROR, "a module cannot be loaded", e);
      return CudaError.CUDA_ERROR_UNKNOWN;
    }
  }

  private int load(MemorySegment module, byte[] file, long limitBytes, PtxSupport support)
      throws Throwable {
    PtxModule loaded;
    try {
      PtxOptions defaults = PtxOptions.defaults();
      loaded =
          PtxModule.load(
              file,
              new PtxOptions(
                  defaults.maxTextChars(), limitBytes, defaults.maxLocalBytesPerThread()));
    } catch (NoPtxException e) {
      description.log(module, String.valueOf(e.getMessage()));
      return CudaError.CUDA_ERROR_NO_BINARY_FOR_GPU;
    } catch (PtxMemoryException e) {
      description.log(module, String.valueOf(e.getMessage()));
      return CudaError.CUDA_ERROR_OUT_OF_MEMORY;
    } catch (PtxException e) {
      description.log(module, String.valueOf(e.getMessage()));
      return CudaError.CUDA_ERROR_INVALID_PTX;
    }
    int error = support.check(loaded.text());
    if (error != CudaError.CUDA_SUCCESS) {
      loaded.close();
      description.log(
          module,
          "the PTX's .version or .target is newer than driver %d and a device of sm_%d support"
              .formatted(support.driverVersion(), support.computeCapability()));
      return error;
    }
    modules.add(loaded, module, description);
    return CudaError.CUDA_SUCCESS;
  }

  /** Called from C, after the module's last launch has ended. */
  @SuppressWarnings("UnusedMethod")
  private void unload(long moduleId) {
    try {
      modules.remove(moduleId);
    } catch (Throwable e) { // as above
      LOG.log(System.Logger.Level.ERROR, "a module cannot be unloaded", e);
    }
  }

  /** Called from C; answers an error code when the launch has ended. */
  @SuppressWarnings("UnusedMethod")
  private int launch(MemorySegment struct) {
    LaunchRequest request = new LaunchRequest(struct.reinterpret(LaunchRequest.LAYOUT.byteSize()));
    try {
      modules.run(request);
      return CudaError.CUDA_SUCCESS;
    } catch (PtxFault fault) {
      request.detail(String.valueOf(fault.getMessage()));
      return CudaError.of(fault.kind());
    } catch (Throwable e) { // as above
      LOG.log(System.Logger.Level.ERROR, "a launch failed", e);
      request.detail(e.toString());
      return CudaError.CUDA_ERROR_LAUNCH_FAILED;
    }
  }

  /** Called from C. */
  @SuppressWarnings("UnusedMethod")
  private void stack(
      MemorySegment threadName, MemorySegment function, MemorySegment buffer, long bufferBytes) {
    try {
      Text.copy(
          CallerStack.of(
              threadName.reinterpret(MAX_NAME).getString(0),
              function.reinterpret(MAX_NAME).getString(0)),
          buffer,
          bufferBytes);
    } catch (Throwable e) { // as above
      LOG.log(System.Logger.Level.ERROR, "no stack of the caller", e);
    }
  }
}
