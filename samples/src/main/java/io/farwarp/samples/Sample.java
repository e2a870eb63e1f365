package io.farwarp.samples;

import io.farwarp.function.FunctionPackage;
import io.farwarp.function.FunctionPackageException;
import io.farwarp.function.ManifestJson;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Map;

/** The samples, each a directory of CUDA source, PTX and manifest that this module carries. */
public enum Sample {
  /** z = x + y. */
  HELLO("hello"),
  /** Prices of European options. */
  BLACK_SCHOLES("black-scholes"),
  /** c = alpha a b + beta c. */
  SGEMM("sgemm"),
  /** An empty kernel. */
  NULL("null"),
  /** out = in. */
  IDENTITY("identity"),
  /** Takes a tensor and gives one back, touching neither. */
  UNTOUCHED("untouched");

  private final String functionName;

  Sample(String functionName) {
    this.functionName = functionName;
  }

  /** The function's name in its manifest; its version is 1. */
  public String functionName() {
    return functionName;
  }

  /** The sample's package, ready to be pushed. */
  public FunctionPackage functionPackage() {
    try {
      return FunctionPackage.build(
          ManifestJson.read(resource(FunctionPackage.MANIFEST)),
          Map.of(
              functionName + ".ptx", resource(functionName + ".ptx"),
              functionName + ".cu", resource(functionName + ".cu")));
    } catch (FunctionPackageException e) {
      throw new IllegalStateException("the sample " + functionName + " is not valid", e);
    }
  }

  /** The sample's PTX text. */
  public byte[] ptx() {
    return resource(functionName + ".ptx");
  }

  private byte[] resource(String file) {
    String path = functionName + "/" + file;
    try (InputStream in = Sample.class.getResourceAsStream(path)) {
      if (in == null) {
        throw new IllegalStateException("the samples' jar lacks " + path);
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + path, e);
    }
  }
}
