package io.farwarp.cli.pack;

import io.farwarp.ptx.PtxKernel;
import io.farwarp.ptx.PtxModule;
import io.farwarp.ptx.PtxParameter;
import io.farwarp.ptx.PtxType;
import io.farwarp.v1.Direction;
import io.farwarp.v1.ElementType;
import io.farwarp.v1.FunctionManifest;
import io.farwarp.v1.Launch;
import io.farwarp.v1.Module;
import io.farwarp.v1.ModuleKind;
import io.farwarp.v1.Parameter;
import io.farwarp.v1.ScalarKind;
import io.farwarp.v1.TensorShape;
import java.util.List;
import java.util.Locale;

/**
 * A manifest guessed from PTX. What PTX tells: the kernels, and how many parameters of which size
 * they take. It does not tell which 64-bit integers are addresses, nor their elements, directions
 * and shapes, nor grid and block.
 */
final class ManifestSkeleton {
  private static final String EDIT =
      "EDIT ME: guessed from PTX. Check each parameter's name, type, direction and shape (64-bit"
          + " parameters were taken for f32[n] tensors, the last one of a kernel for OUT), grid and"
          + " block, and the example. Pass an extent with an argument like \"n\".";

  private final String file;
  private final PtxModule module;

  ManifestSkeleton(String file, PtxModule module) {
    this.file = file;
    this.module = module;
  }

  /** The kernels that the plan launches, for people. */
  String kernels() {
    return String.join(", ", module.kernelNames());
  }

  FunctionManifest manifest() {
    FunctionManifest.Builder manifest =
        FunctionManifest.newBuilder()
            .setName(functionName())
            .setVersion("1")
            .setDescription(EDIT)
            .addModules(Module.newBuilder().setFile(file).setKind(ModuleKind.PTX));
    boolean several = module.kernelNames().size() > 1;
    boolean tensors = false;
    for (String name : module.kernelNames()) {
      PtxKernel kernel = module.kernel(name);
      tensors |= kernel.parameters().stream().anyMatch(ManifestSkeleton::isAddress);
      launch(manifest, kernel, several ? identifier(name) + "_" : "");
    }
    if (tensors) {
      manifest.putExample("n", "1024");
    }
    for (Parameter parameter : manifest.getParametersList()) {
      if (parameter.hasScalar()) {
        manifest.putExample(parameter.getName(), "1");
      }
    }
    return manifest.build();
  }

  private static void launch(FunctionManifest.Builder manifest, PtxKernel kernel, String prefix) {
    List<PtxParameter> parameters = kernel.parameters();
    boolean tensors = parameters.stream().anyMatch(ManifestSkeleton::isAddress);
    Launch.Builder launch =
        Launch.newBuilder()
            .setKernel(kernel.name())
            .addGrid(tensors ? "ceildiv(n, 256)" : "1")
            .addBlock("256");
    for (int i = 0; i < parameters.size(); i++) {
      boolean lastAddress = parameters.stream().skip(i + 1L).noneMatch(ManifestSkeleton::isAddress);
      String name = prefix + "p" + i;
      manifest.addParameters(parameter(name, parameters.get(i), lastAddress));
      launch.addArguments(name);
    }
    manifest.addPlan(launch);
  }

  private static Parameter parameter(String name, PtxParameter taken, boolean last) {
    Parameter.Builder parameter = Parameter.newBuilder().setName(name);
    if (!isAddress(taken)) {
      return parameter
          .setType(scalarType(taken))
          .setScalar(ScalarKind.getDefaultInstance())
          .build();
    }
    return parameter
        .setType(ElementType.F32)
        .setTensor(
            TensorShape.newBuilder()
                .setDirection(last ? Direction.OUT : Direction.IN)
                .addShape("n"))
        .build();
  }

  private static boolean isAddress(PtxParameter parameter) {
    return parameter.sizeBytes() == Long.BYTES
        && (parameter.type() == PtxType.U64 || parameter.type() == PtxType.B64);
  }

  private static ElementType scalarType(PtxParameter parameter) {
    return switch (parameter.type()) {
      case S8 -> ElementType.I8;
      case U8, B8, PRED -> ElementType.U8;
      case S16 -> ElementType.I16;
      case U16, B16 -> ElementType.U16;
      case F16 -> ElementType.F16;
      case BF16 -> ElementType.BF16;
      case S32 -> ElementType.I32;
      // nvcc writes .u32 for int too, which is far more common than unsigned.
      case U32, B32, F16X2, BF16X2 -> ElementType.I32;
      case S64 -> ElementType.I64;
      case U64, B64 -> ElementType.U64;
      case F32 -> ElementType.F32;
      case F64 -> ElementType.F64;
    };
  }

  /** The file's name as a function name: lower case, with dashes. */
  private String functionName() {
    String stem = file.replaceFirst("\\.[^.]*$", "").toLowerCase(Locale.ROOT);
    String name = stem.replaceAll("[^a-z0-9]+", "-").replaceAll("^[^a-z]+|-+$", "");
    return name.isEmpty() ? "function" : name.substring(0, Math.min(64, name.length()));
  }

  private static String identifier(String kernel) {
    String name = kernel.replaceAll("[^A-Za-z0-9_]", "_").replaceAll("^[^A-Za-z]+", "");
    return name.substring(0, Math.min(48, name.length()));
  }
}
