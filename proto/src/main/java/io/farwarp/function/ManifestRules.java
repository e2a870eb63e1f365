package io.farwarp.function;

import io.farwarp.v1.Direction;
import io.farwarp.v1.ElementType;
import io.farwarp.v1.FunctionManifest;
import io.farwarp.v1.Launch;
import io.farwarp.v1.Module;
import io.farwarp.v1.ModuleKind;
import io.farwarp.v1.Parameter;
import io.farwarp.v1.Scratch;
import java.util.HashSet;
import java.util.Set;
import java.util.regex.Pattern;

/** Holds a manifest against the counts, names and lengths that function.proto allows. */
final class ManifestRules {
  static final Pattern FUNCTION_NAME = Pattern.compile("[a-z][a-z0-9-]{0,63}");
  static final Pattern VERSION = Pattern.compile("[A-Za-z0-9._-]{1,32}");
  static final Pattern PARAMETER_NAME = Pattern.compile("[A-Za-z][A-Za-z0-9_]{0,63}");
  static final Pattern FILE_NAME = Pattern.compile("[A-Za-z0-9._-]{1,128}");
  private static final Pattern KERNEL_NAME = Pattern.compile("[A-Za-z_$%][A-Za-z0-9_$]{0,1023}");
  private static final Pattern ARCHITECTURE = Pattern.compile("sm_[0-9]{2,3}[a-z]?");

  private static final int MAX_PARAMETERS = 30;
  private static final int MAX_MODULES = 16;
  private static final int MAX_SCRATCH = 16;
  private static final int MAX_LAUNCHES = 64;
  private static final int MAX_LAUNCH_ARGUMENTS = 64;
  private static final int MAX_DIMENSIONS = 8;
  private static final int MAX_EXAMPLE = 64;
  private static final int MAX_DESCRIPTION = 1024;
  private static final int AXES = 3;

  private ManifestRules() {}

  static void check(FunctionManifest manifest) throws FunctionPackageException {
    name(FUNCTION_NAME, manifest.getName(), "function name", "1-64 of [a-z0-9-], a letter first");
    name(VERSION, manifest.getVersion(), "version", "1-32 of [A-Za-z0-9._-]");
    count(manifest.getParametersCount(), 0, MAX_PARAMETERS, "parameters");
    count(manifest.getModulesCount(), 1, MAX_MODULES, "modules");
    count(manifest.getScratchCount(), 0, MAX_SCRATCH, "scratch tensors");
    count(manifest.getPlanCount(), 1, MAX_LAUNCHES, "launches in the plan");
    count(manifest.getExampleCount(), 0, MAX_EXAMPLE, "example values");
    count(manifest.getDescription().length(), 0, MAX_DESCRIPTION, "characters of description");
    names(manifest);
    for (Parameter parameter : manifest.getParametersList()) {
      parameter(parameter, manifest.getPure());
    }
    Set<String> files = new HashSet<>();
    for (Module module : manifest.getModulesList()) {
      module(module, files);
    }
    for (Scratch scratch : manifest.getScratchList()) {
      type(scratch.getType(), "scratch " + scratch.getName());
      count(scratch.getShapeCount(), 1, MAX_DIMENSIONS, "dimensions of " + scratch.getName());
    }
    for (int i = 0; i < manifest.getPlanCount(); i++) {
      launch(manifest.getPlan(i), i);
    }
  }

  private static void names(FunctionManifest manifest) throws FunctionPackageException {
    Set<String> seen = new HashSet<>();
    for (Parameter parameter : manifest.getParametersList()) {
      uniqueName(parameter.getName(), "parameter", seen);
    }
    for (Scratch scratch : manifest.getScratchList()) {
      uniqueName(scratch.getName(), "scratch tensor", seen);
    }
  }

  private static void uniqueName(String name, String what, Set<String> seen)
      throws FunctionPackageException {
    name(PARAMETER_NAME, name, what + " name", "1-64 of [A-Za-z0-9_], a letter first");
    if (!seen.add(name)) {
      throw new FunctionPackageException("the name " + name + " is used twice; names are unique");
    }
  }

  private static void parameter(Parameter parameter, boolean pure) throws FunctionPackageException {
    String what = "parameter " + parameter.getName();
    type(parameter.getType(), what);
    switch (parameter.getKindCase()) {
      case TENSOR -> {
        Direction direction = parameter.getTensor().getDirection();
        if (direction == Direction.DIRECTION_UNSPECIFIED || direction == Direction.UNRECOGNIZED) {
          throw new FunctionPackageException(what + " has no direction; say IN, OUT or INOUT");
        }
        if (pure && direction == Direction.INOUT) {
          throw new FunctionPackageException(
              what + " is INOUT, so the function changes its input: it must not say pure");
        }
        count(parameter.getTensor().getShapeCount(), 1, MAX_DIMENSIONS, "dimensions of " + what);
      }
      case SCALAR -> {}
      case KIND_NOT_SET ->
          throw new FunctionPackageException(what + " is neither a tensor nor a scalar");
    }
  }

  private static void module(Module module, Set<String> files) throws FunctionPackageException {
    String file = module.getFile();
    checkFileName(file);
    if (file.equals(FunctionPackage.MANIFEST)) {
      throw new FunctionPackageException("a module cannot be the file " + file + " itself");
    }
    if (!files.add(file)) {
      throw new FunctionPackageException("the module file " + file + " is listed twice");
    }
    ModuleKind kind = module.getKind();
    switch (kind) {
      case PTX, FATBIN -> {
        if (!module.getArchitecture().isEmpty()) {
          throw new FunctionPackageException(
              "module " + file + " is " + kind + " and must not name an architecture");
        }
      }
      case CUBIN ->
          name(ARCHITECTURE, module.getArchitecture(), "architecture of " + file, "like sm_90");
      case MODULE_KIND_UNSPECIFIED, UNRECOGNIZED ->
          throw new FunctionPackageException(
              "module " + file + " has no known kind; say PTX, CUBIN or FATBIN");
    }
  }

  static void checkFileName(String file) throws FunctionPackageException {
    name(FILE_NAME, file, "file name", "1-128 of [A-Za-z0-9._-], no path");
    if (file.equals(".") || file.equals("..")) {
      throw new FunctionPackageException("the file name \"" + file + "\" is a path");
    }
  }

  private static void launch(Launch launch, int index) throws FunctionPackageException {
    String what = "launch " + index;
    name(KERNEL_NAME, launch.getKernel(), "kernel of " + what, "an entry point as PTX names it");
    count(launch.getGridCount(), 1, AXES, "grid axes of " + what);
    count(launch.getBlockCount(), 1, AXES, "block axes of " + what);
    count(launch.getArgumentsCount(), 0, MAX_LAUNCH_ARGUMENTS, "arguments of " + what);
  }

  private static void type(ElementType type, String what) throws FunctionPackageException {
    if (!ElementTypes.isKnown(type)) {
      throw new FunctionPackageException(what + " has no known element type");
    }
  }

  private static void name(Pattern pattern, String name, String what, String rule)
      throws FunctionPackageException {
    if (!pattern.matcher(name).matches()) {
      throw new FunctionPackageException(what + " \"" + shortened(name) + "\" is not " + rule);
    }
  }

  private static void count(int count, int least, int most, String what)
      throws FunctionPackageException {
    if (count < least || count > most) {
      throw new FunctionPackageException(
          count + " " + what + ": there must be " + least + " to " + most);
    }
  }

  /** Long or unprintable text from a stranger, fit for a message. */
  static String shortened(String text) {
    String visible = text.replaceAll("[^ -~]", "?");
    return visible.length() <= 80 ? visible : visible.substring(0, 77) + "...";
  }
}
