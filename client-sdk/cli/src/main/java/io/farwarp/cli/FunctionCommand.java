package io.farwarp.cli;

import com.google.gson.JsonArray;
import io.farwarp.client.Farwarp;
import io.farwarp.function.FunctionPackage;
import io.farwarp.function.FunctionPackageException;
import io.farwarp.function.FunctionSpec;
import io.farwarp.function.ManifestJson;
import io.farwarp.function.ParameterSpec;
import io.farwarp.v1.FunctionVersion;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HexFormat;
import java.util.Locale;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** The registry of function packages. */
@Command(
    name = "function",
    mixinStandardHelpOptions = true,
    description = "Push, list, show and delete functions.")
public final class FunctionCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "one of push, list, show, delete is missing");
  }

  @Command(
      name = "push",
      mixinStandardHelpOptions = true,
      description = "Store a function package in the gateway.")
  void push(
      @Mixin GatewayOptions gateway,
      @Parameters(paramLabel = "PACKAGE", description = "File that 'farwarp package build' made.")
          Path file) {
    FunctionPackage functionPackage = read(file);
    try (Farwarp farwarp = gateway.connect()) {
      FunctionVersion pushed = farwarp.functions().push(functionPackage);
      PrintWriter out = spec.commandLine().getOut();
      out.printf("%s  sha256 %s%n", name(pushed), digest(pushed));
      out.flush();
    }
  }

  @Command(
      name = "list",
      mixinStandardHelpOptions = true,
      description = "List the functions that can be called.")
  void list(
      @Mixin GatewayOptions gateway,
      @Option(names = "--json", description = "Print a JSON array.") boolean json) {
    try (Farwarp farwarp = gateway.connect()) {
      PrintWriter out = spec.commandLine().getOut();
      if (json) {
        JsonArray array = new JsonArray();
        farwarp.functions().list().forEach(each -> array.add(Json.of(each)));
        Json.print(out, array);
        return;
      }
      TextTable table = new TextTable("FUNCTION", "SIZE>", "PUSHED", "DIGEST", "DESCRIPTION");
      for (FunctionVersion each : farwarp.functions().list()) {
        table.row(
            name(each),
            Quantities.bytes(each.getSizeBytes()),
            Instant.ofEpochMilli(each.getPushedAtUnixMs()).truncatedTo(ChronoUnit.SECONDS),
            digest(each).substring(0, 12),
            each.getDescription());
      }
      out.print(table);
      out.flush();
    }
  }

  @Command(
      name = "show",
      mixinStandardHelpOptions = true,
      description = "Show one function: parameters, launches, manifest.")
  void show(
      @Mixin GatewayOptions gateway,
      @Option(names = "--json", description = "Print the registry's entry as JSON.") boolean json,
      @Parameters(paramLabel = "NAME[:VERSION]") String function) {
    try (Farwarp farwarp = gateway.connect()) {
      FunctionVersion version = farwarp.functions().resolve(function);
      PrintWriter out = spec.commandLine().getOut();
      if (json) {
        Json.print(out, Json.of(version));
      } else {
        describe(out, version);
      }
      out.flush();
    }
  }

  @Command(
      name = "delete",
      mixinStandardHelpOptions = true,
      description = "Take a version out of the registry.")
  void delete(
      @Mixin GatewayOptions gateway, @Parameters(paramLabel = "NAME:VERSION") String function) {
    int colon = function.indexOf(':');
    if (colon < 1 || colon == function.length() - 1) {
      throw new ParameterException(
          spec.commandLine(), "delete takes NAME:VERSION, not \"" + function + "\"");
    }
    try (Farwarp farwarp = gateway.connect()) {
      farwarp.functions().delete(function.substring(0, colon), function.substring(colon + 1));
    }
  }

  private static void describe(PrintWriter out, FunctionVersion version) {
    out.printf("%s  sha256 %s%n", name(version), digest(version));
    if (!version.getManifest().getDescription().isEmpty()) {
      out.println(version.getManifest().getDescription());
    }
    try {
      FunctionSpec spec = FunctionSpec.of(version.getManifest());
      TextTable table = new TextTable("PARAMETER", "TYPE", "DIRECTION");
      for (ParameterSpec parameter : spec.parameters()) {
        String direction = parameter.direction().name().toLowerCase(Locale.ROOT);
        table.row(
            parameter.name(), parameter.typeText(), parameter.isTensor() ? direction : "scalar");
      }
      out.print(table);
      out.printf(
          "extents from tensors: %s%n",
          spec.freeExtents().isEmpty() ? "none" : String.join(", ", spec.freeExtents()));
      out.printf(
          "launches: %s%n",
          spec.launches().stream().map(l -> l.kernel()).collect(Collectors.joining(", ")));
    } catch (FunctionPackageException e) {
      throw new CommandException("the gateway's manifest is not valid: " + e.getMessage(), e);
    }
    out.print(ManifestJson.write(version.getManifest()));
  }

  private static String name(FunctionVersion version) {
    return version.getName() + ":" + version.getVersion();
  }

  private static String digest(FunctionVersion version) {
    return HexFormat.of().formatHex(version.getDigest().toByteArray());
  }

  /** Reads a package file; larger ones than allowed are not read. */
  static FunctionPackage read(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      // One byte more than allowed: read() then says so.
      return FunctionPackage.read(in.readNBytes((int) FunctionPackage.MAX_BYTES + 1));
    } catch (NoSuchFileException e) {
      throw new CommandException(file + ": no such file", e);
    } catch (IOException e) {
      throw new CommandException(file + " cannot be read: " + e.getMessage(), e);
    } catch (FunctionPackageException e) {
      throw new CommandException(file + ": " + e.getMessage(), e);
    }
  }
}
