package io.farwarp.ptx.cache;

import java.io.File;
import java.net.URISyntaxException;
import java.security.CodeSource;
import java.util.Optional;

/** Names the build of this compiler and the JVM below it, so that no other build's code is run. */
final class CompilerBuild {
  private static final Optional<String> NAME = find();

  private CompilerBuild() {}

  /** Empty where this class does not come from a file or directory. */
  static Optional<String> name() {
    return NAME;
  }

  private static Optional<String> find() {
    CodeSource source = CompilerBuild.class.getProtectionDomain().getCodeSource();
    if (source == null || source.getLocation() == null) {
      return Optional.empty();
    }
    try {
      File file = new File(source.getLocation().toURI());
      File compiler = file.isDirectory() ? new File(file, "io/farwarp/ptx") : file;
      long state = state(compiler);
      return state == 0
          ? Optional.empty()
          : Optional.of(System.getProperty("java.vm.version") + " " + file + " " + state);
    } catch (URISyntaxException | IllegalArgumentException e) {
      return Optional.empty(); // not a file
    }
  }

  /** Changes when a file is written anew; 0 if there is none. */
  private static long state(File file) {
    File[] children = file.listFiles();
    if (children == null) {
      return file.lastModified() * 31 + file.length();
    }
    long state = 0;
    for (File child : children) {
      // A sum, because the order of a directory is not defined.
      state += (state(child) * 31 + child.getName().hashCode()) * 0x9E3779B97F4A7C15L;
    }
    return state;
  }
}
