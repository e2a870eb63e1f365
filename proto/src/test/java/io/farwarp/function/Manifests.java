package io.farwarp.function;

/** Manifests that the tests of this package share. */
final class Manifests {
  private Manifests() {}

  /** y[i] += a * x[i], with a free extent. */
  static final String AXPY =
      """
      {
        "name": "axpy", "version": "1",
        "parameters": [
          {"name": "a", "type": "F32", "scalar": {}},
          {"name": "x", "type": "F32", "tensor": {"direction": "IN", "shape": ["n"]}},
          {"name": "y", "type": "F32", "tensor": {"direction": "INOUT", "shape": ["n"]}}
        ],
        "modules": [{"file": "axpy.ptx", "kind": "PTX"}],
        "plan": [{"kernel": "axpy", "grid": ["ceildiv(n, 256)"], "block": ["256"],
                  "arguments": ["a", "x", "y", "n"]}],
        "example": {"a": "1.5", "n": "1000"}
      }
      """;

  /** Scalars as extents, two launches, scratch. */
  static final String REDUCE =
      """
      {
        "name": "reduce-rows", "version": "2.0",
        "parameters": [
          {"name": "rows", "type": "I32", "scalar": {}},
          {"name": "columns", "type": "U32", "scalar": {}},
          {"name": "x", "type": "F64", "tensor": {"direction": "IN", "shape": ["rows", "columns"]}},
          {"name": "sum", "type": "F64", "tensor": {"direction": "OUT", "shape": ["rows"]}}
        ],
        "modules": [{"file": "reduce.ptx", "kind": "PTX"}],
        "scratch": [{"name": "partial", "type": "F64", "shape": ["rows", "ceildiv(columns, 32)"]}],
        "plan": [
          {"kernel": "partial", "grid": ["ceildiv(columns, 32)", "rows"], "block": ["32"],
           "dynamicSharedBytes": "32 * 8", "arguments": ["x", "partial", "columns"]},
          {"kernel": "total", "grid": ["rows"], "block": ["32"],
           "arguments": ["partial", "sum", "ceildiv(columns, 32)"], "repeat": "2"}
        ],
        "pure": true
      }
      """;
}
