package io.farwarp.function;

import io.farwarp.v1.Direction;
import io.farwarp.v1.FunctionManifest;
import io.farwarp.v1.Launch;
import io.farwarp.v1.Parameter;
import io.farwarp.v1.Scratch;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Compiles a manifest into a {@link FunctionSpec}: gives names their slots, parses expressions. */
final class SpecCompiler {
  final FunctionManifest manifest;
  final List<ParameterSpec> parameters = new ArrayList<>();
  final List<ScratchSpec> scratch = new ArrayList<>();
  final List<LaunchSpec> launches = new ArrayList<>();
  final List<FunctionSpec.FreeExtent> freeExtents = new ArrayList<>();
  final List<FunctionSpec.Computed> computed = new ArrayList<>();
  final boolean[] usedInExpressions;
  int nextResultSlot;
  int stackSize;

  private final Map<String, Integer> parameterByName = new HashMap<>();
  private final Map<String, Integer> scratchByName = new HashMap<>();
  private final Map<String, Integer> freeExtentByName = new HashMap<>();

  private SpecCompiler(FunctionManifest manifest) {
    this.manifest = manifest;
    this.usedInExpressions = new boolean[manifest.getParametersCount()];
  }

  static FunctionSpec compile(FunctionManifest manifest) throws FunctionPackageException {
    ManifestRules.check(manifest);
    return new SpecCompiler(manifest).compile();
  }

  private FunctionSpec compile() throws FunctionPackageException {
    for (int i = 0; i < manifest.getParametersCount(); i++) {
      parameterByName.put(manifest.getParameters(i).getName(), i);
    }
    for (int i = 0; i < manifest.getScratchCount(); i++) {
      scratchByName.put(manifest.getScratch(i).getName(), i);
    }
    // Results are kept behind the free extents, and those are known only when every shape is read.
    for (Parameter parameter : manifest.getParametersList()) {
      for (String extent : parameter.getTensor().getShapeList()) {
        ExpressionParser.parse(extent, this::slotInShape, 0, "the shape of " + parameter.getName());
      }
    }
    nextResultSlot = manifest.getParametersCount() + freeExtentByName.size();
    parameters();
    bindFreeExtents();
    for (int i = 0; i < manifest.getScratchCount(); i++) {
      Scratch each = manifest.getScratch(i);
      String where = "the shape of scratch " + each.getName();
      scratch.add(
          new ScratchSpec(
              i, each.getName(), each.getType(), expressions(each.getShapeList(), where)));
    }
    for (int i = 0; i < manifest.getPlanCount(); i++) {
      launches.add(launch(manifest.getPlan(i), i));
    }
    return new FunctionSpec(this);
  }

  private void parameters() throws FunctionPackageException {
    for (int i = 0; i < manifest.getParametersCount(); i++) {
      Parameter parameter = manifest.getParameters(i);
      boolean isTensor = parameter.hasTensor();
      List<Expression> shape =
          expressions(parameter.getTensor().getShapeList(), "the shape of " + parameter.getName());
      parameters.add(
          new ParameterSpec(
              i,
              parameter.getName(),
              parameter.getType(),
              isTensor,
              isTensor ? parameter.getTensor().getDirection() : Direction.IN,
              shape));
    }
  }

  private void bindFreeExtents() throws FunctionPackageException {
    FunctionSpec.FreeExtent[] bound = new FunctionSpec.FreeExtent[freeExtentByName.size()];
    for (Map.Entry<String, Integer> extent : freeExtentByName.entrySet()) {
      int slot = manifest.getParametersCount() + extent.getValue();
      ParameterSpec tensor =
          parameters.stream()
              .filter(p -> p.shape().size() == 1 && p.shape().getFirst().isName(slot))
              .findFirst()
              .orElseThrow(() ->
                  new FunctionPackageException(
                      "the extent "
                          + extent.getKey()
                          + " is not the only extent of any 1-D tensor, so nothing gives its"
                          + " value; make it a scalar parameter"));
      bound[extent.getValue()] = new FunctionSpec.FreeExtent(extent.getKey(), tensor.index());
    }
    freeExtents.addAll(List.of(bound));
  }

  private LaunchSpec launch(Launch launch, int index) throws FunctionPackageException {
    String where = "launch " + index + " (" + launch.getKernel() + ")";
    List<Argument> arguments = new ArrayList<>();
    for (int i = 0; i < launch.getArgumentsCount(); i++) {
      arguments.add(argument(launch.getArguments(i), "argument " + i + " of " + where));
    }
    return new LaunchSpec(
        launch.getKernel(),
        axes(launch.getGridList(), "the grid of " + where),
        axes(launch.getBlockList(), "the block of " + where),
        orElse(launch.getDynamicSharedBytes(), "0", "dynamic_shared_bytes of " + where),
        orElse(launch.getRepeat(), "1", "repeat of " + where),
        List.copyOf(arguments));
  }

  private Argument argument(String text, String where) throws FunctionPackageException {
    Integer parameter = parameterByName.get(text.strip());
    if (parameter != null) {
      return new Argument.ParameterRef(parameter);
    }
    Integer scratchIndex = scratchByName.get(text.strip());
    if (scratchIndex != null) {
      return new Argument.ScratchRef(scratchIndex);
    }
    return expression(text, where);
  }

  private List<Expression> axes(List<String> texts, String where) throws FunctionPackageException {
    List<String> three = new ArrayList<>(texts);
    while (three.size() < 3) {
      three.add("1");
    }
    return expressions(three, where);
  }

  private Expression orElse(String text, String otherwise, String where)
      throws FunctionPackageException {
    return expression(text.isEmpty() ? otherwise : text, where);
  }

  private List<Expression> expressions(List<String> texts, String where)
      throws FunctionPackageException {
    List<Expression> expressions = new ArrayList<>();
    for (String text : texts) {
      expressions.add(expression(text, where));
    }
    return List.copyOf(expressions);
  }

  private Expression expression(String text, String where) throws FunctionPackageException {
    Expression expression = ExpressionParser.parse(text, this::slot, nextResultSlot, where);
    if (!expression.isSimple()) {
      nextResultSlot++;
      computed.add(new FunctionSpec.Computed(expression, where));
      stackSize = Math.max(stackSize, expression.length());
    }
    for (int i = 0; i < usedInExpressions.length; i++) {
      usedInExpressions[i] |= expression.uses(i);
    }
    return expression;
  }

  private int slot(String name) throws FunctionPackageException {
    Integer extent = freeExtentByName.get(name);
    return extent != null ? manifest.getParametersCount() + extent : parameterSlot(name);
  }

  private int slotInShape(String name) throws FunctionPackageException {
    if (parameterByName.containsKey(name) || scratchByName.containsKey(name)) {
      return parameterSlot(name);
    }
    if (!ManifestRules.PARAMETER_NAME.matcher(name).matches()) {
      throw new FunctionPackageException("the name " + name + " is longer than 64 characters");
    }
    Integer next = freeExtentByName.size();
    Integer known = freeExtentByName.putIfAbsent(name, next);
    return manifest.getParametersCount() + (known == null ? next : known);
  }

  private int parameterSlot(String name) throws FunctionPackageException {
    Integer index = parameterByName.get(name);
    if (index == null) {
      throw new FunctionPackageException(
          "there is no scalar parameter or extent called "
              + ManifestRules.shortened(name)
              + (scratchByName.containsKey(name) ? " (it is a scratch tensor)" : ""));
    }
    Parameter parameter = manifest.getParameters(index);
    if (parameter.hasTensor() || !ElementTypes.isInteger(parameter.getType())) {
      throw new FunctionPackageException(
          name
              + " is "
              + (parameter.hasTensor() ? "a tensor" : "no integer")
              + "; expressions take integer scalars and extents");
    }
    return index;
  }
}
