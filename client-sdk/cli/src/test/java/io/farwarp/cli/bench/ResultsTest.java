package io.farwarp.cli.bench;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.farwarp.cli.CommandException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class ResultsTest {
  private final Arena arena = Arena.ofAuto();

  private MemorySegment floats(float... values) {
    return arena.allocateFrom(ValueLayout.JAVA_FLOAT, values);
  }

  @Test
  void a_result_that_differs_by_a_bit_fails_where_equality_is_asked() {
    CommandException failure =
        assertThrows(
            CommandException.class,
            () -> Results.requireEqual("sum", floats(1, 2, Math.nextUp(3f)), floats(1, 2, 3)));
    assertTrue(String.valueOf(failure.getMessage()).contains("byte 8"), failure.getMessage());
  }

  @Test
  void a_result_may_differ_within_the_tolerance_and_not_beyond() {
    assertDoesNotThrow(() -> Results.requireClose("sum", floats(1000.5f), floats(1000), 1e-3));
    assertThrows(
        CommandException.class,
        () -> Results.requireClose("sum", floats(1002), floats(1000), 1e-3));
    assertThrows(
        CommandException.class,
        () -> Results.requireClose("sum", floats(Float.NaN), floats(1000), 1e-3));
  }

  @Test
  void loops_in_c_give_what_the_kernels_of_the_same_names_give() throws Exception {
    var loops = CLoops.load(2);
    assumeTrue(loops.isPresent(), "no gcc here");
    try (PtxKernels kernels = new PtxKernels(2);
        Arena memory = Arena.ofShared()) {
      PtxWork work = new PtxMapWorks(kernels, loops).vecadd(memory, 100_000);
      work.ours().run();
      Objects.requireNonNull(work.inC()).run();
      work.check().run();
    }
  }
}
