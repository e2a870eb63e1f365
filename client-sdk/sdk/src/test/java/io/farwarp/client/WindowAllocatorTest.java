package io.farwarp.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.wire.Status;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WindowAllocatorTest {
  private static final long GIB = ByteSize.GIB.of(1);

  @Test
  void ranges_are_aligned_and_a_freed_one_is_used_again() {
    WindowAllocator window = new WindowAllocator(1024);
    assertEquals(0, window.take(1));
    assertEquals(256, window.take(256));
    assertEquals(512, window.take(257));
    window.validate();
    assertEquals(0, window.freeBytes());
    window.free(256);
    assertEquals(256, window.take(100));
    window.validate();
  }

  @Test
  void smallest_hole_that_fits_is_taken() {
    WindowAllocator window = new WindowAllocator(8 * 256);
    for (int i = 0; i < 8; i++) {
      window.take(256);
    }
    window.free(0);
    window.free(256);
    window.free(256 * 5);
    assertEquals(256 * 5, window.take(256));
    assertEquals(0, window.take(512));
  }

  @Test
  void neighbours_merge_when_freed() {
    WindowAllocator window = new WindowAllocator(3 * 256);
    window.take(256);
    window.take(256);
    window.take(256);
    window.free(0);
    window.free(512);
    window.free(256);
    window.validate();
    assertEquals(0, window.take(3 * 256));
  }

  @Test
  void full_window_tells_wanted_free_and_largest() {
    WindowAllocator window = new WindowAllocator(4 * 256);
    window.take(256);
    window.take(256);
    window.take(256);
    window.free(256);
    TensorException e = assertThrows(TensorException.class, () -> window.take(300));
    assertEquals(Status.RESOURCE_EXHAUSTED, e.status());
    for (String part : List.of("300", "1024", "512", "256")) {
      assertTrue(e.getMessage().contains(part), e.getMessage());
    }
    window.validate();
  }

  @Test
  void window_whose_size_is_no_multiple_of_the_alignment_is_used_as_far_as_it_goes() {
    WindowAllocator window = new WindowAllocator(300);
    assertThrows(TensorException.class, () -> window.take(257));
    assertEquals(0, window.take(256));
    assertThrows(TensorException.class, () -> window.take(1));
  }

  @Test
  void freeing_twice_or_elsewhere_is_refused() {
    WindowAllocator window = new WindowAllocator(1024);
    long at = window.take(10);
    window.free(at);
    assertThrows(IllegalStateException.class, () -> window.free(at));
    assertThrows(IllegalStateException.class, () -> window.free(512));
    window.validate();
  }

  @Test
  void size_that_would_overflow_is_refused() {
    WindowAllocator window = new WindowAllocator(1024);
    for (long bytes : new long[] {0, -1, Long.MIN_VALUE, Long.MAX_VALUE}) {
      assertThrows(IllegalArgumentException.class, () -> window.take(bytes));
    }
  }

  /** The seed is the parameter: a failure is replayed by it. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void random_use_never_overlaps_and_ends_empty(long seed) {
    Random random = new Random(seed);
    long bytes = 5 * GIB;
    WindowAllocator window = new WindowAllocator(bytes);
    List<Long> taken = new ArrayList<>();
    for (int step = 0; step < 2000; step++) {
      if (taken.isEmpty() || random.nextInt(100) < 55) {
        try {
          taken.add(window.take(1 + (random.nextLong() >>> random.nextInt(31, 63))));
        } catch (TensorException full) {
          assertEquals(Status.RESOURCE_EXHAUSTED, full.status());
        }
      } else {
        window.free(taken.remove(random.nextInt(taken.size())));
      }
      if (step % 20 == 0) {
        window.validate();
      }
    }
    taken.forEach(window::free);
    window.validate();
    assertEquals(bytes, window.freeBytes());
    assertEquals(0, window.take(bytes));
  }
}
