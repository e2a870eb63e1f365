package io.farwarp.samples;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.farwarp.function.Argument;
import io.farwarp.function.Expression;
import io.farwarp.function.FunctionSpec;
import io.farwarp.function.LaunchSpec;
import io.farwarp.ptx.PtxExecutor;
import io.farwarp.ptx.PtxLaunch;
import io.farwarp.ptx.PtxModule;
import io.farwarp.ptx.PtxOptions;
import io.farwarp.ptx.StopSignal;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The samples' PTX, run on this host's cores by the plan of its manifest, against the references.
 */
class PtxSamplesTest {

  /** Runs a sample with tensors (segments) and scalars (bits), in the order of its parameters. */
  private static void run(Sample sample, Object... arguments) throws Exception {
    FunctionSpec spec = FunctionSpec.of(sample.functionPackage().manifest());
    long[] bits = new long[arguments.length];
    long[] lengths = new long[arguments.length];
    for (int i = 0; i < arguments.length; i++) {
      switch (arguments[i]) {
        case MemorySegment tensor -> lengths[i] = tensor.byteSize();
        case Integer value -> bits[i] = value;
        case Float value -> bits[i] = Float.floatToRawIntBits(value);
        default -> throw new IllegalArgumentException(arguments[i].toString());
      }
    }
    long[] work = new long[spec.slots()];
    assertEquals(null, spec.bind(bits, lengths, work));
    try (PtxModule module =
            PtxModule.load(
                new String(sample.ptx(), StandardCharsets.US_ASCII), PtxOptions.defaults());
        PtxExecutor executor = PtxExecutor.create(2)) {
      for (LaunchSpec launch : spec.launches()) {
        PtxLaunch ptx = module.kernel(launch.kernel()).newLaunch();
        ptx.grid(launch.grid(0, work), launch.grid(1, work), launch.grid(2, work));
        ptx.block(launch.block(0, work), launch.block(1, work), launch.block(2, work));
        List<Argument> passed = launch.arguments();
        for (int i = 0; i < passed.size(); i++) {
          switch (passed.get(i)) {
            case Argument.ParameterRef(int index) -> {
              if (arguments[index] instanceof MemorySegment tensor) {
                ptx.pointer(i, tensor, 0, tensor.byteSize());
              } else {
                ptx.scalar(i, bits[index]);
              }
            }
            case Argument.ScratchRef scratch -> throw new AssertionError(scratch);
            case Expression expression -> ptx.scalar(i, expression.value(work));
          }
        }
        executor.run(ptx, new StopSignal());
      }
    }
  }

  private static MemorySegment random(Arena arena, Random random, long elements) {
    MemorySegment segment = arena.allocate(elements * Float.BYTES, 256);
    for (long i = 0; i < elements; i++) {
      segment.setAtIndex(JAVA_FLOAT, i, random.nextFloat() * 4 - 2);
    }
    return segment;
  }

  @Test
  void hello_adds_vectors() throws Exception {
    try (Arena arena = Arena.ofShared()) {
      long n = 10_001;
      MemorySegment x = random(arena, new Random(1), n);
      MemorySegment y = random(arena, new Random(2), n);
      MemorySegment z = arena.allocate(n * Float.BYTES, 256);
      run(Sample.HELLO, x, y, z);
      for (long i = 0; i < n; i++) {
        float sum = x.getAtIndex(JAVA_FLOAT, i) + y.getAtIndex(JAVA_FLOAT, i);
        assertEquals(sum, z.getAtIndex(JAVA_FLOAT, i));
      }
    }
  }

  @Test
  void black_scholes_prices_agree_with_the_reference() throws Exception {
    try (Arena arena = Arena.ofShared()) {
      long n = 300_007;
      List<MemorySegment> columns =
          Stream.generate(() -> arena.allocate(n * Float.BYTES, 256)).limit(7).toList();
      OptionBook book = OptionBook.of(columns);
      book.fill(11, 0, 0, n);
      run(Sample.BLACK_SCHOLES, columns.toArray());
      PriceErrors errors = BlackScholes.compare(book, 0, n);
      assertEquals(0, errors.wrong(), errors.toString());
      assertEquals(n, errors.options());
      assertTrue(errors.greatest() < 1e-4, errors.toString());
    }
  }

  @Test
  void sgemm_is_equal_to_the_reference_to_the_last_bit() throws Exception {
    try (Arena arena = Arena.ofShared()) {
      int m = 45;
      int n = 70;
      int k = 33;
      MemorySegment a = random(arena, new Random(1), (long) m * k);
      MemorySegment b = random(arena, new Random(2), (long) k * n);
      MemorySegment c = random(arena, new Random(3), (long) m * n);
      MemorySegment before = arena.allocate(c.byteSize()).copyFrom(c);
      run(Sample.SGEMM, m, n, k, 1.5f, a, b, -0.25f, c);
      for (int row = 0; row < m; row++) {
        for (int column = 0; column < n; column++) {
          long at = (long) row * n + column;
          float was = before.getAtIndex(JAVA_FLOAT, at);
          float is = c.getAtIndex(JAVA_FLOAT, at);
          assertEquals(Sgemm.element(row, column, n, k, 1.5f, a, b, -0.25f, was), is);
          assertEquals(Sgemm.reference(row, column, n, k, 1.5, a, b, -0.25, was), is, 1e-4);
        }
      }
    }
  }

  @Test
  void identity_copies_every_bit() throws Exception {
    try (Arena arena = Arena.ofShared()) {
      long n = 5_003;
      MemorySegment from = arena.allocate(n * Integer.BYTES, 256);
      Random random = new Random(5);
      for (long i = 0; i < n; i++) {
        from.setAtIndex(JAVA_INT, i, random.nextInt());
      }
      MemorySegment to = arena.allocate(n * Integer.BYTES, 256);
      run(Sample.IDENTITY, from, to);
      assertEquals(-1, from.mismatch(to));
    }
  }

  @Test
  void null_runs() throws Exception {
    run(Sample.NULL);
  }

  @Test
  void untouched_touches_nothing() throws Exception {
    try (Arena arena = Arena.ofShared()) {
      MemorySegment from = arena.allocate(1024, 256).fill((byte) 3);
      MemorySegment to = arena.allocate(1024, 256).fill((byte) 7);
      run(Sample.UNTOUCHED, from, to);
      assertEquals(-1, from.mismatch(arena.allocate(1024).fill((byte) 3)));
      assertEquals(-1, to.mismatch(arena.allocate(1024).fill((byte) 7)));
    }
  }
}
