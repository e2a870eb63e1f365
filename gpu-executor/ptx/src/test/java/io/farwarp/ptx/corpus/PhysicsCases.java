package io.farwarp.ptx.corpus;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;

/** Particles, clusters, transforms, random numbers. */
final class PhysicsCases {
  private PhysicsCases() {}

  static List<CorpusCase> all() {
    return List.of(
        new CorpusCase("physics", "nBodyStep", PhysicsCases::nBody),
        new CorpusCase("physics", "boxForces", PhysicsCases::boxForces),
        new CorpusCase("physics", "kMeans", PhysicsCases::kMeans),
        new CorpusCase("physics", "fftShared", PhysicsCases::fftShared),
        new CorpusCase("physics", "fftStockham", PhysicsCases::fftStockham),
        new CorpusCase("physics", "monteCarloPi", PhysicsCases::monteCarloPi));
  }

  private static void nBody(Device device) throws Exception {
    int n = 150;
    float[] positions = Inputs.floats(1, 4 * n, -1, 1);
    float[] velocities = Inputs.floats(2, 4 * n, -0.1, 0.1);
    float softening = 0.01f;
    float step = 0.001f;
    MemorySegment moving = device.copy(velocities);
    MemorySegment next = device.zeros(n * 16L);
    device
        .kernel("nBodyStep")
        .grid(3)
        .block(64)
        .shared(64 * 16)
        .run(device.copy(positions), moving, next, n, softening, step);
    double[] expectedVelocities = new double[4 * n];
    double[] expected = new double[4 * n];
    for (int i = 0; i < n; i++) {
      double[] a = new double[3];
      for (int j = 0; j < n; j++) {
        double square = softening;
        for (int k = 0; k < 3; k++) {
          square += Math.pow((double) positions[4 * j + k] - positions[4 * i + k], 2);
        }
        double scale = positions[4 * j + 3] / (square * Math.sqrt(square));
        for (int k = 0; k < 3; k++) {
          a[k] += scale * ((double) positions[4 * j + k] - positions[4 * i + k]);
        }
      }
      for (int k = 0; k < 3; k++) {
        int at = 4 * i + k;
        expectedVelocities[at] = velocities[at] + a[k] * step;
        expected[at] = positions[at] + expectedVelocities[at] * step;
      }
      expected[4 * i + 3] = positions[4 * i + 3];
    }
    Expect.floats(expectedVelocities, moving, 1e-5);
    Expect.floats(expected, next, 1e-5);
  }

  /** Boxes in a row, each with its neighbours on both sides. */
  private static void boxForces(Device device) throws Exception {
    int[] counts = {40, 70, 3, 33, 64};
    int words = 30;
    int[] boxes = new int[counts.length * words];
    int n = 0;
    for (int b = 0; b < counts.length; b++) {
      boxes[b * words] = n;
      boxes[b * words + 1] = counts[b];
      for (int other = Math.max(0, b - 1); other < Math.min(counts.length, b + 2); other++) {
        boxes[b * words + 3 + boxes[b * words + 2]++] = other;
      }
      n += counts[b];
    }
    double alpha = 0.5;
    double[] positions = Inputs.doubles(3, 4 * n, 0, 1.2);
    double[] charges = Inputs.doubles(4, n, -1, 1);
    MemorySegment forces = device.zeros(n * 32L);
    device
        .kernel("boxForces")
        .grid(counts.length)
        .block(64)
        .run(device.copy(boxes), device.copy(positions), device.copy(charges), forces, alpha);
    double[] expected = new double[4 * n];
    for (int b = 0; b < counts.length; b++) {
      int low = boxes[Math.max(0, b - 1) * words];
      int last = Math.min(counts.length - 1, b + 1) * words;
      for (int i = boxes[b * words]; i < boxes[b * words] + counts[b]; i++) {
        for (int j = low; j < boxes[last] + boxes[last + 1]; j++) {
          addForce(expected, positions, charges[j], alpha, i, j);
        }
      }
    }
    Expect.doubles(expected, forces, 1e-12);
  }

  private static void addForce(
      double[] forces, double[] positions, double charge, double alpha, int i, int j) {
    double[] d = new double[3];
    double square = 0;
    for (int k = 0; k < 3; k++) {
      d[k] = positions[4 * i + k] - positions[4 * j + k];
      square += d[k] * d[k];
    }
    if (square <= 1) {
      double potential = Math.exp(-alpha * square);
      forces[4 * i + 3] += charge * potential;
      for (int k = 0; k < 3; k++) {
        forces[4 * i + k] += 2 * potential * charge * d[k];
      }
    }
  }

  private static void kMeans(Device device) throws Exception {
    int n = 500;
    int k = 5;
    int features = 3;
    float[] points = Inputs.floats(5, n * features, -0.3, 0.3);
    for (int i = 0; i < points.length; i++) {
      // Features stand one after the other, and clusters apart.
      points[i] += (i % n % k - 2) * (i / n + 1);
    }
    float[] start = Inputs.floats(6, k * features, -3, 3);
    MemorySegment memory = device.copy(points);
    MemorySegment centres = device.copy(start);
    MemorySegment membership = device.zeros(n * 4L);
    int[] expected = new int[n];
    double[] expectedCentres = Inputs.widened(start);
    for (int turn = 0; turn < 4; turn++) {
      MemorySegment sums = device.zeros(k * features * 4L);
      MemorySegment counts = device.zeros(k * 4L);
      MemorySegment changed = device.zeros(4);
      device
          .kernel("kMeansAssign")
          .grid(4)
          .block(128)
          .shared(k * features * 4 + k * 4)
          .run(memory, centres, membership, sums, counts, changed, n, k, features);
      device.kernel("kMeansUpdate").block(32).run(centres, sums, counts, k, features);
      int[] before = expected.clone();
      assign(points, expectedCentres, expected, n, k, features);
      Expect.ints(expected, membership);
      int moved = 0;
      for (int i = 0; i < n; i++) {
        moved += before[i] == expected[i] ? 0 : 1;
      }
      assertEquals(moved, Device.ints(changed)[0]);
      update(points, expectedCentres, expected, n, k, features);
      Expect.floats(expectedCentres, centres, 1e-5);
    }
  }

  private static void assign(
      float[] points, double[] centres, int[] membership, int n, int k, int features) {
    for (int i = 0; i < n; i++) {
      double least = Double.MAX_VALUE;
      for (int c = 0; c < k; c++) {
        double distance = 0;
        for (int f = 0; f < features; f++) {
          distance += Math.pow(points[f * n + i] - centres[c * features + f], 2);
        }
        if (distance < least) {
          least = distance;
          membership[i] = c;
        }
      }
    }
  }

  private static void update(
      float[] points, double[] centres, int[] membership, int n, int k, int features) {
    for (int c = 0; c < k; c++) {
      double[] sums = new double[features];
      int count = 0;
      for (int i = 0; i < n; i++) {
        if (membership[i] == c) {
          count++;
          for (int f = 0; f < features; f++) {
            sums[f] += points[f * n + i];
          }
        }
      }
      for (int f = 0; f < features && count > 0; f++) {
        centres[c * features + f] = sums[f] / count;
      }
    }
  }

  /** The transform of complex numbers by its definition. */
  private static double[] transform(double[] in, int sign) {
    int n = in.length / 2;
    double[] out = new double[2 * n];
    for (int k = 0; k < n; k++) {
      for (int t = 0; t < n; t++) {
        double angle = sign * 2 * Math.PI * ((long) k * t % n) / n;
        out[2 * k] += in[2 * t] * Math.cos(angle) - in[2 * t + 1] * Math.sin(angle);
        out[2 * k + 1] += in[2 * t] * Math.sin(angle) + in[2 * t + 1] * Math.cos(angle);
      }
    }
    return out;
  }

  private static void fftShared(Device device) throws Exception {
    int points = 512;
    float[] in = Inputs.floats(7, 2 * 2 * points, -1, 1);
    for (int sign : new int[] {-1, 1}) {
      MemorySegment rows = device.copy(in);
      device.kernel("fftShared").grid(2).block(256).run(rows, (float) sign);
      double[] expected = new double[in.length];
      for (int row = 0; row < 2; row++) {
        double[] one =
            transform(
                Arrays.copyOfRange(Inputs.widened(in), row * 2 * points, (row + 1) * 2 * points),
                sign);
        System.arraycopy(one, 0, expected, row * 2 * points, 2 * points);
      }
      Expect.floats(expected, rows, 2e-5);
    }
  }

  private static void fftStockham(Device device) throws Exception {
    int n = 256;
    double[] in = Inputs.doubles(8, 2 * n, -1, 1);
    MemorySegment now = device.copy(in);
    MemorySegment next = device.zeros(n * 16L);
    for (int size = 1; size < n; size *= 4) {
      device.kernel("fftStockham").grid(2).block(32).run(now, next, n, size);
      MemorySegment swapped = now;
      now = next;
      next = swapped;
    }
    Expect.doubles(transform(in, -1), now, 1e-12);
  }

  private static int[] philox(int[] start, int key0, int key1) {
    int[] c = start.clone();
    for (int round = 0; round < 10; round++) {
      long product0 = 0xD2511F53L * (c[0] & 0xFFFFFFFFL);
      long product1 = 0xCD9E8D57L * (c[2] & 0xFFFFFFFFL);
      c =
          new int[] {
            (int) (product1 >>> 32) ^ c[1] ^ key0 + round * 0x9E3779B9,
            (int) product1,
            (int) (product0 >>> 32) ^ c[3] ^ key1 + round * 0xBB67AE85,
            (int) product0
          };
    }
    return c;
  }

  private static void monteCarloPi(Device device) throws Exception {
    int threads = 4 * 64;
    int turns = 20;
    long seed = 0x1234_5678_9ABC_DEFL;
    MemorySegment hits = device.zeros(8);
    MemorySegment last = device.zeros(threads * 16L);
    device.kernel("monteCarloPi").grid(4).block(64).run(hits, last, turns, seed);
    long inside = 0;
    int[] expected = new int[4 * threads];
    for (int thread = 0; thread < threads; thread++) {
      for (int turn = 0; turn < turns; turn++) {
        int[] numbers = philox(new int[] {turn, 0, thread, 7}, (int) seed, (int) (seed >>> 32));
        for (int pair = 0; pair < 4; pair += 2) {
          long x = numbers[pair] >>> 1;
          long y = numbers[pair + 1] >>> 1;
          inside += x * x + y * y < 1L << 62 && x * x + y * y >= 0 ? 1 : 0;
        }
        System.arraycopy(numbers, 0, expected, 4 * thread, 4);
      }
    }
    Expect.ints(expected, last);
    Expect.longs(new long[] {inside}, hits);
    assertEquals(Math.PI, 4.0 * inside / (2 * threads * turns), 0.05);
  }
}
