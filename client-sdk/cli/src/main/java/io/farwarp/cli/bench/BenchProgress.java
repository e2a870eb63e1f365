package io.farwarp.cli.bench;

/** Tells a person what is being measured. */
@FunctionalInterface
public interface BenchProgress {
  void say(String what);
}
