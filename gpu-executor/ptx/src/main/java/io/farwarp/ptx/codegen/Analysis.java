package io.farwarp.ptx.codegen;

import io.farwarp.ptx.ir.Function;
import io.farwarp.ptx.ir.Provenance;

/** What is known of a function, for all methods that are made of it. */
record Analysis(
    Function function,
    Fusion fusion,
    Invariants invariants,
    Provenance provenance,
    FlushedValues flushed) {

  static Analysis of(Function function) {
    return of(function, Invariants.of(function));
  }

  /** Of a kernel with stops, for which each region computes again what all threads share. */
  static Analysis ofRegions(Function function) {
    return of(function, Invariants.ofRegions(function));
  }

  private static Analysis of(Function function, Invariants invariants) {
    return new Analysis(
        function,
        Fusion.of(function),
        invariants,
        Provenance.of(function),
        FlushedValues.of(function));
  }
}
