package io.farwarp.rdma.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A C function that answers -1 and errno when it fails. Boxes its arguments: for calls outside the
 * hot path.
 */
final class CFunction {
  private static final Linker LINKER = Linker.nativeLinker();
  private static final SymbolLookup LIBC = LINKER.defaultLookup();
  private static final StructLayout CAPTURED = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO = CAPTURED.varHandle(PathElement.groupElement("errno"));
  private static final int NOT_VARIADIC = -1;

  private static final MethodHandle STRERROR =
      handle("strerror", FunctionDescriptor.of(ADDRESS, JAVA_INT));

  private final String name;
  private final MethodHandle handle;

  private CFunction(String name, MethodHandle handle) {
    this.name = name;
    this.handle = handle;
  }

  static CFunction of(String name, MemoryLayout result, MemoryLayout... arguments) {
    return variadic(name, NOT_VARIADIC, result, arguments);
  }

  /** {@code firstVariadic} is the index of the first argument that stands in the C ellipsis. */
  static CFunction variadic(
      String name, int firstVariadic, MemoryLayout result, MemoryLayout... arguments) {
    List<Linker.Option> options = new ArrayList<>();
    options.add(Linker.Option.captureCallState("errno"));
    if (firstVariadic != NOT_VARIADIC) {
      options.add(Linker.Option.firstVariadicArg(firstVariadic));
    }
    MethodHandle handle =
        handle(
            name, FunctionDescriptor.of(result, arguments), options.toArray(new Linker.Option[0]));
    return new CFunction(name, handle);
  }

  /** The bare handle, without errno: for hot calls whose failure needs no reason. */
  static MethodHandle handle(String name, FunctionDescriptor descriptor, Linker.Option... options) {
    return LINKER.downcallHandle(LIBC.findOrThrow(name), descriptor, options);
  }

  /** Calls again while a signal interrupts. */
  long call(Object... arguments) throws ErrnoException {
    while (true) {
      try {
        return callOnce(arguments);
      } catch (ErrnoException e) {
        if (e.errno() != ErrnoException.EINTR) {
          throw e;
        }
      }
    }
  }

  /** Calls once; for {@code close}, which must not be called again after EINTR. */
  long callOnce(Object... arguments) throws ErrnoException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(CAPTURED);
      List<Object> all = new ArrayList<>(arguments.length + 1);
      all.add(state);
      all.addAll(Arrays.asList(arguments));
      long result = ((Number) invoke(all)).longValue();
      if (result == -1) {
        int errno = (int) ERRNO.get(state, 0L);
        throw new ErrnoException(name, errno, text(errno));
      }
      return result;
    }
  }

  private Object invoke(List<Object> arguments) {
    try {
      return handle.invokeWithArguments(arguments);
    } catch (Throwable e) {
      throw unexpected(name, e);
    }
  }

  private static String text(int errno) {
    try {
      MemorySegment text = (MemorySegment) STRERROR.invokeExact(errno);
      return text.reinterpret(256).getString(0);
    } catch (Throwable e) {
      throw unexpected("strerror", e);
    }
  }

  /** A downcall throws nothing of its own: what comes out of it is a defect in its declaration. */
  static LinkageError unexpected(String name, Throwable cause) {
    return new LinkageError("downcall of " + name, cause);
  }
}
