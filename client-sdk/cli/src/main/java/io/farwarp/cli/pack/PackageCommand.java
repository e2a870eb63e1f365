package io.farwarp.cli.pack;

import io.farwarp.cli.CommandException;
import io.farwarp.cli.Quantities;
import io.farwarp.function.FunctionPackage;
import io.farwarp.function.ManifestJson;
import io.farwarp.ptx.PtxException;
import io.farwarp.ptx.PtxModule;
import io.farwarp.ptx.PtxOptions;
import io.farwarp.v1.ModuleKind;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Makes function packages. */
@Command(name = "package", mixinStandardHelpOptions = true, description = "Make function packages.")
public final class PackageCommand implements Runnable {
  private static final String CUDA = ".cu";

  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "one of build, init is missing");
  }

  @Command(
      name = "build",
      mixinStandardHelpOptions = true,
      description =
          "Build a package from a directory with manifest.json and the modules it names. A PTX"
              + " module that is not there is made from the .cu of the same name by nvcc. The PTX is"
              + " compiled here as an executor would, and held against the manifest.")
  void build(
      @Parameters(paramLabel = "DIR") Path directory,
      @Option(
              names = {"-o", "--output"},
              paramLabel = "FILE",
              description = "The package file (default: NAME-VERSION.fwp).")
          @Nullable Path output) {
    FunctionPackage built = new PackageBuilder(directory).build();
    String name = built.manifest().getName();
    String version = built.manifest().getVersion();
    Path file = output != null ? output : Path.of(name + "-" + version + ".fwp");
    write(file, built.bytes());
    PrintWriter out = spec.commandLine().getOut();
    out.printf(
        "%s  %s:%s  %s  sha256 %s%n",
        file,
        name,
        version,
        Quantities.bytes(built.sizeBytes()),
        HexFormat.of().formatHex(built.digest()));
    out.flush();
  }

  @Command(
      name = "init",
      mixinStandardHelpOptions = true,
      description =
          "Write a manifest skeleton from the entry points of a PTX file, of the PTX in a fatbin, or"
              + " of a .cu that nvcc compiles. What PTX does not tell (shapes, directions, grid) is"
              + " guessed, to be edited.")
  void init(
      @Parameters(paramLabel = "FILE.ptx|FILE.fatbin|FILE.cu") Path source,
      @Option(
              names = "--kernel",
              paramLabel = "NAME",
              description = "The kernels to launch, in this order (default: all, as in the file).")
          @Nullable List<String> wanted,
      @Option(
              names = {"-o", "--output"},
              paramLabel = "FILE",
              description = "The manifest (default: manifest.json beside FILE).")
          @Nullable Path output,
      @Option(names = "--force", description = "Overwrite a manifest that exists.") boolean force) {
    Path file = output != null ? output : source.resolveSibling(FunctionPackage.MANIFEST);
    if (Files.exists(file) && !force) {
      throw new CommandException(file + " exists; --force overwrites it");
    }
    Path ptx = ptxOf(source);
    byte[] bytes = ptx.equals(source) ? bytes(source) : Nvcc.ptx(source, ptx.toString());
    try (PtxModule module = PtxModule.load(bytes, PtxOptions.defaults())) {
      List<String> kernels = wanted != null ? wanted : module.kernelNames();
      if (kernels.isEmpty() || !module.kernelNames().containsAll(kernels)) {
        throw new CommandException(
            "%s has the kernels %s; asked for: %s".formatted(ptx, module.kernelNames(), kernels));
      }
      ManifestSkeleton skeleton =
          new ManifestSkeleton(
              ptx.getFileName().toString(),
              PtxModule.isFatbin(bytes) ? ModuleKind.FATBIN : ModuleKind.PTX,
              module.text(),
              module,
              kernels);
      write(file, ManifestJson.write(skeleton.manifest()).getBytes(StandardCharsets.UTF_8));
      PrintWriter out = spec.commandLine().getOut();
      out.printf(
          "%s: a skeleton for %s; edit it, then: farwarp package build %s%n",
          file, String.join(", ", kernels), file.toAbsolutePath().getParent());
      out.flush();
    } catch (PtxException e) {
      throw new CommandException(ptx + ": " + e.getMessage(), e);
    }
  }

  /** The module that the manifest names: {@code source} itself, or what it is compiled to. */
  private static Path ptxOf(Path source) {
    String name = source.getFileName().toString();
    return name.endsWith(CUDA)
        ? source.resolveSibling(name.substring(0, name.length() - CUDA.length()) + ".ptx")
        : source;
  }

  private static byte[] bytes(Path ptx) {
    try {
      return Files.readAllBytes(ptx);
    } catch (NoSuchFileException e) {
      throw new CommandException(ptx + ": no such file", e);
    } catch (IOException e) {
      throw new CommandException(ptx + " cannot be read: " + e.getMessage(), e);
    }
  }

  private static void write(Path file, byte[] bytes) {
    try {
      Files.write(file, bytes);
    } catch (IOException e) {
      throw new CommandException(file + " cannot be written: " + e.getMessage(), e);
    }
  }
}
