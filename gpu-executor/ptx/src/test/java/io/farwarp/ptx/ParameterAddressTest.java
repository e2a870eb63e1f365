package io.farwarp.ptx;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Device functions that take the addresses of their parameters. */
final class ParameterAddressTest {
  /** As nvcc reads the fields of a packed structure in debug code. */
  private static final String BY_ADDRESS =
      """
      .func (.param .align 1 .b8 r[5]) f(.param .align 1 .b8 a[5])
      {
        .reg .b32 %r<6>;
        .reg .b64 %rd<4>;
        mov.u64 %rd1, a;
        add.s64 %rd2, %rd1, 1;
        ld.param.u8 %r1, [%rd2];
        ld.param.u8 %r2, [%rd2+1];
        ld.param.u8 %r3, [a];
        shl.b32 %r2, %r2, 8;
        add.u32 %r1, %r1, %r2;
        add.u32 %r1, %r1, %r3;
        WAIT
        mov.u64 %rd3, r;
        st.param.b8 [%rd3+4], %r1;
        shr.u32 %r1, %r1, 8;
        st.param.b8 [r], %r1;
        ret;
      }
      """;

  private static final String PACKED =
      """
      {
      .param .align 1 .b8 in[5];
      .param .align 1 .b8 out[5];
      st.param.b8 [in], 7;
      st.param.b8 [in+1], %tid;
      st.param.b8 [in+2], 3;
      call.uni (out), f, (in);
      ld.param.u8 %r3, [out];
      ld.param.u8 %r4, [out+4];
      }
      shl.b32 %r3, %r3, 8;
      add.u32 %r3, %r3, %r4;
      mov.u32 %d, %r3;
      """;

  @ParameterizedTest
  @ValueSource(strings = {"", "bar.sync 0;"})
  void parameters_of_functions_are_found_by_their_addresses(String wait) throws Exception {
    int[] got = BlockKernel.run(BY_ADDRESS.replace("WAIT", wait), PACKED, 40);
    for (int i = 0; i < 40; i++) {
      assertEquals(0x300 + 7 + i, got[i]);
    }
  }
}
