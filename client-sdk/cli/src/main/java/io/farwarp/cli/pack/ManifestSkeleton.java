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
import org.jspecify.annotations.Nullable;

/**
 * A manifest guessed from PTX. What PTX tells: the kernels, how many parameters of which size they
 * take, and often which of them are addresses of what. It does not tell shapes, grid and block.
 */
final class ManifestSkeleton {
  private static final String EDIT =
      "EDIT ME: guessed from PTX. Give parameters their names; check types and directions (taken"
          + " from the kernel's loads and stores; OUT means that every element is written), shapes"
          + " (all [n]), grid, block and the example; pass an extent by value with an argument such"
          + " as \"n\".";
  private static final String BLOCK = "256";

  private final String file;
  private final ModuleKind kind;
  private final String text;
  private final PtxModule module;
  private final List<String> kernels;

  /**
   * A skeleton that launches {@code kernels} of {@code module}, one after the other.
   *
   * @param text the module's PTX
   */
  ManifestSkeleton(
      String file, ModuleKind kind, String text, PtxModule module, List<String> kernels) {
    this.file = file;
    this.kind = kind;
    this.text = text;
    this.module = module;
    this.kernels = List.copyOf(kernels);
  }

  FunctionManifest manifest() {
    FunctionManifest.Builder manifest =
        FunctionManifest.newBuilder()
            .setName(functionName())
            .setVersion("1")
            .setDescription(EDIT)
            .addModules(Module.newBuilder().setFile(file).setKind(kind));
    for (String name : kernels) {
      launch(manifest, module.kernel(name), kernels.size() > 1 ? identifier(name) + "_" : "");
    }
    for (Parameter parameter : manifest.getParametersList()) {
      manifest.putExample(
          parameter.hasScalar() ? parameter.getName() : "n", parameter.hasScalar() ? "1" : "1024");
    }
    return manifest.build();
  }

  private void launch(FunctionManifest.Builder manifest, PtxKernel kernel, String prefix) {
    PtxUsage usage = PtxUsage.of(text, kernel.name());
    Launch.Builder launch = Launch.newBuilder().setKernel(kernel.name());
    boolean tensors = false;
    for (int i = 0; i < kernel.parameters().size(); i++) {
      PtxParameter taken = kernel.parameters().get(i);
      String name = prefix + "p" + i;
      PtxUsage.@Nullable Use use = taken.sizeBytes() == 8 ? usage.of(taken.name()) : null;
      tensors |= use != null;
      manifest.addParameters(use == null ? scalar(name, taken) : tensor(name, use));
      launch.addArguments(name);
    }
    List<String> required = PtxUsage.requiredBlock(text, kernel.name());
    List<String> block = required.isEmpty() ? List.of(BLOCK) : required;
    launch.addAllBlock(block);
    launch.addGrid(tensors ? "ceildiv(n, " + block.getFirst() + ")" : "1");
    manifest.addPlan(launch);
  }

  private static Parameter scalar(String name, PtxParameter taken) {
    return Parameter.newBuilder()
        .setName(name)
        .setType(scalarType(taken.type()))
        .setScalar(ScalarKind.getDefaultInstance())
        .build();
  }

  private static Parameter tensor(String name, PtxUsage.Use use) {
    Direction direction =
        use.isWritten() ? (use.isRead() ? Direction.INOUT : Direction.OUT) : Direction.IN;
    return Parameter.newBuilder()
        .setName(name)
        .setType(use.type())
        .setTensor(TensorShape.newBuilder().setDirection(direction).addShape("n"))
        .build();
  }

  private static ElementType scalarType(PtxType type) {
    return switch (type) {
      case S8 -> ElementType.I8;
      case U8, B8, PRED -> ElementType.U8;
      case S16 -> ElementType.I16;
      case U16, B16 -> ElementType.U16;
      case F16 -> ElementType.F16;
      case BF16 -> ElementType.BF16;
      case S32 -> ElementType.I32;
      // nvcc writes .u32 for int too, which is far more common than unsigned; the same for 64 bits.
      case U32, B32, F16X2, BF16X2, U16X2, S16X2 -> ElementType.I32;
      case S64, U64, B64 -> ElementType.I64;
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
