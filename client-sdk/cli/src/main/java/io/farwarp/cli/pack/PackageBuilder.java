package io.farwarp.cli.pack;

import io.farwarp.cli.CommandException;
import io.farwarp.executor.device.Device;
import io.farwarp.executor.device.DeviceException;
import io.farwarp.executor.device.DeviceModule;
import io.farwarp.executor.device.Devices;
import io.farwarp.function.FunctionPackage;
import io.farwarp.function.FunctionPackageException;
import io.farwarp.function.FunctionSpec;
import io.farwarp.function.ManifestJson;
import io.farwarp.v1.DeviceClass;
import io.farwarp.v1.FunctionManifest;
import io.farwarp.v1.Module;
import io.farwarp.v1.ModuleKind;
import io.farwarp.wire.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** Builds a package from a directory. */
final class PackageBuilder {
  private static final String PTX = ".ptx";

  private final Path directory;

  PackageBuilder(Path directory) {
    this.directory = directory;
  }

  FunctionPackage build() {
    if (!Files.isDirectory(directory)) {
      throw new CommandException(directory + " is no directory");
    }
    try {
      FunctionManifest manifest =
          ManifestJson.read(read(directory.resolve(FunctionPackage.MANIFEST)));
      FunctionSpec spec = FunctionSpec.of(manifest);
      Map<String, byte[]> files = new LinkedHashMap<>();
      for (Module module : manifest.getModulesList()) {
        files.put(module.getFile(), module(module));
        addSource(module, files);
      }
      FunctionPackage built = FunctionPackage.build(manifest, files);
      if (manifest.getModulesList().stream().anyMatch(m -> m.getKind() != ModuleKind.CUBIN)) {
        check(built, spec);
      }
      return built;
    } catch (FunctionPackageException e) {
      throw new CommandException(directory + ": " + e.getMessage(), e);
    }
  }

  private byte[] module(Module module) {
    Path file = directory.resolve(module.getFile());
    if (Files.exists(file)) {
      return read(file);
    }
    Path source = source(module);
    if (module.getKind() != ModuleKind.PTX || !Files.exists(source)) {
      throw new CommandException(
          file
              + ": no such file; the manifest names it"
              + (module.getKind() == ModuleKind.PTX ? ", and there is no " + source : ""));
    }
    return Nvcc.ptx(source, file.getFileName().toString());
  }

  /** The source goes along, for whoever wants to know what a function does. */
  private void addSource(Module module, Map<String, byte[]> files) {
    Path source = source(module);
    if (Files.exists(source)) {
      files.putIfAbsent(source.getFileName().toString(), read(source));
    }
  }

  private Path source(Module module) {
    String file = module.getFile();
    String stem = file.endsWith(PTX) ? file.substring(0, file.length() - PTX.length()) : file;
    return directory.resolve(stem + ".cu");
  }

  /**
   * Loads it as an executor does, so that what would be refused there is refused here. Fatbins may
   * hold code for GPUs only.
   */
  private static void check(FunctionPackage built, FunctionSpec spec) {
    try (Device device = Devices.open(DeviceClass.PTX_CPU, 1);
        DeviceModule _ = device.load(built, spec)) {
    } catch (DeviceException e) {
      boolean forGpus =
          built.manifest().getModulesList().stream().noneMatch(m -> m.getKind() == ModuleKind.PTX);
      if (e.status() == Status.NO_BINARY_FOR_DEVICE && forGpus) {
        return;
      }
      throw new CommandException(String.valueOf(e.getMessage()), e);
    }
  }

  private static byte[] read(Path file) {
    try {
      if (Files.size(file) > FunctionPackage.MAX_BYTES) {
        throw new CommandException(
            file + " is larger than a package may be (" + FunctionPackage.MAX_BYTES + " bytes)");
      }
      return Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      throw new CommandException(file + ": no such file", e);
    } catch (IOException e) {
      throw new CommandException(file + " cannot be read: " + e.getMessage(), e);
    }
  }
}
