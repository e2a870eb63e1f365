package io.farwarp.ptx;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

/** Warps that exchange values by volatile shared memory with no barrier. */
final class LockstepTest {
  /** {@code %at} of lane 0, and a word of shared memory for each thread. */
  private static final String WORDS =
      """
      shl.b32 %r1, %tid, 2;
      mov.u32 %r2, words;
      add.u32 %r2, %r2, %r1;
      add.u32 %r3, %tid, 1;
      st.volatile.shared.u32 [%r2], %r3;
      """;

  private static final String SHARED = ".shared .align 4 .b8 words[512];\n";

  /** Adds what stands so many words on. */
  private static String add(int words) {
    return "ld.volatile.shared.u32 %r4, [%r2];\nld.volatile.shared.u32 %r5, [%r2+"
        + 4 * words
        + "];\nadd.u32 %r4, %r4, %r5;\nst.volatile.shared.u32 [%r2], %r4;\n";
  }

  @Test
  void all_lanes_have_read_before_one_writes() throws Exception {
    StringBuilder code = new StringBuilder(WORDS);
    for (int words = 16; words > 0; words /= 2) {
      code.append(add(words));
    }
    code.append("ld.volatile.shared.u32 %d, [words];\n");
    for (int sum : BlockKernel.run(SHARED, code.toString(), 32)) {
      assertEquals(32 * 33 / 2, sum);
    }
  }

  @Test
  void lanes_that_went_another_way_are_waited_for() throws Exception {
    StringBuilder code = new StringBuilder(WORDS);
    for (int words = 16; words > 0; words /= 2) {
      code.append("setp.ge.u32 %p1, %tid, " + words + ";\n@%p1 bra past" + words + ";\n");
      code.append(add(words)).append("past" + words + ":\n");
    }
    code.append("ld.volatile.shared.u32 %d, [words];\n");
    for (int sum : BlockKernel.run(SHARED, code.toString(), 32)) {
      assertEquals(32 * 33 / 2, sum);
    }
  }

  @Test
  void device_function_with_generic_addresses_goes_in_step() throws Exception {
    String function =
        """
        .func reduce(.param .b64 at)
        {
          .reg .b32 %r<9>;
          .reg .b64 %rd<3>;
          .reg .pred %p<2>;
          ld.param.u64 %rd1, [at];
          mov.u32 %r3, 64;
          again:
          cvt.u64.u32 %rd2, %r3;
          add.u64 %rd2, %rd1, %rd2;
          ld.volatile.u32 %r1, [%rd1];
          ld.volatile.u32 %r2, [%rd2];
          add.u32 %r1, %r1, %r2;
          st.volatile.u32 [%rd1], %r1;
          shr.u32 %r3, %r3, 1;
          setp.ge.u32 %p1, %r3, 4;
          @%p1 bra again;
          ret;
        }
        """;
    String code =
        WORDS
            + """
            cvt.u64.u32 %rd1, %r2;
            cvta.shared.u64 %rd1, %rd1;
            { .param .b64 at;
              st.param.b64 [at], %rd1;
              call.uni reduce, (at); }
            bar.sync 0;
            and.b32 %r6, %r1, 128;
            mov.u32 %r7, words;
            add.u32 %r7, %r7, %r6;
            ld.shared.u32 %d, [%r7];
            """;
    int[] got = BlockKernel.run(SHARED + function, code, 64);
    // The second warp's sum; the first has taken some of its words on the way.
    assertEquals(32 * 33 / 2 + 32 * 32, got[63]);
  }

  @Test
  void lane_that_spins_in_front_is_let_alone_by_the_one_that_ends_it() throws Exception {
    String code =
        WORDS
            + """
            setp.eq.u32 %p1, %tid, 31;
            @%p1 bra last;
            again:
            ld.volatile.shared.u32 %d, [words+124];
            setp.ne.u32 %p2, %d, 77;
            @%p2 bra again;
            bra done;
            last:
            ld.volatile.shared.u32 %r4, [words];
            st.volatile.shared.u32 [words+4], %r4;
            ld.volatile.shared.u32 %r5, [words+4];
            st.volatile.shared.u32 [words+124], 77;
            mov.u32 %d, 77;
            done:
            """;
    for (int seen : BlockKernel.run(SHARED, code, 32)) {
      assertEquals(77, seen);
    }
  }
}
