package io.farwarp.cli.bench;

/** Tells a person what is being measured. */
@FunctionalInterface
interface BenchProgress {
  void say(String what);
}
