package io.farwarp.ptx;

import static org.junit.jupiter.api.Assertions.assertEquals;
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

/** A block's shared memory: variables, addresses of both kinds, bounds and atomics. */
final class SharedMemoryTest {
  private static final String TEXT =
      """
      .version 6.3
      .target sm_75
      .address_size 64
      .shared .align 4 .b8 first[12];
      .shared .align 16 .b8 second[32];
      .extern .shared .align 16 .b8 dynamic[];
      .extern .shared .align 8 .b64 same[];
      .const .align 4 .b8 fixed[16];
      .global .align 4 .b8 table[16];
      .visible .entry addresses(.param .u64 out)
      {
        .shared .align 128 .b8 own[4];
        .reg .b32 %r<9>;
        .reg .b64 %rd<2>;
        ld.param.u64 %rd1, [out];
        mov.u32 %r1, first;
        mov.u32 %r2, second;
        mov.u32 %r3, dynamic;
        mov.u32 %r4, same;
        mov.u32 %r5, own+2;
        mov.u32 %r6, %dynamic_smem_size;
        mov.u32 %r7, %total_smem_size;
        st.global.v4.u32 [%rd1], {%r1, %r2, %r3, %r4};
        st.global.u32 [%rd1+16], %r5;
        st.global.u32 [%rd1+20], %r6;
        st.global.u32 [%rd1+24], %r7;
        ret;
      }
      .visible .entry reach(.param .u32 offset, .param .u32 wide)
      {
        .reg .b32 %r<4>;
        .reg .b64 %rd<4>;
        .reg .pred %p<3>;
        ld.param.u32 %r1, [offset];
        ld.param.u32 %r2, [wide];
        mov.u32 %r3, %tid.x;
        setp.ne.u32 %p1, %r3, 5;
        @%p1 bra done;
        mov.u32 %r3, second;
        add.u32 %r1, %r1, %r3;
        setp.eq.u32 %p2, %r2, 1;
        @%p2 bra generic;
        setp.eq.u32 %p2, %r2, 2;
        @%p2 bra atomic;
        st.shared.u32 [%r1], %r2;
        bra done;
      generic:
        cvt.s64.s32 %rd1, %r1;
        cvta.shared.u64 %rd1, %rd1;
        st.u32 [%rd1], %r2;
        bra done;
      atomic:
        atom.shared.add.u32 %r2, [%r1], 1;
      done:
        bar.sync 0;
        ret;
      }
      .visible .entry spaces(.param .u64 out, .param .u64 data)
      {
        .local .align 8 .b8 frame[16];
        .reg .b32 %r<4>;
        .reg .b64 %rd<9>;
        .reg .pred %p<7>;
        ld.param.u64 %rd1, [out];
        ld.param.u64 %rd2, [data];
        mov.u64 %rd3, second;
        cvta.shared.u64 %rd3, %rd3;
        mov.u64 %rd4, frame;
        cvta.local.u64 %rd4, %rd4;
        mov.u64 %rd5, fixed;
        cvta.const.u64 %rd5, %rd5;
        mov.u64 %rd6, table;
        cvta.global.u64 %rd6, %rd6;
        mov.u64 %rd7, data;
        cvta.param.u64 %rd7, %rd7;
        bar.sync 0;
      """
          + ask(2, 0)
          + ask(3, 1)
          + ask(4, 2)
          + ask(5, 3)
          + ask(6, 4)
          + ask(7, 5)
          + """
            cvta.to.shared.u64 %rd3, %rd3;
            mov.u64 %rd8, second;
            sub.s64 %rd3, %rd3, %rd8;
            st.global.u64 [%rd1+24], %rd3;
            ret;
          }
          """;

  private static String ask(int register, int place) {
    StringBuilder text = new StringBuilder("mov.u32 %r1, 0;\n");
    String[] spaces = {"global", "shared", "local", "const", "param"};
    for (int i = 0; i < spaces.length; i++) {
      text.append("isspacep.").append(spaces[i]).append(" %p1, %rd").append(register);
      text.append(";\n@%p1 or.b32 %r1, %r1, ").append(1 << i).append(";\n");
    }
    return text + "st.global.u32 [%rd1+" + 4 * place + "], %r1;\n";
  }

  private final Arena arena = Arena.ofShared();
  private final PtxExecutor executor = PtxExecutor.create(1);
  private final PtxModule module = load();

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

  @Test
  void variables_stand_apart_and_aligned_with_all_dynamic_arrays_behind_them() throws Exception {
    MemorySegment out = arena.allocate(64, 16);
    PtxLaunch launch = module.kernel("addresses").newLaunch().dynamicSharedBytes(100);
    executor.run(launch.pointer(0, out, 0, 64), Ptx.NEVER);
    int[] at = out.toArray(ValueLayout.JAVA_INT);
    assertEquals(0, at[0] % 4);
    assertEquals(0, at[1] % 16);
    assertTrue(at[1] >= at[0] + 12 || at[0] >= at[1] + 32);
    assertEquals(2, at[4] % 128);
    assertEquals(at[2], at[3]);
    assertEquals(0, at[2] % 16);
    assertTrue(at[2] >= at[0] + 12 && at[2] >= at[1] + 32 && at[2] >= at[4] - 2 + 4);
    assertEquals(100, at[5]);
    assertEquals(module.kernel("addresses").staticSharedBytes() + 100, at[6]);
    assertEquals(at[2] + 100, at[6]);
  }

  @ParameterizedTest
  @CsvSource({
    "28, 0, ",
    "32, 0, ILLEGAL_ADDRESS",
    "-4, 0, ILLEGAL_ADDRESS",
    "2, 0, MISALIGNED_ADDRESS",
    "1073741824, 0, ILLEGAL_ADDRESS",
    "28, 1, ",
    "32, 1, ILLEGAL_ADDRESS",
    "-4, 1, ILLEGAL_ADDRESS",
    "6, 1, MISALIGNED_ADDRESS",
    "28, 2, ",
    "32, 2, ILLEGAL_ADDRESS",
    "6, 2, MISALIGNED_ADDRESS"
  })
  void access_outside_shared_memory_or_misaligned_names_block_thread_and_line(
      int offset, int way, Kind kind) throws Exception {
    PtxLaunch launch = module.kernel("reach").newLaunch().grid(2, 1, 1).block(32, 1, 1);
    launch.scalar(0, offset).scalar(1, way);
    if (kind == null) {
      executor.run(launch, Ptx.NEVER);
      return;
    }
    PtxFault fault = assertThrows(PtxFault.class, () -> executor.run(launch, Ptx.NEVER));
    assertEquals(kind, fault.kind());
    assertEquals(new Index(0, 0, 0), fault.block());
    assertEquals(new Index(5, 0, 0), fault.thread());
    assertEquals(new int[] {45, 50, 53}[way], fault.line());
  }

  @Test
  void launch_may_add_dynamic_memory_up_to_227_KiB_in_all() throws Exception {
    int declared = module.kernel("reach").staticSharedBytes();
    PtxLaunch launch = module.kernel("reach").newLaunch().block(32, 1, 1).scalar(1, 0);
    launch.dynamicSharedBytes((227 << 10) - declared).scalar(0, (227 << 10) - 4 - declared + 28);
    executor.run(launch, Ptx.NEVER);
    launch.dynamicSharedBytes((227 << 10) - declared + 1);
    PtxFault fault = assertThrows(PtxFault.class, () -> executor.run(launch, Ptx.NEVER));
    assertEquals(Kind.INVALID_LAUNCH, fault.kind());
    assertTrue(fault.getMessage().contains("the limit for both is 232448"), fault.getMessage());
    launch.dynamicSharedBytes(0).scalar(0, 28);
    executor.run(launch, Ptx.NEVER);
    launch.scalar(0, 32);
    assertThrows(PtxFault.class, () -> executor.run(launch, Ptx.NEVER));
  }

  @Test
  void generic_addresses_tell_their_space() throws Exception {
    MemorySegment out = arena.allocate(64, 16);
    PtxLaunch launch = module.kernel("spaces").newLaunch();
    executor.run(launch.pointer(0, out, 0, 64).pointer(1, out, 32, 16), Ptx.NEVER);
    int[] spaces = out.toArray(ValueLayout.JAVA_INT);
    // Constant and parameter memory lie in the global window.
    int[] expected = {1, 2, 4, 1 + 8, 1, 1 + 16};
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], spaces[i], "address " + i);
    }
    assertEquals(0, spaces[6]);
  }

  @ParameterizedTest
  @CsvSource({
    "'atom.shared.add.u32 %d, [words], 3;', 5, 8",
    "'atom.shared.add.f32 %f1, [words], 0f3F800000; mov.b32 %d, %f1;', 1073741824, 1077936128",
    "'atom.shared.exch.b32 %d, [words], 9;', 5, 9",
    "'atom.shared.cas.b32 %d, [words], 5, 77;', 5, 77",
    "'atom.shared.cas.b32 %d, [words], 6, 77;', 5, 5",
    "'atom.shared.min.s32 %d, [words], -1;', 5, -1",
    "'atom.shared.min.u32 %d, [words], -1;', 5, 5",
    "'atom.shared.max.s32 %d, [words], -1;', 5, 5",
    "'atom.shared.max.u32 %d, [words], -1;', 5, -1",
    "'atom.shared.and.b32 %d, [words], 12;', 5, 4",
    "'atom.shared.or.b32 %d, [words], 12;', 5, 13",
    "'atom.shared.xor.b32 %d, [words], 12;', 5, 9",
    "'atom.shared.inc.u32 %d, [words], 5;', 5, 0",
    "'atom.shared.inc.u32 %d, [words], 6;', 5, 6",
    "'atom.shared.dec.u32 %d, [words], 9;', 5, 4",
    "'atom.shared.dec.u32 %d, [words], 3;', 5, 3",
    "'red.shared.add.u32 [words], 3; mov.u32 %d, 5;', 5, 8",
    "'atom.acq_rel.cta.shared.add.u32 %d, [words], 3;', 5, 8",
    "'atom.add.acq_rel.cta.shared::cta.u32 %d, [words], 3;', 5, 8",
    "'atom.add.u32 %d, [%rd1], 3;', 5, 8",
    "'atom.shared.cas.b16 %h, [words], 5, 77; cvt.u32.u16 %d, %h;', 5, 77",
    "'atom.shared.cas.b16 %h, [words+2], 0, 1; mov.u32 %d, 5;', 5, 65541",
    "'atom.cas.b16 %h, [%rd1], 6, 77; cvt.u32.u16 %d, %h;', 5, 5",
    "'red.shared.add.noftz.f16 [words+2], %one; mov.u32 %d, 5;', 5, 1006632965",
    "'atom.shared.add.noftz.f16x2 %d, [words], %ones;', 1006648320, 1073758208",
    "'atom.shared.add.noftz.bf16x2 %d, [words], %ones;', 0, 1006648320",
    "'red.shared.add.noftz.v2.f16 [words], {%one, %one}; mov.u32 %d, 0;', 0, 1006648320",
    "'ld.volatile.shared.u32 %d, [words]; st.volatile.shared.u32 [%at], 8;', 5, 8"
  })
  void atomics_on_shared_memory_give_the_old_value(String code, int old, int now) throws Exception {
    String before =
        ".reg .b16 %h, %one;\n.reg .b32 %ones;\nmov.b16 %one, 0x3C00;\n"
            + "mov.b32 %ones, 0x3C003C00;\n"
            + "mov.u64 %rd1, words;\ncvta.shared.u64 %rd1, %rd1;\nmov.u32 %r1, "
            + old
            + ";\nst.shared.u32 [words], %r1;\n";
    assertEquals(old, BlockKernel.run(before + code, 1)[0]);
    String read = "\nld.shared.u32 %d, [words];";
    assertEquals(now, BlockKernel.run(before + code + read, 1)[0]);
  }

  @Test
  void variables_stand_behind_the_reserved_memory_of_a_kernel_that_uses_it() throws Exception {
    String code =
        """
        mov.u32 %r1, %reserved_smem_offset_1;
        mov.u32 %r2, %reserved_smem_offset_end;
        mov.u32 %r3, words;
        st.shared.u32 [%r1], %r2;
        setp.lt.u32 %p1, %r1, %r2;
        setp.le.and.u32 %p1, %r2, %r3, %p1;
        selp.u32 %d, %r2, 0, %p1;
        """;
    assertEquals(1024, BlockKernel.run(code, 1)[0]);
  }

  @Test
  void wide_and_vector_accesses_work_on_shared_memory() throws Exception {
    String code =
        """
        mul.lo.u32 %r1, %tid, 16;
        mov.u32 %r2, words;
        add.u32 %r1, %r1, %r2;
        add.u32 %r3, %tid, 1;
        add.u32 %r4, %tid, 2;
        st.shared.v4.u32 [%r1], {%tid, %r3, %r4, %tid};
        bar.sync 0;
        ld.shared.v2.u64 {%rd1, %rd2}, [%r1];
        add.s64 %rd1, %rd1, %rd2;
        atom.shared.add.u64 %rd3, [%r1+8], %rd1;
        ld.shared.u64 %rd4, [%r1+8];
        sub.s64 %rd4, %rd4, %rd3;
        shr.u64 %rd5, %rd4, 32;
        add.s64 %rd4, %rd4, %rd5;
        cvt.u32.u64 %d, %rd4;
        """;
    int[] got = BlockKernel.run(code, 32);
    for (int i = 0; i < 32; i++) {
      assertEquals(2 * i + 2 + 2 * i + 1, got[i]);
    }
  }
}
