package io.farwarp.ptx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What kernels print, and assertions that do not hold. */
final class PrintTest {
  private static final String VPRINTF =
      """
      .version 6.3
      .target sm_75
      .address_size 64
      .extern .func (.param .b32 result) vprintf(.param .b64 format, .param .b64 arguments);
      .visible .entry k(.param .u64 format, .param .u64 arguments)
      {
        .reg .b64 %rd<3>;
        ld.param.u64 %rd1, [format];
        ld.param.u64 %rd2, [arguments];
        {
        .param .b64 param0;
        st.param.b64 [param0], %rd1;
        .param .b64 param1;
        st.param.b64 [param1], %rd2;
        .param .b32 retval0;
        call.uni (retval0), vprintf, (param0, param1);
        }
        ret;
      }
      """;

  /** Prints with the arguments as device code lays them out. */
  private static String print(String format, Object... values) throws Exception {
    try (Arena arena = Arena.ofShared();
        PtxModule module = Ptx.load(VPRINTF);
        PtxExecutor executor = PtxExecutor.create(1)) {
      MemorySegment buffer = arena.allocate(256, 16);
      PtxLaunch launch = module.kernel("k").newLaunch();
      long at = 0;
      for (Object value : values) {
        long size = value instanceof Integer ? 4 : 8;
        at = (at + size - 1) & -size;
        switch (value) {
          case Integer i -> buffer.set(ValueLayout.JAVA_INT, at, i);
          case Long l -> buffer.set(ValueLayout.JAVA_LONG, at, l);
          case Double d -> buffer.set(ValueLayout.JAVA_DOUBLE, at, d);
          default -> {
            MemorySegment text = arena.allocateFrom(value.toString());
            launch.alsoReachable(text, 0, text.byteSize());
            buffer.set(ValueLayout.JAVA_LONG, at, text.address());
          }
        }
        at += size;
      }
      MemorySegment text = arena.allocateFrom(format, StandardCharsets.UTF_8);
      launch.pointer(0, text, 0, text.byteSize()).pointer(1, buffer, 0, buffer.byteSize());
      executor.run(launch, Ptx.NEVER);
      return launch.output().take();
    }
  }

  /** The expected texts are those of the C library's printf. */
  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      delimiter = ';',
      ignoreLeadingAndTrailingWhitespace = false,
      value = {
        "%d;-42;-42",
        "%5d|;42;   42|",
        "%-5d|;42;42   |",
        "%05d;-42;-0042",
        "%+d;42;+42",
        "% d;42; 42",
        "%.3d;7;007",
        "%8.3d|;-7;    -007|",
        "%08.3d|;-7;    -007|",
        "%.0d|;0;|",
        "%i;7;7",
        "%u;-1;4294967295",
        "%x;255;ff",
        "%#X;255;0XFF",
        "%#x;0;0",
        "%o;8;10",
        "%#o;8;010",
        "%hd;70000;4464",
        "%hhu;300;44",
        "%c;65;A",
        "%%%d;1;%1",
        "100%;1;100%",
        "%y;1;%y",
      })
  void an_int_is_printed_as_c_prints_it(String format, int value, String expected)
      throws Exception {
    assertEquals(expected, print(format, value));
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      delimiter = ';',
      ignoreLeadingAndTrailingWhitespace = false,
      value = {
        "%f;3.14159265;3.141593",
        "%.0f;2.5;2",
        "%.0f;3.5;4",
        "%#.0f;3.5;4.",
        "%10.3f|;-1.0005;    -1.000|",
        "%-10.1f|;0.25;0.2       |",
        "%010.2f;-1.5;-000001.50",
        "%f;1e22;10000000000000000000000.000000",
        "%e;12345.678;1.234568e+04",
        "%.0e;15000;2e+04",
        "%.3E;0.000123456;1.235E-04",
        "%e;0;0.000000e+00",
        "%e;1e-310;1.000000e-310",
        "%g;100000;100000",
        "%g;1000000;1e+06",
        "%g;0.0001;0.0001",
        "%g;0.00001;1e-05",
        "%.3g;1234.5;1.23e+03",
        "%.3g;9.9995;10",
        "%#g;1.5;1.50000",
        "%G;1e100;1E+100",
        "%g;0;0",
        "%a;1;0x1p+0",
        "%a;0.1;0x1.999999999999ap-4",
        "%.2a;1.999;0x2.00p+0",
        "%.1a;1.5;0x1.8p+0",
        "%A;255.5;0X1.FFP+7",
        "%a;0;0x0p+0",
        "%20a|;-2;             -0x1p+1|",
        "%f;NaN;nan",
        "%F;Infinity;INF",
        "%05f|;-Infinity; -inf|",
        "%+.1f;0.05;+0.1",
      })
  void a_double_is_printed_as_c_prints_it(String format, double value, String expected)
      throws Exception {
    assertEquals(expected, print(format, value));
  }

  @Test
  void strings_pointers_and_long_integers_are_printed() throws Exception {
    assertEquals("[abc]", print("[%s]", "abc"));
    assertEquals("[  ab]", print("[%4.2s]", "abc"));
    assertEquals("größer", print("gr%ser", "öß"));
    assertEquals("(null)", print("%s", 0L));
    assertEquals("0x1234abcd", print("%p", 0x1234abcdL));
    assertEquals("(nil)", print("%p", 0L));
    assertEquals("-5 18446744073709551611", print("%ld %llu", -5L, -5L));
    assertEquals("1 2 3.000000 4", print("%d %lld %f %d", 1, 2L, 3.0, 4));
    assertEquals("   7|7   |3.14", print("%*d|%-*d|%.*f", 4, 7, 4, 7, 2, 3.14159));
    assertEquals("7   |", print("%*d|", -4, 7));
  }

  @Test
  void a_huge_width_is_cut_to_the_limit() throws Exception {
    assertEquals(4096, print("%2000000000d", 1).length());
    assertTrue(print("%4096d".repeat(20), new Object[0]).length() <= 1 << 16);
  }

  @Test
  void printf_of_cuda_prints_once_for_each_thread_and_counts_its_arguments() throws Exception {
    try (Arena arena = Arena.ofShared();
        PtxModule module = Ptx.load(Ptx.resource("control.ptx"));
        PtxExecutor executor = PtxExecutor.create(1)) {
      MemorySegment data = arena.allocate(12, 16);
      PtxLaunch launch = module.kernel("speak").newLaunch().block(3, 1, 1);
      launch.pointer(0, data, 0, 12).scalar(1, Float.floatToRawIntBits(2.5f));
      executor.run(launch, Ptx.NEVER);
      assertEquals(
          """
          thread 0 of block: 2.50 123456789012
          thread 1 of block: 2.50 123456789012
          thread 2 of block: 2.50 123456789012
          """,
          launch.output().take());
      assertEquals("", launch.output().take());
      assertEquals(5, data.get(ValueLayout.JAVA_INT, 8));
    }
  }

  @Test
  void output_beyond_the_limit_is_counted_and_dropped() throws Exception {
    try (Arena arena = Arena.ofShared();
        PtxModule module = Ptx.load(Ptx.resource("control.ptx"));
        PtxExecutor executor = PtxExecutor.create(2)) {
      MemorySegment data = arena.allocate(400, 16);
      PtxOutput output = PtxOutput.ofAtMost(100);
      PtxLaunch launch = module.kernel("speak").newLaunch().block(100, 1, 1).output(output);
      launch.pointer(0, data, 0, 400).scalar(1, 0);
      executor.run(launch, Ptx.NEVER);
      assertEquals(
          """
          thread 0 of block: 0.00 123456789012
          thread 1 of block: 0.00 123456789012
          [the output of 98 printf calls was dropped: the limit is 100 characters]
          """,
          output.take());
    }
  }

  @Test
  void an_assertion_that_does_not_hold_is_a_fault_with_its_text() throws Exception {
    try (Arena arena = Arena.ofShared();
        PtxModule module = Ptx.load(Ptx.resource("control.ptx"));
        PtxExecutor executor = PtxExecutor.create(1)) {
      MemorySegment data = arena.allocate(32, 16);
      data.set(ValueLayout.JAVA_INT, 16, 3);
      PtxLaunch launch = module.kernel("check").newLaunch().block(8, 1, 1);
      launch.pointer(0, data, 0, 32);
      PtxFault fault = assertThrows(PtxFault.class, () -> executor.run(launch, Ptx.NEVER));
      assertEquals(PtxFault.Kind.ASSERTION, fault.kind());
      assertEquals(new PtxFault.Index(4, 0, 0), fault.thread());
      assertTrue(
          fault
              .getMessage()
              .endsWith(
                  "control.cu:52: void check(int *): Assertion `data[threadIdx.x] != 3 && \"no"
                      + " threes\"` failed."),
          fault.getMessage());
    }
  }

  @Test
  void a_format_that_cannot_be_read_is_an_illegal_address() throws Exception {
    try (Arena arena = Arena.ofShared();
        PtxModule module = Ptx.load(VPRINTF);
        PtxExecutor executor = PtxExecutor.create(1)) {
      PtxLaunch launch = module.kernel("k").newLaunch();
      launch.scalar(0, arena.allocate(16).address()).scalar(1, 0);
      PtxFault fault = assertThrows(PtxFault.class, () -> executor.run(launch, Ptx.NEVER));
      assertEquals(PtxFault.Kind.ILLEGAL_ADDRESS, fault.kind());
    }
  }
}
