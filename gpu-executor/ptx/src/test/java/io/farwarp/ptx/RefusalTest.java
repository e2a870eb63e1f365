package io.farwarp.ptx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Text that is malformed or beyond this device is refused when loaded, by name and line. */
final class RefusalTest {
  private static final String HEADER = ".version 6.3\n.target sm_75\n.address_size 64\n";

  private static String kernel(String body) {
    return HEADER
        + ".visible .entry k(.param .u64 p)\n{\n.reg .pred %p<4>;\n.reg .b32 %r<8>;\n"
        + ".reg .f32 %f<8>;\n.reg .b64 %rd<8>;\n"
        + body
        + "\nret;\n}\n";
  }

  private static PtxException refusal(String text) {
    return assertThrows(PtxException.class, () -> Ptx.load(text).close(), text);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "wmma.load.a.sync.aligned.row.m16n16k16.global.f16 {%r1, %r2}, [%rd1]",
        "tex.2d.v4.f32.f32 {%f1,%f2,%f3,%f4}, [t, {%f5,%f6}]",
        "shfl.sync.down.b64 %rd1, %rd2, 1, 31, -1",
        "redux.sync.add.f32 %f1, %f2, -1",
        "ld.shared::cluster.f32 %f1, [%r1]",
        "mbarrier.init.shared.b64 [%r1], 1",
        "cp.async.bulk.wait_group 0",
        "add.rz.bf16 %r1, %r2, %r3",
        "add.lo.s32 %r1, %r2, %r3",
        "mul.s32 %r1, %r2, %r3",
        "frobnicate %r1",
      })
  void unsupported_instruction_is_named_with_its_line(String instruction) {
    PtxException refused = refusal(kernel(instruction + ";"));
    assertEquals(10, refused.line());
    String name = instruction.substring(0, instruction.indexOf(' '));
    assertEquals(
        "line 10: instruction '" + name + "' is not supported by the PTX CPU device",
        refused.getMessage());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "add.s32 %r1, %r2;",
        "add.s32 %r1, %r2, %r3",
        "add.s32 %r1, %rd2, %r3;",
        "add.f32 %f1, %f2, 1;",
        "add.s32 %r1, %r2, %r9;",
        "add.s32 %r1, %nonsense, 1;",
        "setp.lo.s32 %p1, %r1, %r2;",
        "setp.ltu.u32 %p1, %r1, %r2;",
        "setp.lt.and.s32 %p1, %r1, %r2;",
        "bra nowhere;",
        "@%r1 bra here; here:",
        "here: here:",
        "ld.global.v4.u64 {%rd1,%rd2,%rd3,%rd4}, [%rd5];",
        "ld.global.v2.u32 %r1, [%rd5];",
        "ld.param.u64 %rd1, [p+4];",
        "ld.param.u64 %rd1, [p-8];",
        "st.global.u32 %r1, %r2;",
        "mov.b64 {%r1, %r2, %r3}, %rd1;",
        "call nothing, (p);",
        ".shared .align 4 .b8 tile[50000];",
        ".shared .align 4 .b8 tile[];",
        ".shared .align 4 .u32 tile = 1;",
        ".shared .align 4 .b8 tile[16]; ld.shared.u32 %r1, [tile+16];",
        ".shared .align 4 .b8 tile[16]; ld.global.u32 %r1, [tile];",
        "bar.sync 16;",
        "bar.sync 0, 33;",
        "bar.arrive 1, 0;",
        "bar.red.popc.u32 %r1, 0;",
        "shfl.sync.up.b32 %rd1, %r1, 1, 0, -1; add.s64 %rd2, %rd1, 1;",
        "vote.sync.ballot.b32 %r1|%p1, %p2, -1;",
        ".local .align 4 .b8 huge[1048576];",
        ".reg .b32 %r<8>;",
        ".reg .b128 %q<8>;",
        "mov.u32 %r1, 0x1FFFFFFFFFFFFFFFF;",
        "cvt.f32.s32 %f1, %r1;",
        "cvt.s32.f32 %r1, %f1;",
        "lop3.b32 %r1, %r2, %r3, %r4, 256;",
        "}",
        "{{",
        "\"",
        "/*",
      })
  void malformed_statement_is_refused_with_its_line(String statement) {
    PtxException refused = refusal(kernel(statement));
    assertTrue(refused.line() >= 5 && refused.line() <= 13, refused.getMessage());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ".version 6.3",
        ".target sm_75",
        ".version 6.3 .target sm_75 .address_size 32",
        ".version 6.3 .target sm_75 .texref t;",
        ".version 6.3 .target sm_75 .global .b8 huge[99999999999999];",
        ".version 6.3 .target sm_75 .global .b8 big[2000000000];",
        ".version 6.3 .target sm_75 .global .align 3 .b8 a[4];",
        ".version 6.3 .target sm_75 .shared .align 4 .b8 s[49156];",
        ".version 6.3 .target sm_75 .shared .u32 s; .global .u32 s;",
        ".version 6.3 .target sm_75 .shared .u32 s; .global .u64 p = generic(s);",
        ".version 6.3 .target sm_75 .global .u32 a = {1, 2};",
        ".version 6.3 .target sm_75 .global .u64 a = missing;",
        ".version 6.3 .target sm_75 .entry k(.param .b8 p[40000]) { ret; }",
        ".version 6.3 .target sm_75 .entry k() { ret; } .entry k() { ret; }",
        ".version 6.3 .target sm_75 .entry k() { .reg .b32 %r<2000000000>; ret; }",
        ".version 6.3 .target sm_75 .entry k();",
        "garbage",
      })
  void malformed_module_is_refused(String text) {
    refusal(text);
  }

  @Test
  void variables_of_a_kernel_over_48_KiB_together_are_refused_and_those_of_two_kernels_are_not()
      throws Exception {
    String variables = HEADER + ".shared .align 4 .b8 a[30000];\n.shared .align 4 .b8 b[30000];\n";
    String useA = ".reg .b32 %r<3>;\nmov.u32 %r1, a;\nst.shared.u32 [%r1], %r1;\n";
    String useB = useA.replace(", a;", ", b;");
    Ptx.load(variables + ".entry k() {\n" + useA + "ret; }\n.entry l() {\n" + useB + "ret; }\n")
        .close();
    PtxException refused =
        refusal(variables + ".entry k() {\n" + useA + "mov.u32 %r2, b;\nret; }\n");
    assertTrue(refused.getMessage().contains("kernel 'k' takes more than 49152"));
  }

  @Test
  void recursion_through_a_function_that_waits_is_refused_at_its_call() {
    PtxException refused =
        refusal(
            HEADER
                + """
                .func again()
                {
                  bar.sync 0;
                  call.uni again;
                  ret;
                }
                .visible .entry k()
                {
                  call.uni again;
                  ret;
                }
                """);
    assertEquals(7, refused.line());
    assertTrue(refused.getMessage().contains("recursion"), refused.getMessage());
  }

  @Test
  void text_over_the_limit_is_refused_unread() {
    PtxOptions tight = new PtxOptions(100, 1 << 20, 1 << 10);
    PtxException refused =
        assertThrows(PtxException.class, () -> PtxModule.load(kernel(" ".repeat(100)), tight));
    assertTrue(refused.getMessage().contains("the limit is 100"), refused.getMessage());
  }

  @Test
  void kernel_beyond_the_size_of_a_jvm_method_is_refused_by_name() {
    StringBuilder body = new StringBuilder();
    for (int i = 0; i < 20_000; i++) {
      body.append("add.s32 %r1, %r2, %r3;\nmul.lo.s32 %r2, %r1, %r1;\n");
    }
    PtxException refused = refusal(kernel(body.toString()));
    assertTrue(refused.getMessage().contains("'k' is too large"), refused.getMessage());
  }
}
