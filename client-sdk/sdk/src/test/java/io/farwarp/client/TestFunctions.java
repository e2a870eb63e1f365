package io.farwarp.client;

import io.farwarp.v1.Direction;
import io.farwarp.v1.ElementType;
import io.farwarp.v1.FunctionManifest;
import io.farwarp.v1.Launch;
import io.farwarp.v1.Module;
import io.farwarp.v1.ModuleKind;
import io.farwarp.v1.Parameter;
import io.farwarp.v1.ScalarKind;
import io.farwarp.v1.TensorShape;
import java.util.ArrayList;
import java.util.List;

/** Manifests of the functions that tests call, and the ids that the test gateway gives them. */
final class TestFunctions {
  static final int ADD = 1;
  static final int SCALARS = 2;
  static final int SCALE = 3;

  private TestFunctions() {}

  /** c = a + b over n floats. */
  static final FunctionManifest ADD_MANIFEST =
      manifest(
          "add",
          "n",
          tensor("a", ElementType.F32, Direction.IN, "n"),
          tensor("b", ElementType.F32, Direction.IN, "n"),
          tensor("c", ElementType.F32, Direction.OUT, "n"));

  /** One scalar of each kind and no tensor. */
  static final FunctionManifest SCALARS_MANIFEST =
      manifest(
          "scalars",
          "1",
          scalar("flag", ElementType.I8),
          scalar("count", ElementType.I32),
          scalar("big", ElementType.U64),
          scalar("rate", ElementType.F32),
          scalar("exact", ElementType.F64));

  /** x = x * factor over m rows of k doubles. */
  static final FunctionManifest SCALE_MANIFEST =
      manifest(
          "scale",
          "m",
          tensor("x", ElementType.F64, Direction.INOUT, "m", "k"),
          scalar("m", ElementType.I32),
          scalar("k", ElementType.I32),
          scalar("factor", ElementType.F64));

  static final List<FunctionManifest> ALL = List.of(ADD_MANIFEST, SCALARS_MANIFEST, SCALE_MANIFEST);

  static int id(FunctionManifest manifest) {
    return ALL.indexOf(manifest) + 1;
  }

  private static FunctionManifest manifest(String name, String grid, Parameter... parameters) {
    List<String> arguments = new ArrayList<>();
    for (Parameter parameter : parameters) {
      arguments.add(parameter.getName());
    }
    return FunctionManifest.newBuilder()
        .setName(name)
        .setVersion("1")
        .addAllParameters(List.of(parameters))
        .addModules(Module.newBuilder().setFile(name + ".ptx").setKind(ModuleKind.PTX))
        .addPlan(
            Launch.newBuilder()
                .setKernel(name)
                .addGrid(grid)
                .addBlock("1")
                .addAllArguments(arguments))
        .build();
  }

  private static Parameter tensor(
      String name, ElementType type, Direction direction, String... shape) {
    return Parameter.newBuilder()
        .setName(name)
        .setType(type)
        .setTensor(TensorShape.newBuilder().setDirection(direction).addAllShape(List.of(shape)))
        .build();
  }

  private static Parameter scalar(String name, ElementType type) {
    return Parameter.newBuilder()
        .setName(name)
        .setType(type)
        .setScalar(ScalarKind.getDefaultInstance())
        .build();
  }
}
