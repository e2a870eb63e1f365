package io.farwarp.cli.bench;

import io.farwarp.cli.TemporaryDirectory;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** The loops of {@code bench ptx} in C, in this process: compiled where gcc is there. */
final class CLoops {
  /** As people compile loops that are to be fast, without leave to change their results. */
  private static final List<String> OPTIONS =
      List.of("-O3", "-march=native", "-fopenmp", "-shared", "-fPIC");

  private final SymbolLookup library;

  private CLoops(SymbolLookup library) {
    this.library = library;
  }

  /**
   * The loops on {@code threads} threads; empty where there is no gcc. OpenMP's threads live as
   * long as the process, and so does the library.
   */
  static Optional<CLoops> load(int threads) throws IOException {
    try (TemporaryDirectory directory = TemporaryDirectory.create("farwarp-loops")) {
      Path binary = CCompiler.compile(directory.path(), "ptx/loops.c", OPTIONS, List.of("-lm"));
      CLoops loops = new CLoops(SymbolLookup.libraryLookup(binary, Arena.global()));
      loops.call("use_threads", threads);
      return Optional.of(loops);
    } catch (IOException noCompiler) {
      return Optional.empty();
    }
  }

  /**
   * Calls a function that returns nothing.
   *
   * @param arguments memory for pointers, and boxed numbers of the C function's types
   */
  void call(String function, Object... arguments) {
    bind(function, arguments).run();
  }

  /** A call to make again and again. */
  Runnable bind(String function, Object... arguments) {
    MemoryLayout[] layouts = new MemoryLayout[arguments.length];
    for (int i = 0; i < arguments.length; i++) {
      layouts[i] = layout(arguments[i]);
    }
    MethodHandle handle =
        Linker.nativeLinker()
            .downcallHandle(library.findOrThrow(function), FunctionDescriptor.ofVoid(layouts));
    return () -> {
      try {
        handle.invokeWithArguments(arguments);
      } catch (Throwable failure) {
        throw new IllegalStateException(function, failure);
      }
    };
  }

  private static MemoryLayout layout(Object argument) {
    return switch (argument) {
      case MemorySegment any -> ValueLayout.ADDRESS;
      case Integer any -> ValueLayout.JAVA_INT;
      case Long any -> ValueLayout.JAVA_LONG;
      case Float any -> ValueLayout.JAVA_FLOAT;
      default -> throw new IllegalArgumentException("no C type for " + argument.getClass());
    };
  }
}
