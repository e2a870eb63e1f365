package io.farwarp.simcuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.util.ArrayList;
import java.util.List;

/** {@code struct launch_request} of the driver, valid while the launch runs. */
record LaunchRequest(MemorySegment struct) {
  static final StructLayout LAYOUT =
      MemoryLayout.structLayout(
          JAVA_LONG.withName("kernel"),
          MemoryLayout.sequenceLayout(3, JAVA_INT).withName("grid"),
          MemoryLayout.sequenceLayout(3, JAVA_INT).withName("block"),
          JAVA_LONG.withName("shared_bytes"),
          ADDRESS.withName("parameters"),
          ADDRESS.withName("ranges"),
          JAVA_LONG.withName("range_count"),
          JAVA_LONG.withName("generation"),
          JAVA_LONG.withName("timeout_ms"),
          ADDRESS.withName("detail"),
          JAVA_LONG.withName("detail_bytes"));

  private static long offset(String field) {
    return LAYOUT.byteOffset(PathElement.groupElement(field));
  }

  private long number(String field) {
    return struct.get(JAVA_LONG, offset(field));
  }

  long kernel() {
    return number("kernel");
  }

  int grid(int axis) {
    return struct.get(JAVA_INT, offset("grid") + 4L * axis);
  }

  int block(int axis) {
    return struct.get(JAVA_INT, offset("block") + 4L * axis);
  }

  int sharedBytes() {
    return Math.toIntExact(number("shared_bytes"));
  }

  MemorySegment parameters(long bytes) {
    return struct.get(ADDRESS, offset("parameters")).reinterpret(bytes);
  }

  /** What the kernel may touch, beside its module's own variables. */
  List<MemorySegment> ranges() {
    long count = number("range_count");
    MemorySegment pairs = struct.get(ADDRESS, offset("ranges")).reinterpret(16 * count);
    List<MemorySegment> ranges = new ArrayList<>();
    for (long i = 0; i < count; i++) {
      MemorySegment start = MemorySegment.ofAddress(pairs.getAtIndex(JAVA_LONG, 2 * i));
      ranges.add(start.reinterpret(pairs.getAtIndex(JAVA_LONG, 2 * i + 1)));
    }
    return ranges;
  }

  /** Changes whenever the ranges do. */
  long generation() {
    return number("generation");
  }

  /** After which the launch is stopped; 0: never. */
  long timeoutMs() {
    return number("timeout_ms");
  }

  /** Says why the launch failed. */
  void detail(String text) {
    Text.copy(text, struct.get(ADDRESS, offset("detail")), number("detail_bytes"));
  }
}
