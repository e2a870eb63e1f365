package io.farwarp.ptx.runtime;

import java.lang.invoke.MethodHandles;

/** Makes programs of generated classes, which live in this package and vanish with their module. */
public final class ProgramDefiner {
  private ProgramDefiner() {}

  public static BlockProgram define(byte[] classFile) {
    return (BlockProgram) instance(classFile);
  }

  public static RegionCode defineRegions(byte[] classFile) {
    return (RegionCode) instance(classFile);
  }

  private static Object instance(byte[] classFile) {
    try {
      Class<?> hidden = MethodHandles.lookup().defineHiddenClass(classFile, true).lookupClass();
      return hidden.getDeclaredConstructor().newInstance();
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("generated class cannot be loaded", e);
    }
  }
}
