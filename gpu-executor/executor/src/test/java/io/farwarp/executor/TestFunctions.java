package io.farwarp.executor;

import com.google.protobuf.ByteString;
import io.farwarp.function.FunctionPackage;
import io.farwarp.function.FunctionPackageException;
import io.farwarp.function.ManifestJson;
import io.farwarp.v1.FunctionVersion;
import io.farwarp.v1.LeaseFunction;
import io.farwarp.v1.LoadFunction;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** Function packages over the kernels of {@code kernels.ptx}. */
public final class TestFunctions {
  public static final String NOTHING =
      """
      {"name": "nothing", "version": "1",
       "modules": [{"file": "kernels.ptx", "kind": "PTX"}],
       "plan": [{"kernel": "nothing", "grid": ["1"], "block": ["1"]}]}
      """;

  public static final String VECTOR_ADD =
      """
      {"name": "vector-add", "version": "1", "pure": true,
       "parameters": [
         {"name": "a", "type": "F32", "tensor": {"direction": "IN", "shape": ["n"]}},
         {"name": "b", "type": "F32", "tensor": {"direction": "IN", "shape": ["n"]}},
         {"name": "c", "type": "F32", "tensor": {"direction": "OUT", "shape": ["n"]}}],
       "modules": [{"file": "kernels.ptx", "kind": "PTX"}],
       "plan": [{"kernel": "vector_add", "grid": ["ceildiv(n, 256)"], "block": ["256"],
                 "arguments": ["a", "b", "c", "n"]}],
       "example": {"n": "1024"}}
      """;

  /** Two launches by way of a scratch tensor: d = (a + b) + c. */
  public static final String ADD_THREE =
      """
      {"name": "add-three", "version": "1", "pure": true,
       "parameters": [
         {"name": "a", "type": "F32", "tensor": {"direction": "IN", "shape": ["n"]}},
         {"name": "b", "type": "F32", "tensor": {"direction": "IN", "shape": ["n"]}},
         {"name": "c", "type": "F32", "tensor": {"direction": "IN", "shape": ["n"]}},
         {"name": "d", "type": "F32", "tensor": {"direction": "OUT", "shape": ["n"]}}],
       "scratch": [{"name": "t", "type": "F32", "shape": ["n"]}],
       "modules": [{"file": "kernels.ptx", "kind": "PTX"}],
       "plan": [
         {"kernel": "vector_add", "grid": ["ceildiv(n, 64)"], "block": ["64"],
          "arguments": ["a", "b", "t", "n"]},
         {"kernel": "vector_add", "grid": ["ceildiv(n, 64)"], "block": ["64"],
          "arguments": ["t", "c", "d", "n"], "repeat": "2"}]}
      """;

  /** With the example it ends at once, so a worker takes it for small; other turns never end. */
  public static final String SPIN =
      """
      {"name": "spin", "version": "1",
       "parameters": [{"name": "turns", "type": "U32", "scalar": {}}],
       "modules": [{"file": "kernels.ptx", "kind": "PTX"}],
       "plan": [{"kernel": "spin", "grid": ["1"], "block": ["1"], "arguments": ["turns"]}],
       "example": {"turns": "0"}}
      """;

  /** Ends when the first word of its tensor is no longer 0. */
  public static final String HOLD =
      """
      {"name": "hold", "version": "1",
       "parameters": [
         {"name": "flag", "type": "U32", "tensor": {"direction": "IN", "shape": ["n"]}}],
       "modules": [{"file": "kernels.ptx", "kind": "PTX"}],
       "plan": [{"kernel": "hold", "grid": ["1"], "block": ["1"], "arguments": ["flag"]}]}
      """;

  public static final String POKE =
      """
      {"name": "poke", "version": "1",
       "parameters": [
         {"name": "base", "type": "U32", "tensor": {"direction": "INOUT", "shape": ["n"]}},
         {"name": "distance", "type": "I64", "scalar": {}}],
       "modules": [{"file": "kernels.ptx", "kind": "PTX"}],
       "plan": [{"kernel": "poke", "grid": ["1"], "block": ["1"],
                 "arguments": ["base", "distance"]}]}
      """;

  /** Prints n, and then asserts that it is not 13. */
  public static final String SPEAK =
      """
      {"name": "speak", "version": "1",
       "parameters": [{"name": "n", "type": "U32", "scalar": {}}],
       "modules": [{"file": "kernels.ptx", "kind": "PTX"}],
       "plan": [{"kernel": "speak", "grid": ["1"], "block": ["1"], "arguments": ["n"]}]}
      """;

  /** One block turns a tensor round in shared memory, of which {@code extra} bytes lie idle. */
  public static final String REVERSE =
      """
      {"name": "reverse", "version": "1",
       "parameters": [
         {"name": "x", "type": "U32", "tensor": {"direction": "INOUT", "shape": ["n"]}},
         {"name": "wait", "type": "U32", "scalar": {}},
         {"name": "extra", "type": "I64", "scalar": {}}],
       "modules": [{"file": "kernels.ptx", "kind": "PTX"}],
       "plan": [{"kernel": "reverse", "grid": ["1"], "block": ["n"],
                 "dynamicSharedBytes": "4 * n + extra", "arguments": ["x", "n", "wait"]}]}
      """;

  private TestFunctions() {}

  public static byte[] kernels() {
    try (InputStream in = TestFunctions.class.getResourceAsStream("kernels.ptx")) {
      if (in == null) {
        throw new IllegalStateException("kernels.ptx is not there");
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The package of a manifest over {@code kernels.ptx}. */
  public static FunctionPackage packageOf(String manifest) throws FunctionPackageException {
    return packageOf(manifest, kernels());
  }

  /** The same with other text in place of {@code kernels.ptx}. */
  public static FunctionPackage packageOf(String manifest, byte[] ptx)
      throws FunctionPackageException {
    return FunctionPackage.build(ManifestJson.read(manifest), Map.of("kernels.ptx", ptx));
  }

  /** A package as a gateway names it. */
  public static LeaseFunction leaseFunction(int id, FunctionPackage functionPackage) {
    return LeaseFunction.newBuilder()
        .setFunctionId(id)
        .setVersion(
            FunctionVersion.newBuilder()
                .setName(functionPackage.manifest().getName())
                .setVersion(functionPackage.manifest().getVersion())
                .setDigest(ByteString.copyFrom(functionPackage.digest())))
        .build();
  }

  /** The command to load a function, whose package is put into {@code directory}. */
  public static LoadFunction loadCommand(int id, String manifest, Path directory)
      throws FunctionPackageException, IOException {
    FunctionPackage functionPackage = packageOf(manifest);
    Path file = directory.resolve("package-" + id);
    Files.write(file, functionPackage.bytes());
    return LoadFunction.newBuilder()
        .setFunction(leaseFunction(id, functionPackage))
        .setPackagePath(file.toString())
        .build();
  }
}
