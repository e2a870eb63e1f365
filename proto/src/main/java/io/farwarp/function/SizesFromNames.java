package io.farwarp.function;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Works out scalars' bits and tensors' lengths from values given by name. */
final class SizesFromNames {
  private final FunctionSpec spec;
  private final Map<String, String> values;
  private final long[] work;

  SizesFromNames(FunctionSpec spec, Map<String, String> values) {
    this.spec = spec;
    this.values = values;
    this.work = new long[spec.slots()];
  }

  FunctionSpec.Sizes sizes() throws FunctionPackageException {
    List<ParameterSpec> parameters = spec.parameters();
    refuseUnknownNames();
    long[] scalarBits = new long[parameters.size()];
    for (ParameterSpec parameter : parameters) {
      if (!parameter.isTensor()) {
        scalarBits[parameter.index()] = scalar(parameter);
      }
    }
    orThrow(spec.scalars(scalarBits, work));
    List<String> extentNames = spec.freeExtents();
    for (int i = 0; i < extentNames.size(); i++) {
      work[parameters.size() + i] = extent(extentNames.get(i));
    }
    orThrow(spec.compute(work));
    long[] lengths = new long[parameters.size()];
    List<List<Long>> extents = new ArrayList<>();
    for (ParameterSpec parameter : parameters) {
      extents.add(parameter.shape().stream().map(each -> each.value(work)).toList());
      if (parameter.isTensor()) {
        lengths[parameter.index()] = length(parameter, extents.getLast());
      }
    }
    return new FunctionSpec.Sizes(scalarBits, lengths, List.copyOf(extents));
  }

  private void refuseUnknownNames() throws FunctionPackageException {
    for (String name : values.keySet()) {
      boolean scalar =
          spec.parameters().stream().anyMatch(p -> !p.isTensor() && p.name().equals(name));
      if (!scalar && !spec.freeExtents().contains(name)) {
        throw new FunctionPackageException(
            "there is no scalar parameter or free extent called " + ManifestRules.shortened(name));
      }
    }
  }

  private long scalar(ParameterSpec parameter) throws FunctionPackageException {
    String text = value(parameter.name(), "scalar");
    try {
      return ElementTypes.parseBits(parameter.type(), text);
    } catch (NumberFormatException e) {
      throw new FunctionPackageException(
          "scalar "
              + parameter.name()
              + ": \""
              + ManifestRules.shortened(text)
              + "\" is no "
              + ElementTypes.label(parameter.type()),
          e);
    }
  }

  private long extent(String name) throws FunctionPackageException {
    String text = value(name, "extent");
    try {
      long value = Long.parseLong(text.strip());
      if (value >= 0) {
        return value;
      }
    } catch (NumberFormatException e) {
      throw badExtent(name, text, e);
    }
    throw badExtent(name, text, null);
  }

  private static FunctionPackageException badExtent(
      String name, String text, @Nullable Throwable cause) {
    String message =
        "extent " + name + ": \"" + ManifestRules.shortened(text) + "\" is no integer of 0 and up";
    return cause == null
        ? new FunctionPackageException(message)
        : new FunctionPackageException(message, cause);
  }

  private String value(String name, String what) throws FunctionPackageException {
    String text = values.get(name);
    if (text == null) {
      throw new FunctionPackageException("no value is given for the " + what + " " + name);
    }
    return text;
  }

  private long length(ParameterSpec tensor, List<Long> extents) throws FunctionPackageException {
    long length = FunctionSpec.product(tensor.shape(), work, tensor.elementBytes());
    if (length < 0) {
      throw new FunctionPackageException(
          "tensor "
              + tensor.name()
              + " "
              + tensor.typeText()
              + " of "
              + extents
              + " is of negative or overflowing size");
    }
    return length;
  }

  private static void orThrow(@Nullable String reason) throws FunctionPackageException {
    if (reason != null) {
      throw new FunctionPackageException(reason);
    }
  }
}
