package io.farwarp.system;

import static io.farwarp.client.Argument.in;
import static io.farwarp.client.Argument.out;
import static io.farwarp.client.Argument.scalar;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.farwarp.client.Session;
import io.farwarp.client.Tensor;
import io.farwarp.v1.ElementType;
import java.lang.foreign.ValueLayout;
import java.time.Duration;

/** Calls of the function "work" with results that are known. */
final class Work {
  private static final Duration PATIENCE = Patience.of(Duration.ofSeconds(30));

  private Work() {}

  static void assertComputes(Session session) {
    try (Tensor from = numbers(session);
        Tensor to = session.tensor(ElementType.F32, 1000)) {
      session.function("work:1").invoke(in(from), out(to), scalar(1000), scalar(2)).await(PATIENCE);
      assertWorked(to);
    }
  }

  /** 0, 1, 2, …, 999. */
  static Tensor numbers(Session session) {
    Tensor numbers = session.tensor(ElementType.F32, 1000);
    for (int i = 0; i < 1000; i++) {
      numbers.segment().setAtIndex(ValueLayout.JAVA_FLOAT, i, i);
    }
    return numbers;
  }

  /** Two rounds of "work" over {@link #numbers}. */
  static void assertWorked(Tensor to) {
    for (int i = 0; i < 1000; i++) {
      assertEquals(i * 0.25f + 1.5f, to.segment().getAtIndex(ValueLayout.JAVA_FLOAT, i));
    }
  }
}
