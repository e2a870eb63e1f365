package io.farwarp.system;

import io.farwarp.function.FunctionPackage;
import io.farwarp.function.ManifestJson;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * Packages over {@code kernels.cu}: "spin" never ends, and its shapes leave it without an example
 * to run before; "work" takes rounds, "wild" stores far away.
 */
final class TestFunctions {
  private TestFunctions() {}

  static FunctionPackage spin() throws Exception {
    return build(
        """
        {"name": "spin", "version": "1",
         "parameters": [
           {"name": "flag", "type": "U32", "tensor": {"direction": "IN", "shape": ["n"]}},
           {"name": "out", "type": "U32", "tensor": {"direction": "OUT", "shape": ["1"]}}],
         "modules": [{"file": "kernels.ptx", "kind": "PTX"}],
         "plan": [{"kernel": "spin", "grid": ["1"], "block": ["1"], "arguments": ["flag", "out"]}]}
        """);
  }

  static FunctionPackage work() throws Exception {
    return build(
        """
        {"name": "work", "version": "1", "pure": true,
         "parameters": [
           {"name": "in", "type": "F32", "tensor": {"direction": "IN", "shape": ["n"]}},
           {"name": "out", "type": "F32", "tensor": {"direction": "OUT", "shape": ["n"]}},
           {"name": "n", "type": "I32", "scalar": {}},
           {"name": "rounds", "type": "I32", "scalar": {}}],
         "modules": [{"file": "kernels.ptx", "kind": "PTX"}],
         "plan": [{"kernel": "work", "grid": ["ceildiv(n, 128)"], "block": ["128"],
                   "arguments": ["in", "out", "n", "rounds"]}],
         "example": {"n": "1024", "rounds": "10"}}
        """);
  }

  static FunctionPackage wild() throws Exception {
    return build(
        """
        {"name": "wild", "version": "1",
         "parameters": [
           {"name": "out", "type": "U32", "tensor": {"direction": "OUT", "shape": ["1"]}},
           {"name": "far", "type": "U64", "scalar": {}}],
         "modules": [{"file": "kernels.ptx", "kind": "PTX"}],
         "plan": [{"kernel": "wild", "grid": ["1"], "block": ["1"], "arguments": ["out", "far"]}],
         "example": {"far": "0"}}
        """);
  }

  private static FunctionPackage build(String manifest) throws Exception {
    try (InputStream ptx = TestFunctions.class.getResourceAsStream("kernels.ptx")) {
      return FunctionPackage.build(
          ManifestJson.read(manifest.getBytes(StandardCharsets.UTF_8)),
          Map.of("kernels.ptx", ptx.readAllBytes()));
    }
  }
}
