package io.farwarp.cli.run;

import io.farwarp.cli.CommandException;
import io.farwarp.function.ElementTypes;
import io.farwarp.function.Expression;
import io.farwarp.function.FunctionPackageException;
import io.farwarp.function.FunctionSpec;
import io.farwarp.function.ParameterSpec;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * One call worked out from what the command line gives: every scalar, every tensor's shape. Extents
 * and scalars that follow from the shapes of files need not be given.
 */
final class CallPlan {
  private static final Pattern NAME = Pattern.compile("[A-Za-z][A-Za-z0-9_]*");
  private static final long ALIGNMENT_BYTES = 256;

  private final FunctionSpec spec;
  private final Map<String, TensorFile> inputs;
  private final Map<String, String> values = new LinkedHashMap<>();
  private final Map<String, String> sources = new HashMap<>();
  private final FunctionSpec.Sizes sizes;

  /**
   * Works the call out.
   *
   * @param inputs files by parameter, for IN and INOUT
   * @param outputs parameters that are to be written to files, OUT and INOUT
   * @param scalars values by name
   * @param shapes of tensors that no file gives, "1000" or "20x30"
   */
  CallPlan(
      FunctionSpec spec,
      Map<String, TensorFile> inputs,
      Set<String> outputs,
      Map<String, String> scalars,
      Map<String, String> shapes) {
    this.spec = spec;
    this.inputs = inputs;
    checkNames(outputs, scalars.keySet(), shapes.keySet());
    scalars.forEach((name, value) -> value(name, value, "--scalar " + name));
    for (Map.Entry<String, String> shape : shapes.entrySet()) {
      extents(tensor(shape.getKey()), parse(shape), "--shape " + shape.getKey());
    }
    for (Map.Entry<String, TensorFile> input : inputs.entrySet()) {
      input(tensor(input.getKey()), input.getValue());
    }
    this.sizes = sizes();
    inputs.forEach((name, file) -> checkFits(tensor(name), file));
    String reason =
        spec.bind(sizes.scalarBits(), sizes.tensorLengthBytes(), new long[spec.slots()]);
    if (reason != null) {
      throw new CommandException(name() + ": " + reason);
    }
  }

  /** Bits of a scalar parameter. */
  long scalarBits(ParameterSpec scalar) {
    return sizes.scalarBits()[scalar.index()];
  }

  /** Extents of a tensor parameter, outermost first. */
  List<Long> shape(ParameterSpec tensor) {
    return sizes.extents().get(tensor.index());
  }

  /** Bytes of window that the tensors take together. */
  long windowBytes() {
    long bytes = 0;
    for (long length : sizes.tensorLengthBytes()) {
      bytes = Math.addExact(bytes, Math.addExact(length, ALIGNMENT_BYTES));
    }
    return bytes;
  }

  private String name() {
    return spec.name() + ":" + spec.version();
  }

  private void checkNames(Set<String> outputs, Set<String> scalars, Set<String> shapes) {
    for (ParameterSpec parameter : spec.parameters()) {
      String name = parameter.name();
      if (parameter.isTensor() && parameter.isRead() && !inputs.containsKey(name)) {
        throw new CommandException(missing(parameter, parameter.isWritten() ? "--inout" : "--in"));
      }
      if (parameter.isTensor() && parameter.isWritten() && !outputs.contains(name)) {
        throw new CommandException(missing(parameter, "--out"));
      }
    }
    for (String name : inputs.keySet()) {
      if (!tensor(name).isRead()) {
        throw new CommandException(name() + ": " + name + " is written only: it takes --out");
      }
    }
    for (String name : outputs) {
      if (!tensor(name).isWritten()) {
        throw new CommandException(name() + ": " + name + " is read only: it takes --in");
      }
    }
    shapes.forEach(this::tensor);
    for (String name : scalars) {
      boolean known =
          spec.freeExtents().contains(name)
              || spec.parameters().stream().anyMatch(p -> !p.isTensor() && p.name().equals(name));
      if (!known) {
        throw new CommandException(name() + " has no scalar " + name + "; " + signature());
      }
    }
  }

  private String missing(ParameterSpec parameter, String option) {
    return "%s: %s %s is missing: give %s %s=FILE"
        .formatted(name(), parameter.name(), parameter.typeText(), option, parameter.name());
  }

  private ParameterSpec tensor(String name) {
    return spec.parameters().stream()
        .filter(p -> p.isTensor() && p.name().equals(name))
        .findFirst()
        .orElseThrow(
            () -> new CommandException(name() + " has no tensor " + name + "; " + signature()));
  }

  private String signature() {
    return "it takes "
        + spec.parameters().stream()
            .map(p -> p.name() + " " + p.typeText())
            .collect(Collectors.joining(", "));
  }

  private static List<Long> parse(Map.Entry<String, String> shape) {
    List<Long> extents = new ArrayList<>();
    for (String extent : shape.getValue().split("[x,]", -1)) {
      try {
        extents.add(Long.parseUnsignedLong(extent.strip()));
      } catch (NumberFormatException e) {
        throw new CommandException(
            "--shape %s=%s: a shape is like 1000 or 20x30"
                .formatted(shape.getKey(), shape.getValue()),
            e);
      }
    }
    return extents;
  }

  private void input(ParameterSpec tensor, TensorFile file) {
    NpyHeader header = file.header();
    if (header != null) {
      if (header.type() != tensor.type()) {
        throw new CommandException(
            "%s holds %s; %s is %s: save it with .astype('%s')"
                .formatted(
                    file.path(),
                    ElementTypes.label(header.type()),
                    tensor.name(),
                    tensor.typeText(),
                    NpyHeader.descr(tensor.type())));
      }
      extents(tensor, header.shape(), file.path().toString());
    } else if (tensor.shape().size() == 1) {
      long bytes = file.elements().byteSize();
      if (bytes % tensor.elementBytes() != 0) {
        throw new CommandException(
            "%s holds %d bytes, no whole number of %s"
                .formatted(file.path(), bytes, ElementTypes.label(tensor.type())));
      }
      extents(tensor, List.of(bytes / tensor.elementBytes()), file.path().toString());
    }
  }

  /** Learns from a tensor's extents the values of those that are a name alone. */
  private void extents(ParameterSpec tensor, List<Long> extents, String source) {
    if (extents.size() != tensor.shape().size()) {
      throw new CommandException(
          "%s has the shape %s; %s is %s"
              .formatted(source, extents, tensor.name(), tensor.typeText()));
    }
    for (int i = 0; i < extents.size(); i++) {
      Expression extent = tensor.shape().get(i);
      if (NAME.matcher(extent.toString()).matches()) {
        value(extent.toString(), Long.toString(extents.get(i)), source);
      }
    }
  }

  private void value(String name, String value, String source) {
    String known = values.putIfAbsent(name, value);
    if (known == null) {
      sources.put(name, source);
    } else if (!known.strip().equals(value.strip())) {
      throw new CommandException(
          "%s says %s = %s; %s says %s".formatted(source, name, value, sources.get(name), known));
    }
  }

  private FunctionSpec.Sizes sizes() {
    for (ParameterSpec parameter : spec.parameters()) {
      if (!parameter.isTensor() && !values.containsKey(parameter.name())) {
        throw new CommandException(
            "%s: scalar %s %s is missing: give --scalar %s=VALUE"
                .formatted(name(), parameter.name(), parameter.typeText(), parameter.name()));
      }
    }
    for (String extent : spec.freeExtents()) {
      if (!values.containsKey(extent)) {
        throw new CommandException(
            "%s: the extent %s follows from no file: give --scalar %s=VALUE or a --shape"
                .formatted(name(), extent, extent));
      }
    }
    try {
      return spec.sizes(values);
    } catch (FunctionPackageException e) {
      throw new CommandException(name() + ": " + e.getMessage(), e);
    }
  }

  private void checkFits(ParameterSpec tensor, TensorFile file) {
    NpyHeader header = file.header();
    long length = sizes.tensorLengthBytes()[tensor.index()];
    boolean fits =
        header == null
            ? file.elements().byteSize() == length
            : header.shape().equals(shape(tensor));
    if (!fits) {
      throw new CommandException(
          "%s has %s; %s %s is %s here, %d bytes"
              .formatted(
                  file.path(),
                  header == null
                      ? file.elements().byteSize() + " bytes"
                      : "the shape " + header.shape(),
                  tensor.name(),
                  tensor.typeText(),
                  shape(tensor),
                  length));
    }
  }
}
