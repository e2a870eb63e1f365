package io.farwarp.executor.worker;

import io.farwarp.executor.device.Device;
import io.farwarp.executor.device.DeviceException;
import io.farwarp.executor.device.DeviceModule;
import io.farwarp.function.FunctionPackage;
import io.farwarp.function.FunctionPackageException;
import io.farwarp.function.FunctionSpec;
import io.farwarp.v1.FunctionPrepared;
import io.farwarp.v1.LeaseFunction;
import io.farwarp.v1.LoadFunction;
import io.farwarp.wire.PeerText;
import io.farwarp.wire.Status;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.concurrent.TimeUnit;

/** Makes functions ready to be invoked: verifies, loads and warms them. Used by one thread. */
final class FunctionLoader {
  private static final Logger LOG = System.getLogger(FunctionLoader.class.getName());
  private static final long WARM_UP_NS = TimeUnit.MILLISECONDS.toNanos(300);

  private final String leaseId;
  private final Device device;
  private final FunctionTable functions;

  FunctionLoader(String leaseId, Device device, FunctionTable functions) {
    this.leaseId = leaseId;
    this.device = device;
    this.functions = functions;
  }

  /**
   * Loads one function; what went wrong stands in the answer. One that is loaded already is well:
   * the agent may not have heard the answer, or another worker of the lease has failed.
   */
  FunctionPrepared load(LoadFunction command) {
    LeaseFunction wanted = command.getFunction();
    FunctionPrepared.Builder answer =
        FunctionPrepared.newBuilder().setLeaseId(leaseId).setFunctionId(wanted.getFunctionId());
    try {
      if (!isLoaded(wanted)) {
        load(wanted, Path.of(command.getPackagePath()), answer);
      }
    } catch (DeviceException e) {
      fail(answer, e.status(), e);
    } catch (FunctionPackageException e) {
      fail(answer, Status.INVALID_ARGUMENT, e);
    } catch (IOException e) {
      fail(answer, Status.INTERNAL, e);
    } catch (RuntimeException | StackOverflowError | OutOfMemoryError e) {
      LOG.log(Level.ERROR, "defect while a function was loaded", e);
      fail(answer, Status.INTERNAL, e);
    }
    return answer.build();
  }

  private boolean isLoaded(LeaseFunction wanted) throws DeviceException {
    int id = wanted.getFunctionId();
    if (id < 1 || id > FunctionTable.MAX_FUNCTION_ID) {
      throw new DeviceException(
          Status.INVALID_ARGUMENT,
          "function number %d; numbers are 1 to %d".formatted(id, FunctionTable.MAX_FUNCTION_ID));
    }
    LoadedFunction known = functions.find(id);
    if (known != null && !known.digest().equals(wanted.getVersion().getDigest())) {
      throw new DeviceException(
          Status.INVALID_ARGUMENT,
          "function number %d is taken by %s".formatted(id, hex(known.digest().toByteArray())));
    }
    return known != null;
  }

  private void load(LeaseFunction wanted, Path file, FunctionPrepared.Builder answer)
      throws DeviceException, FunctionPackageException, IOException {
    long startNs = System.nanoTime();
    DeviceModule module = loaded(wanted, file);
    boolean added = false;
    try {
      answer.setLoadMs(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - startNs));
      answer.setWarmMs(TimeUnit.NANOSECONDS.toMillis(module.warmUp(WARM_UP_NS)));
      functions.add(
          new LoadedFunction(
              wanted.getFunctionId(), wanted.getVersion().getDigest(), module.spec(), module));
      added = true;
    } finally {
      if (!added) {
        module.close();
      }
    }
  }

  private DeviceModule loaded(LeaseFunction wanted, Path file)
      throws DeviceException, FunctionPackageException, IOException {
    long size = Files.size(file);
    if (size > FunctionPackage.MAX_BYTES) {
      throw new FunctionPackageException(
          "%s has %d bytes; the limit is %d".formatted(file, size, FunctionPackage.MAX_BYTES));
    }
    FunctionPackage functionPackage = FunctionPackage.read(Files.readAllBytes(file));
    byte[] digest = wanted.getVersion().getDigest().toByteArray();
    if (!Arrays.equals(functionPackage.digest(), digest)) {
      throw new FunctionPackageException(
          "%s has SHA-256 %s; %s was ordered"
              .formatted(file, hex(functionPackage.digest()), hex(digest)));
    }
    return device.load(functionPackage, FunctionSpec.of(functionPackage.manifest()));
  }

  private static String hex(byte[] bytes) {
    return HexFormat.of().formatHex(bytes);
  }

  private static void fail(FunctionPrepared.Builder answer, Status status, Throwable cause) {
    String message = cause.getMessage() == null ? cause.toString() : cause.getMessage();
    // Names from the tenant's code stand in it, as many, as long and of whatever characters the
    // tenant likes; people read it in terminals and logs.
    answer.setStatus(status.name()).setError(PeerText.decode(PeerText.encode(message)));
  }
}
