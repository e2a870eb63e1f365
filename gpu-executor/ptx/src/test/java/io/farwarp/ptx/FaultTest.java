package io.farwarp.ptx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.ptx.PtxFault.Index;
import io.farwarp.ptx.PtxFault.Kind;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a kernel does wrong ends its launch with a fault that says where, and nothing else. */
final class FaultTest {
  private static final String TEXT =
      """
      .version 6.3
      .target sm_75
      .address_size 64
      .const .align 4 .b8 fixed[16];
      .global .align 4 .b8 table[16];
      .visible .entry poke(.param .u64 base, .param .u64 offset)
      {
        .reg .b64 %rd<6>;
        .reg .b32 %r<4>;
        .reg .pred %p<2>;
        ld.param.u64 %rd1, [base];
        ld.param.u64 %rd2, [offset];
        cvta.to.global.u64 %rd1, %rd1;
        add.s64 %rd3, %rd1, %rd2;
        mov.u32 %r1, %ctaid.x;
        mov.u32 %r2, %tid.x;
        setp.ne.u32 %p1, %r1, 3;
        @%p1 bra done;
        setp.ne.u32 %p1, %r2, 7;
        @%p1 bra done;
        st.global.u32 [%rd3], %r2;
      done:
        ret;
      }
      .visible .entry peek(.param .u64 address, .param .u64 out)
      {
        .reg .b64 %rd<6>;
        .reg .b32 %r<4>;
        ld.param.u64 %rd1, [address];
        ld.param.u64 %rd2, [out];
        ld.u32 %r1, [%rd1];
        st.global.u32 [%rd2], %r1;
        ret;
      }
      .visible .entry writeConstant()
      {
        .reg .b64 %rd<2>;
        mov.u64 %rd1, fixed;
        st.u32 [%rd1], 1;
        ret;
      }
      .visible .entry overrunTable(.param .u32 index)
      {
        .reg .b64 %rd<4>;
        .reg .b32 %r<2>;
        ld.param.u32 %r1, [index];
        mul.wide.s32 %rd1, %r1, 4;
        mov.u64 %rd2, table;
        add.s64 %rd2, %rd2, %rd1;
        st.global.u32 [%rd2], 1;
        ret;
      }
      .visible .entry spin(.param .u64 flag)
      {
        .reg .b64 %rd<2>;
        .reg .b32 %r<2>;
        .reg .pred %p<2>;
        ld.param.u64 %rd1, [flag];
      again:
        ld.volatile.global.u32 %r1, [%rd1];
        setp.eq.u32 %p1, %r1, 0;
        @%p1 bra again;
        ret;
      }
      .visible .entry whirl()
      {
      again:
        bra again;
      }
      .visible .entry stop()
      {
        trap;
      }
      .func recurse(.param .b32 n)
      {
        .local .align 8 .b8 frame[256];
        .reg .b32 %r<2>;
        ld.param.b32 %r1, [n];
        {
          .param .b32 next;
          st.param.b32 [next], %r1;
          call.uni recurse, (next);
        }
        ret;
      }
      .visible .entry dive()
      {
        .reg .b32 %r<2>;
        mov.u32 %r1, 1;
        {
          .param .b32 next;
          st.param.b32 [next], %r1;
          call.uni recurse, (next);
        }
        ret;
      }
      .visible .entry local(.param .u64 offset)
      {
        .local .align 8 .b8 frame[32];
        .reg .b64 %rd<4>;
        ld.param.u64 %rd1, [offset];
        mov.u64 %rd2, frame;
        add.s64 %rd2, %rd2, %rd1;
        st.local.u32 [%rd2], 5;
        ret;
      }
      """;

  private final Arena arena = Arena.ofShared();
  private final PtxModule module = load();
  private final PtxExecutor executor = PtxExecutor.create(2);
  private final MemorySegment memory = arena.allocate(4096, 256);

  private static PtxModule load() {
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

  private PtxFault fault(PtxLaunch launch) {
    return assertThrows(PtxFault.class, () -> executor.run(launch, Ptx.NEVER));
  }

  private PtxLaunch poke(long offset) {
    PtxLaunch launch = module.kernel("poke").newLaunch().grid(8, 1, 1).block(32, 1, 1);
    return launch.pointer(0, memory, 256, 1024).scalar(1, offset);
  }

  @ParameterizedTest
  @CsvSource({
    "1024, ILLEGAL_ADDRESS",
    "1028, ILLEGAL_ADDRESS",
    "-4, ILLEGAL_ADDRESS",
    "-1099511627776, ILLEGAL_ADDRESS",
    "9223372036854775804, ILLEGAL_ADDRESS",
    "1022, MISALIGNED_ADDRESS",
    "2, MISALIGNED_ADDRESS"
  })
  void access_outside_the_allocation_or_misaligned_names_block_thread_line_and_address(
      long offset, Kind kind) throws Exception {
    PtxFault fault = fault(poke(offset));
    assertEquals(kind, fault.kind());
    assertEquals("poke", fault.kernel());
    assertEquals(new Index(3, 0, 0), fault.block());
    assertEquals(new Index(7, 0, 0), fault.thread());
    assertEquals(21, fault.line());
    assertEquals(memory.address() + 256 + offset, fault.address());
    executor.run(poke(1020), Ptx.NEVER);
    assertEquals(7, memory.get(ValueLayout.JAVA_INT, 256 + 1020));
  }

  @Test
  void wild_pointers_fault_and_reachable_ones_do_not() throws Exception {
    for (long address :
        new long[] {0, 8, -8, Long.MIN_VALUE, 0x7fff_ffff_f000L, memory.address()}) {
      PtxLaunch launch = module.kernel("peek").newLaunch().scalar(0, address);
      launch.pointer(1, memory, 2048, 4);
      assertEquals(Kind.ILLEGAL_ADDRESS, fault(launch).kind());
    }
    memory.set(ValueLayout.JAVA_INT, 128, 42);
    PtxLaunch launch = module.kernel("peek").newLaunch().scalar(0, memory.address() + 128);
    launch.pointer(1, memory, 2048, 4).alsoReachable(memory, 128, 4);
    executor.run(launch, Ptx.NEVER);
    assertEquals(42, memory.get(ValueLayout.JAVA_INT, 2048));
  }

  @Test
  void constants_cannot_be_written_and_variables_not_overrun() throws Exception {
    assertEquals(Kind.ILLEGAL_ADDRESS, fault(module.kernel("writeConstant").newLaunch()).kind());
    PtxKernel overrun = module.kernel("overrunTable");
    executor.run(overrun.newLaunch().scalar(0, 3), Ptx.NEVER);
    assertEquals(Kind.ILLEGAL_ADDRESS, fault(overrun.newLaunch().scalar(0, 4)).kind());
    assertEquals(Kind.ILLEGAL_ADDRESS, fault(overrun.newLaunch().scalar(0, -1)).kind());
  }

  @Test
  void local_memory_is_bounded_to_the_frame() throws Exception {
    PtxKernel local = module.kernel("local");
    executor.run(local.newLaunch().scalar(0, 28), Ptx.NEVER);
    PtxFault past = fault(local.newLaunch().scalar(0, 1L << 20));
    assertEquals(Kind.ILLEGAL_ADDRESS, past.kind());
    assertTrue(past.line() > 0);
    assertEquals(Kind.MISALIGNED_ADDRESS, fault(local.newLaunch().scalar(0, 2)).kind());
  }

  @Test
  void trap_and_endless_recursion_are_faults() {
    assertEquals(Kind.TRAP, fault(module.kernel("stop").newLaunch()).kind());
    assertEquals(Kind.STACK_OVERFLOW, fault(module.kernel("dive").newLaunch()).kind());
  }

  @ParameterizedTest
  @CsvSource({"spin, 1", "spin, 64", "whirl, 1", "whirl, 64"})
  void endless_loop_ends_when_stopped_and_the_executor_stays_usable(String kernel, int blocks)
      throws Exception {
    PtxLaunch launch = module.kernel(kernel).newLaunch().grid(blocks, 1, 1).block(64, 1, 1);
    if (kernel.equals("spin")) {
      launch.pointer(0, memory, 0, 4);
    }
    StopSignal stop = new StopSignal();
    Thread stopper =
        Thread.ofPlatform()
            .start(() -> {
              long start = System.nanoTime();
              while (System.nanoTime() - start < 50_000_000) {
                Thread.onSpinWait();
              }
              stop.stop();
            });
    PtxFault fault = assertThrows(PtxFault.class, () -> executor.run(launch, stop));
    stopper.join();
    assertEquals(Kind.STOPPED, fault.kind());
    assertNotNull(fault.block());
    executor.run(poke(0), Ptx.NEVER);
  }

  @Test
  void stopped_signal_ends_a_launch_before_its_first_block() {
    StopSignal stop = new StopSignal();
    stop.stop();
    PtxFault fault = assertThrows(PtxFault.class, () -> executor.run(poke(0), stop));
    assertEquals(Kind.STOPPED, fault.kind());
  }

  @ParameterizedTest
  @CsvSource({
    "0,1,1,32,1,1",
    "1,65536,1,32,1,1",
    "1,1,65536,32,1,1",
    "1,1,1,0,1,1",
    "1,1,1,1025,1,1",
    "1,1,1,1,1025,1",
    "1,1,1,1,1,65",
    "1,1,1,32,32,2",
    "-1,1,1,1,1,1"
  })
  void launch_outside_the_limits_of_cuda_is_invalid(
      int gx, int gy, int gz, int bx, int by, int bz) {
    PtxFault fault = fault(poke(0).grid(gx, gy, gz).block(bx, by, bz));
    assertEquals(Kind.INVALID_LAUNCH, fault.kind());
  }

  @Test
  void launch_without_all_parameters_is_invalid() {
    PtxFault fault = fault(module.kernel("poke").newLaunch().pointer(0, memory, 0, 16));
    assertEquals(Kind.INVALID_LAUNCH, fault.kind());
    assertTrue(fault.getMessage().contains("'offset'"), fault.getMessage());
  }

  @Test
  void memory_of_another_thread_alone_is_invalid() {
    try (Arena confined = Arena.ofConfined()) {
      PtxLaunch launch = module.kernel("poke").newLaunch().grid(8, 1, 1).block(32, 1, 1);
      launch.pointer(0, confined.allocate(16), 0, 16).scalar(1, 0);
      assertEquals(Kind.INVALID_LAUNCH, fault(launch).kind());
    }
  }

  @Test
  void arguments_of_the_wrong_kind_are_refused_at_once() {
    PtxLaunch launch = module.kernel("overrunTable").newLaunch();
    MemorySegment heap = MemorySegment.ofArray(new int[4]);
    assertThrows(IllegalArgumentException.class, () -> launch.pointer(0, memory, 0, 4));
    assertThrows(IllegalArgumentException.class, () -> launch.scalar(1, 0));
    assertThrows(IllegalArgumentException.class, () -> launch.bytes(0, memory));
    assertThrows(IllegalArgumentException.class, () -> poke(0).pointer(0, heap, 0, 16));
    assertThrows(IndexOutOfBoundsException.class, () -> poke(0).pointer(0, memory, 4000, 100));
    assertThrows(IllegalArgumentException.class, () -> module.kernel("absent"));
  }
}
