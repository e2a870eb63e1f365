package io.farwarp.ptx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What kernels allocate with {@code malloc}: it lasts over launches, and is checked memory. */
final class HeapTest {
  private static final String TEXT =
      """
      .version 6.3
      .target sm_75
      .address_size 64
      .extern .func (.param .b64 result) malloc(.param .b64 size);
      .extern .func free(.param .b64 memory);
      .visible .entry allocate(.param .u64 out, .param .u64 size)
      {
        .reg .b64 %rd<4>;
        .param .b64 a, r;
        ld.param.u64 %rd1, [size];
        st.param.b64 [a], %rd1;
        call.uni (r), malloc, (a);
        ld.param.b64 %rd2, [r];
        ld.param.u64 %rd1, [out];
        st.global.u64 [%rd1], %rd2;
        ret;
      }
      .visible .entry release(.param .u64 memory)
      {
        .reg .b64 %rd1;
        .param .b64 a;
        ld.param.u64 %rd1, [memory];
        st.param.b64 [a], %rd1;
        call.uni free, (a);
        ret;
      }
      .visible .entry write(.param .u64 memory, .param .u64 value)
      {
        .reg .b64 %rd<3>;
        ld.param.u64 %rd1, [memory];
        ld.param.u64 %rd2, [value];
        st.u64 [%rd1], %rd2;
        ret;
      }
      .visible .entry read(.param .u64 memory, .param .u64 out)
      {
        .reg .b64 %rd<3>;
        ld.param.u64 %rd1, [memory];
        ld.u64 %rd2, [%rd1];
        ld.param.u64 %rd1, [out];
        st.u64 [%rd1], %rd2;
        ret;
      }
      """;

  private static final long HEAP_BYTES = 8 << 20;

  private final Arena arena = Arena.ofShared();
  private final MemorySegment out = arena.allocate(8, 8);
  private final PtxExecutor executor = PtxExecutor.create(1);
  private final PtxModule module = module();

  private static PtxModule module() {
    try {
      return Ptx.load(TEXT);
    } catch (PtxException e) {
      throw new IllegalStateException(e);
    }
  }

  @AfterEach
  void close() {
    executor.close();
    module.close();
    arena.close();
  }

  private long result() {
    return out.get(ValueLayout.JAVA_LONG, 0);
  }

  private long allocate(long size) throws PtxFault {
    PtxLaunch launch = module.kernel("allocate").newLaunch().pointer(0, out, 0, 8);
    executor.run(launch.scalar(1, size), Ptx.NEVER);
    return result();
  }

  private void release(long address) throws PtxFault {
    executor.run(module.kernel("release").newLaunch().scalar(0, address), Ptx.NEVER);
  }

  private void write(long address, long value) throws PtxFault {
    PtxLaunch launch = module.kernel("write").newLaunch();
    executor.run(launch.scalar(0, address).scalar(1, value), Ptx.NEVER);
  }

  @Test
  void what_one_launch_allocates_and_writes_another_reads() throws Exception {
    long first = allocate(24);
    long second = allocate(1);
    assertNotEquals(first, second);
    assertEquals(0, first % 16);
    assertEquals(0, second % 16);
    write(first + 16, 42);
    PtxLaunch read = module.kernel("read").newLaunch().scalar(0, first + 16);
    executor.run(read.pointer(1, out, 0, 8), Ptx.NEVER);
    assertEquals(42, result());
  }

  @Test
  void memory_that_does_not_fit_is_null_and_freed_pieces_grow_together() throws Exception {
    assertEquals(0, allocate(0));
    assertEquals(0, allocate(-1));
    assertEquals(0, allocate(HEAP_BYTES + 1));
    long a = allocate(HEAP_BYTES / 4);
    long b = allocate(HEAP_BYTES / 2);
    long c = allocate(HEAP_BYTES / 4);
    assertEquals(0, allocate(1));
    release(a);
    release(c);
    assertEquals(0, allocate(HEAP_BYTES / 2));
    release(b);
    assertEquals(a, allocate(HEAP_BYTES));
  }

  @Test
  void freeing_what_is_not_allocated_is_a_fault_and_null_is_not() throws Exception {
    release(0);
    long piece = allocate(64);
    assertEquals(
        PtxFault.Kind.ILLEGAL_ADDRESS,
        assertThrows(PtxFault.class, () -> release(piece + 16)).kind());
    release(piece);
    assertEquals(piece, assertThrows(PtxFault.class, () -> release(piece)).address());
  }

  @Test
  void memory_beyond_the_heap_is_not_reachable() throws Exception {
    long start = allocate(16);
    assertThrows(PtxFault.class, () -> write(start + HEAP_BYTES, 1));
  }

  @Test
  void only_a_module_that_allocates_has_a_heap_and_its_limit_counts_it() {
    assertEquals(HEAP_BYTES, module.memoryBytes());
    PtxOptions little = new PtxOptions(1 << 20, HEAP_BYTES - 1, 1 << 10);
    PtxMemoryException refused =
        assertThrows(PtxMemoryException.class, () -> PtxModule.load(TEXT, little));
    assertEquals(HEAP_BYTES, refused.neededBytes());
  }
}
