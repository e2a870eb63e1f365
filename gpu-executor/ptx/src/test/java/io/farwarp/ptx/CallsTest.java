package io.farwarp.ptx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

/** Calls and branches through registers, threads that end in a function, stacks that grow. */
final class CallsTest {
  private static final int THREADS = 16;

  private interface Check {
    void accept(MemorySegment memory) throws Exception;
  }

  private static void run(String text, String kernel, int n, MemorySegment memory)
      throws Exception {
    try (PtxModule module = Ptx.load(text);
        PtxExecutor executor = PtxExecutor.create(1)) {
      PtxLaunch launch = module.kernel(kernel).newLaunch();
      launch.block(THREADS, 1, 1).pointer(0, memory, 0, memory.byteSize()).scalar(1, n);
      executor.run(launch, Ptx.NEVER);
    }
  }

  private static void withFloats(Check check) throws Exception {
    try (Arena arena = Arena.ofShared()) {
      MemorySegment memory = arena.allocate(THREADS * 4L, 16);
      for (int i = 0; i < THREADS; i++) {
        Ptx.setFloat(memory, i, i);
      }
      check.accept(memory);
    }
  }

  @Test
  void functions_are_called_by_their_address_and_exit_ends_one_thread() throws Exception {
    withFloats(memory -> {
      run(Ptx.resource("control.ptx"), "pointers", 10, memory);
      for (int i = 0; i < THREADS; i++) {
        float expected = i == 5 ? 5 : (i & 1) == 0 ? 2f * i + 10 : 3f * i - 10;
        assertEquals(expected, Ptx.floatAt(memory, i), "thread " + i);
      }
    });
  }

  @Test
  void virtual_functions_are_found_by_their_object() throws Exception {
    withFloats(memory -> {
      run(Ptx.resource("control.ptx"), "virtuals", 2, memory);
      for (int i = 0; i < THREADS; i++) {
        float expected = (i & 2) != 0 ? 2f * i * i : 3f * i * i + 1;
        assertEquals(expected, Ptx.floatAt(memory, i), "thread " + i);
      }
    });
  }

  private static String kernel(String functions, String body) {
    return """
    .version 7.3
    .target sm_75
    .address_size 64
    """
        + functions
        + """
        .visible .entry k(.param .u64 p, .param .u32 n)
        {
          .reg .b32 %r<9>;
          .reg .b64 %rd<9>;
          .reg .pred %p<4>;
          ld.param.u64 %rd1, [p];
          ld.param.u32 %r1, [n];
          mov.u32 %r2, %tid.x;
          mul.wide.u32 %rd2, %r2, 4;
          add.s64 %rd2, %rd1, %rd2;
        """
        + body
        + "\n}\n";
  }

  private static final String STEPS =
      """
      steps: .branchtargets zero, one, again, done;
      mov.u32 %r3, 0;
      mov.u32 %r4, 0;
      again:
      add.u32 %r4, %r4, 1;
      rem.u32 %r5, %r4, %r1;
      setp.gt.u32 %p1, %r4, 100;
      @%p1 mov.u32 %r5, 3;
      brx.idx %r5, steps;
      zero:
      add.u32 %r3, %r3, 1000;
      bra again;
      one:
      add.u32 %r3, %r3, 1;
      bra again;
      done:
      st.global.u32 [%rd2], %r3;
      ret;
      """;

  @Test
  void a_branch_by_index_goes_to_the_label_of_that_number() throws Exception {
    withFloats(memory -> {
      run(kernel("", STEPS), "k", 3, memory);
      // Of 1 to 100, 33 are divisible by 3, 34 leave 1; those that leave 2 branch to the loop.
      assertEquals(33_034, memory.get(ValueLayout.JAVA_INT, 0));
    });
  }

  @Test
  void an_index_beyond_the_labels_is_a_fault() throws Exception {
    String body = "where: .branchtargets end, end; brx.idx %r1, where; end: ret;";
    withFloats(memory -> {
      run(kernel("", body), "k", 1, memory);
      PtxFault fault = assertThrows(PtxFault.class, () -> run(kernel("", body), "k", 2, memory));
      assertEquals(PtxFault.Kind.INVALID_TARGET, fault.kind());
    });
  }

  @Test
  void a_call_of_what_is_no_function_is_a_fault_with_its_address() throws Exception {
    String function =
        """
        .func (.param .b32 r) f(.param .b32 a)
        {
          .reg .b32 %r<3>;
          ld.param.u32 %r1, [a];
          add.u32 %r1, %r1, 7;
          st.param.b32 [r], %r1;
          ret;
        }
        """;
    String body =
        """
        mov.u64 %rd3, f;
        cvt.u64.u32 %rd4, %r1;
        add.u64 %rd3, %rd3, %rd4;
        {
        .param .b32 in;
        .param .b32 out;
        st.param.b32 [in], %r2;
        shape: .callprototype (.param .b32 _) _ (.param .b32 _);
        call (out), %rd3, (in), shape;
        ld.param.b32 %r3, [out];
        }
        st.global.u32 [%rd2], %r3;
        ret;
        """;
    withFloats(memory -> {
      run(kernel(function, body), "k", 0, memory);
      assertEquals(THREADS + 6, memory.get(ValueLayout.JAVA_INT, 4 * (THREADS - 1)));
      PtxFault fault =
          assertThrows(PtxFault.class, () -> run(kernel(function, body), "k", 8, memory));
      assertEquals(PtxFault.Kind.INVALID_TARGET, fault.kind());
      assertTrue(fault.address() != 0);
    });
  }

  private static final String WAITING =
      """
      .func (.param .b32 r) w(.param .b32 a)
      {
        .reg .b32 %r<3>;
        ld.param.u32 %r1, [a];
        bar.sync 0;
        st.param.b32 [r], %r1;
        ret;
      }
      .func (.param .b32 r) f(.param .b32 a)
      {
        .reg .b32 %r<3>;
        ld.param.u32 %r1, [a];
        add.u32 %r1, %r1, 7;
        st.param.b32 [r], %r1;
        ret;
      }
      """;

  private static String calls(String function) {
    return "mov.u64 %rd3, "
        + function
        + ";\n"
        + """
        {
        .param .b32 in;
        .param .b32 out;
        st.param.b32 [in], %r2;
        shape: .callprototype (.param .b32 _) _ (.param .b32 _);
        call (out), %rd3, (in), shape;
        ld.param.b32 %r3, [out];
        }
        bar.sync 0;
        st.global.u32 [%rd2], %r3;
        ret;
        """;
  }

  @Test
  void a_call_by_address_works_where_threads_wait() throws Exception {
    withFloats(memory -> {
      run(kernel(WAITING, calls("f")), "k", 0, memory);
      assertEquals(12, memory.getAtIndex(ValueLayout.JAVA_INT, 5));
      run(kernel(WAITING, calls("w")), "k", 0, memory);
      assertEquals(5, memory.getAtIndex(ValueLayout.JAVA_INT, 5));
    });
  }

  @Test
  void a_function_that_a_variable_holds_the_address_of_may_be_called() throws Exception {
    String held = "ld.global.u64 %rd3, [held];\n" + calls("%rd3");
    withFloats(memory -> {
      run(kernel(WAITING + ".global .align 8 .u64 held[1] = {f};\n", held), "k", 0, memory);
      assertEquals(12, memory.getAtIndex(ValueLayout.JAVA_INT, 5));
      run(kernel(WAITING + ".global .align 8 .u64 held[1] = {w};\n", held), "k", 0, memory);
      assertEquals(5, memory.getAtIndex(ValueLayout.JAVA_INT, 5));
    });
  }

  private static final String EXCHANGES =
      """
      .func (.param .b32 r) up(.param .b32 a)
      {
        .reg .b32 %r<3>;
        ld.param.u32 %r1, [a];
        shfl.sync.bfly.b32 %r1, %r1, 4, 0x1f, 0x5555;
        st.param.b32 [r], %r1;
        ret;
      }
      .func (.param .b32 r) across(.param .b32 a)
      {
        .reg .b32 %r<3>;
        ld.param.u32 %r1, [a];
        shfl.sync.bfly.b32 %r1, %r1, 8, 0x1f, 0x2222;
        add.u32 %r1, %r1, 100;
        st.param.b32 [r], %r1;
        ret;
      }
      .func (.param .b32 r) alone(.param .b32 a)
      {
        .reg .b32 %r<3>;
        ld.param.u32 %r1, [a];
        add.u32 %r1, %r1, 1000;
        st.param.b32 [r], %r1;
        ret;
      }
      .global .align 8 .u64 table[5] = {up, across, up, alone, 0};
      """;

  private static final String CHOICE =
      """
      and.b32 %r4, %r2, 3;
      setp.ne.u32 %p1, %r2, %r1;
      mul.wide.u32 %rd3, %r4, 8;
      mov.u64 %rd4, table;
      add.u64 %rd4, %rd4, %rd3;
      ld.global.u64 %rd4, [%rd4];
      mov.u32 %r3, 0;
      {
      .param .b32 in;
      .param .b32 out;
      st.param.b32 [in], %r2;
      st.param.b32 [out], %r3;
      shape: .callprototype (.param .b32 _) _ (.param .b32 _);
      @%p1 call (out), %rd4, (in), shape;
      ld.param.b32 %r3, [out];
      }
      st.global.u32 [%rd2], %r3;
      ret;
      """;

  @Test
  void threads_that_call_different_functions_by_address_meet_in_each() throws Exception {
    withFloats(memory -> {
      run(kernel(EXCHANGES, CHOICE), "k", 7, memory);
      for (int i = 0; i < THREADS; i++) {
        int expected = i % 2 == 0 ? i ^ 4 : i % 4 == 1 ? (i ^ 8) + 100 : i + 1000;
        int found = memory.getAtIndex(ValueLayout.JAVA_INT, i);
        assertEquals(i == 7 ? 0 : expected, found, "thread " + i);
      }
      String wrong =
          kernel(EXCHANGES, CHOICE.replace("mul.wide.u32 %rd3, %r4", "mul.wide.u32 %rd3, %r1"));
      PtxFault fault = assertThrows(PtxFault.class, () -> run(wrong, "k", 4, memory));
      assertEquals(PtxFault.Kind.INVALID_TARGET, fault.kind());
    });
  }

  @Test
  void a_branch_by_index_works_where_threads_wait() throws Exception {
    withFloats(memory -> {
      String body = STEPS.replace("done:", "done: bar.sync 0;");
      run(kernel("", body), "k", 3, memory);
      assertEquals(33_034, memory.getAtIndex(ValueLayout.JAVA_INT, 9));
    });
  }

  @Test
  void a_function_called_by_address_has_shared_memory() throws Exception {
    String shared = WAITING.replace("bar.sync 0;", "");
    shared =
        ".shared .align 4 .b32 cell;\n"
            + shared.replace(
                "add.u32 %r1, %r1, 7;", "st.shared.u32 [cell], %r1; ld.shared.u32 %r1, [cell];");
    String text = kernel(shared, calls("f"));
    withFloats(memory -> {
      run(text, "k", 0, memory);
      assertEquals(5, memory.getAtIndex(ValueLayout.JAVA_INT, 5));
    });
  }

  private static final String GROWING =
      """
      mul.wide.u32 %rd3, %r1, 4;
      stacksave.u64 %rd7;
      alloca.u64 %rd4, %rd3, 16;
      stackrestore.u64 %rd7;
      alloca.u64 %rd5, %rd3, 16;
      setp.ne.u64 %p1, %rd4, %rd5;
      alloca.u64 %rd6, %rd3;
      setp.eq.or.u64 %p1, %rd5, %rd6, %p1;
      st.local.u32 [%rd5], %r2;
      st.local.u32 [%rd6], 5;
      ld.local.u32 %r3, [%rd4];
      selp.u32 %r3, -1, %r3, %p1;
      st.global.u32 [%rd2], %r3;
      ret;
      """;

  @Test
  void local_memory_grows_by_alloca_and_shrinks_again() throws Exception {
    withFloats(memory -> {
      run(kernel("", GROWING), "k", 5, memory);
      for (int i = 0; i < THREADS; i++) {
        assertEquals(i, memory.getAtIndex(ValueLayout.JAVA_INT, i));
      }
    });
  }

  @Test
  void alloca_beyond_the_stack_is_a_fault() throws Exception {
    withFloats(memory -> {
      PtxFault fault =
          assertThrows(PtxFault.class, () -> run(kernel("", GROWING), "k", 1 << 28, memory));
      assertEquals(PtxFault.Kind.STACK_OVERFLOW, fault.kind());
    });
  }
}
