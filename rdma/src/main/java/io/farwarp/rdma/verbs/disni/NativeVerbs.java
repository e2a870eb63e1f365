package io.farwarp.rdma.verbs.disni;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import org.jspecify.annotations.Nullable;

/**
 * The functions of rdma/native/farwarp_verbs.h: what DiSNI lacks. Objects are named by their
 * addresses.
 */
final class NativeVerbs {
  private static final SymbolLookup LIBRARY = SymbolLookup.loaderLookup();
  private static final int TIMED_OUT = 1;
  private static final int CANCELLED = 2;
  private static final int MAX_NAMES_BYTES = 1024;
  private static final int EVENT_BYTES = 32;
  private static final int LIMITS_BYTES = 12 + 64;

  private static final MethodHandle DEVICE_NAMES =
      handle("farwarp_device_names", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG));
  private static final MethodHandle DEVICE_LIMITS =
      handle("farwarp_device_limits", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, ADDRESS));
  private static final MethodHandle INLINE_BYTES =
      handle("farwarp_inline_bytes", FunctionDescriptor.of(JAVA_INT, JAVA_LONG));
  private static final MethodHandle CM_EVENT =
      handle(
          "farwarp_cm_event",
          FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT, ADDRESS));
  private static final MethodHandle MIGRATE =
      handle("farwarp_migrate", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG));
  private static final MethodHandle REJECT =
      handle("farwarp_reject", FunctionDescriptor.of(JAVA_INT, JAVA_LONG));
  private static final MethodHandle AWAIT_COMPLETION =
      handle(
          "farwarp_await_completion",
          FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT));

  private NativeVerbs() {}

  /**
   * What one id's device and port allow.
   *
   * @param maxMessageBytes of one work request
   * @param maxWorkRequests of one queue
   */
  record DeviceLimits(
      String device, long maxMessageBytes, int maxWorkRequests, int maxCompletions) {}

  private static MethodHandle handle(String name, FunctionDescriptor type) {
    return Linker.nativeLinker().downcallHandle(LIBRARY.findOrThrow(name), type);
  }

  /** The names of this host's RDMA devices, with blanks between them; empty if it has none. */
  static String deviceNames() throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment names = arena.allocate(MAX_NAMES_BYTES);
      require("ibv_get_device_list", (int) DEVICE_NAMES.invokeExact(names, names.byteSize()));
      return names.getString(0);
    } catch (IOException e) {
      throw e;
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static DeviceLimits deviceLimits(long id) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment limits = arena.allocate(LIMITS_BYTES, Integer.BYTES);
      require("ibv_query_device", (int) DEVICE_LIMITS.invokeExact(id, limits));
      return new DeviceLimits(
          limits.getString(12),
          Integer.toUnsignedLong(limits.get(JAVA_INT, 0)),
          limits.get(JAVA_INT, 4),
          limits.get(JAVA_INT, 8));
    } catch (IOException e) {
      throw e;
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** What a work request of the queue pair may carry inline. */
  static int inlineBytes(long queuePair) throws IOException {
    try {
      return require("ibv_query_qp", (int) INLINE_BYTES.invokeExact(queuePair));
    } catch (IOException e) {
      throw e;
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /**
   * Waits for the next event of a channel.
   *
   * @param cancel a descriptor whose readiness ends the wait
   * @param timeoutMs negative for no limit
   * @return null when the time has passed
   */
  static @Nullable CmEvent awaitEvent(long channel, int cancel, int timeoutMs) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment event = arena.allocate(EVENT_BYTES, Long.BYTES);
      int outcome =
          require(
              "rdma_get_cm_event", (int) CM_EVENT.invokeExact(channel, cancel, timeoutMs, event));
      if (outcome == CANCELLED) {
        throw new CancelledException();
      }
      return outcome == TIMED_OUT
          ? null
          : new CmEvent(
              event.get(JAVA_LONG, 0),
              event.get(JAVA_LONG, 8),
              CmEvent.Type.of(event.get(JAVA_INT, 16)),
              event.get(JAVA_INT, 20),
              event.get(JAVA_INT, 24));
    } catch (IOException e) {
      throw e;
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** Somebody ended the wait. */
  static final class CancelledException extends IOException {
    private static final long serialVersionUID = 1L;

    CancelledException() {
      super("cancelled");
    }
  }

  static void migrate(long id, long channel) throws IOException {
    try {
      require("rdma_migrate_id", (int) MIGRATE.invokeExact(id, channel));
    } catch (IOException e) {
      throw e;
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static void reject(long id) throws IOException {
    try {
      require("rdma_reject", (int) REJECT.invokeExact(id));
    } catch (IOException e) {
      throw e;
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /**
   * Until there is a completion event, {@code wake} is signalled, or the time has passed; allocates
   * nothing.
   */
  static void awaitCompletion(long channel, int wake, int timeoutMs) throws IOException {
    int outcome;
    try {
      outcome = (int) AWAIT_COMPLETION.invokeExact(channel, wake, timeoutMs);
    } catch (Throwable e) {
      throw unexpected(e);
    }
    require("ibv_get_cq_event", outcome);
  }

  private static int require(String call, int outcome) throws IOException {
    if (outcome < 0) {
      throw new IOException(call + ": errno " + -outcome);
    }
    return outcome;
  }

  /** A downcall throws nothing of its own. */
  private static LinkageError unexpected(Throwable cause) {
    return new LinkageError("downcall into libdisni", cause);
  }
}
