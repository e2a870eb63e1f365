package io.farwarp.ptx.corpus;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.function.DoubleUnaryOperator;

/** What C++ offers: dispatch, recursion, templates, structs. */
final class LanguageCases {
  private LanguageCases() {}

  static List<CorpusCase> all() {
    return List.of(
        new CorpusCase("language", "shapes", LanguageCases::shapes),
        new CorpusCase("language", "interpreter", LanguageCases::interpreter),
        new CorpusCase("language", "recursive", LanguageCases::recursive),
        new CorpusCase("language", "expressions", LanguageCases::expressions),
        new CorpusCase("language", "structs", LanguageCases::structs));
  }

  private static void shapes(Device device) throws Exception {
    int n = 150;
    int[] kinds = Inputs.ints(1, n, 0, 3);
    float[] sizes = Inputs.floats(2, n, 0, 2);
    MemorySegment out = device.zeros(n * 4L);
    device.kernel("shapes").grid(3).block(64).run(device.copy(kinds), device.copy(sizes), out, n);
    double[] expected = new double[n];
    for (int i = 0; i < n; i++) {
      double s = sizes[i];
      expected[i] =
          switch (kinds[i]) {
            case 0 -> 3 * s * s + 6 * s;
            case 1 -> s * s + 0.25;
            default -> s * s + 0.5 + 8 * s;
          };
    }
    Expect.floats(expected, out, 1e-6);
  }

  private static int operation(int which, int a, int b) {
    return switch (which) {
      case 0 -> a + b;
      case 1 -> a - b;
      case 2 -> a * b;
      default -> {
        int x = Math.abs(a);
        int y = Math.abs(b);
        while (y != 0) {
          int rest = x % y;
          x = y;
          y = rest;
        }
        yield x;
      }
    };
  }

  private static int interpreted(byte[] program, int input, int i) {
    int[] stack = new int[16];
    int top = 0;
    for (int pc = 0; pc < program.length; pc++) {
      int code = program[pc];
      switch (code) {
        case 0 -> stack[top++] = input;
        case 1 -> stack[top++] = i;
        case 2 -> {
          stack[top] = stack[top - 1];
          top++;
        }
        case 3 -> {
          int swapped = stack[top - 1];
          stack[top - 1] = stack[top - 2];
          stack[top - 2] = swapped;
        }
        case 4, 5, 6, 7 -> {
          top--;
          stack[top - 1] = operation(code - 4, stack[top - 1], stack[top]);
        }
        case 8 -> stack[top - 1] = -stack[top - 1];
        case 9 -> stack[top - 1] = ~stack[top - 1];
        case 10 -> pc += stack[--top] > 0 ? 1 : 0;
        case 11 -> stack[top - 1] >>= 1;
        default -> stack[top++] = code - 12;
      }
    }
    int sum = 7;
    int folded = 1;
    for (int k = 0; k < top; k++) {
      sum += stack[k];
      folded = operation(i % 64 & 3, folded, stack[k]);
    }
    return sum + folded;
  }

  private static void interpreter(Device device) throws Exception {
    int n = 200;
    byte[] program = {0, 2, 1, 6, 3, 11, 5, 2, 10, 8, 0, 1, 7, 19, 4, 9, 1, 2, 10, 9, 0, 3, 30, 7};
    int[] inputs = Inputs.ints(3, n, -10_000, 10_000);
    MemorySegment out = device.zeros(n * 4L);
    device
        .kernel("interpreter")
        .grid(4)
        .block(64)
        .run(device.copy(program), program.length, device.copy(inputs), out, n);
    int[] expected = new int[n];
    for (int i = 0; i < n; i++) {
      expected[i] = interpreted(program, inputs[i], i);
    }
    Expect.ints(expected, out);
  }

  /** By the midpoint rule, finely. */
  private static double integral(DoubleUnaryOperator f, double a, double b) {
    int pieces = 20_000;
    double width = (b - a) / pieces;
    double sum = 0;
    for (int i = 0; i < pieces; i++) {
      sum += f.applyAsDouble(a + (i + 0.5) * width) * width;
    }
    return sum;
  }

  private static void recursive(Device device) throws Exception {
    int n = 32;
    MemorySegment ackermanns = device.zeros(n * 4L);
    MemorySegment parities = device.zeros(n * 4L);
    MemorySegment integrals = device.zeros(n * 8L);
    device.kernel("recursive").block(n).run(ackermanns, parities, integrals);
    int[] values = new int[n];
    int[] even = new int[n];
    double[] areas = new double[n];
    for (int t = 0; t < n; t++) {
      int argument = t / 3;
      values[t] = t % 3 == 0 ? argument + 1 : t % 3 == 1 ? argument + 2 : 2 * argument + 3;
      even[t] = t * 3 % 2 == 0 ? 1 : 0;
      areas[t] = integral(x -> Math.sin(x) * Math.exp(-x), 0, 1 + t);
    }
    Expect.ints(values, ackermanns);
    Expect.ints(even, parities);
    Expect.doubles(areas, integrals, 1e-6);
  }

  private static void expressions(Device device) throws Exception {
    int n = 100;
    double[] a = Inputs.doubles(4, n, -1, 1);
    double[] b = Inputs.doubles(5, n, -1, 1);
    double[] c = Inputs.doubles(6, n, -1, 1);
    MemorySegment out = device.zeros(n * 8L);
    device
        .kernel("expressions")
        .block(32)
        .run(device.copy(a), device.copy(b), device.copy(c), out, n);
    double[] expected = new double[n];
    for (int i = 0; i < n; i++) {
      double value = a[i] * b[i] + c[i] * (a[i] + b[i] * c[i]);
      double largest = Math.max(Math.max(a[i], b[i]), Math.max(c[i], a[i] * b[i]));
      expected[i] = Math.pow(value, 5) + largest;
    }
    Expect.doubles(expected, out, 1e-14);
  }

  /** One step of the kernel's function on its struct of 32 bytes. */
  private static void mix(MemorySegment p, int i) {
    int word = p.get(ValueLayout.JAVA_INT, 0);
    int low = word + i & 31;
    int middle = ((word << 16 >> 21) - i * 3) << 21 >> 21;
    int high = (word >>> 16 ^ i << 7) & 0xFFFF;
    p.set(ValueLayout.JAVA_INT, 0, low | (middle & 0x7FF) << 5 | high << 16);
    p.set(ValueLayout.JAVA_LONG, 8, p.get(ValueLayout.JAVA_LONG, 8) * middle + low);
    long at = 16 + (i & 3);
    p.set(ValueLayout.JAVA_BYTE, at, (byte) (p.get(ValueLayout.JAVA_BYTE, at) ^ 0x5A));
    long shortAt = 20 + 2 * (i % 3);
    short sum = (short) (p.get(ValueLayout.JAVA_SHORT, shortAt) + high);
    p.set(ValueLayout.JAVA_SHORT, shortAt, sum);
  }

  private static void structs(Device device) throws Exception {
    int n = 90;
    byte[] start = Inputs.bytes(7, 32);
    MemorySegment out = device.zeros(n * 32L);
    MemorySegment struct = MemorySegment.ofArray(new long[4]);
    struct.copyFrom(MemorySegment.ofArray(start));
    device.kernel("structs").grid(3).block(32).run(struct, out, n);
    for (int i = 0; i < n; i++) {
      MemorySegment p = MemorySegment.ofArray(new long[4]).copyFrom(struct);
      for (int k = 0; k <= i % 5; k++) {
        mix(p, i + k);
      }
      // Its last 6 bytes are padding.
      long differs = p.asSlice(0, 26).mismatch(out.asSlice(i * 32L, 26));
      assertEquals(-1, differs, "struct " + i);
    }
  }
}
