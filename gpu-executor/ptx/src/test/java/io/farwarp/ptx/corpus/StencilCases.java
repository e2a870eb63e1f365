package io.farwarp.ptx.corpus;

import java.lang.foreign.MemorySegment;
import java.util.List;

/** Stencils on grids of two and three dimensions. */
final class StencilCases {
  private StencilCases() {}

  static List<CorpusCase> all() {
    return List.of(
        new CorpusCase("stencils", "jacobi2d", StencilCases::jacobi2d),
        new CorpusCase("stencils", "stencilNine", StencilCases::nine),
        new CorpusCase("stencils", "jacobi3d", StencilCases::jacobi3d),
        new CorpusCase("stencils", "stencil27", StencilCases::twentySeven),
        new CorpusCase("stencils", "hotspot", StencilCases::hotspot),
        new CorpusCase("stencils", "srad", StencilCases::srad),
        new CorpusCase("stencils", "lifeBits", StencilCases::life),
        new CorpusCase("stencils", "fdtd", StencilCases::fdtd));
  }

  private static void jacobi2d(Device device) throws Exception {
    int width = 70;
    int height = 45;
    float[] in = Inputs.floats(1, width * height, -1, 1);
    MemorySegment from = device.copy(in);
    MemorySegment to = device.copy(in);
    double[] expected = Inputs.widened(in);
    for (int turn = 0; turn < 3; turn++) {
      device.kernel("jacobi2d").grid(5, 6, 1).block(16, 8, 1).run(from, to, width, height);
      MemorySegment swapped = from;
      from = to;
      to = swapped;
      double[] last = expected.clone();
      for (int i = 0; i < last.length; i++) {
        int x = i % width;
        int y = i / width;
        if (x > 0 && y > 0 && x < width - 1 && y < height - 1) {
          double sum = last[i] + last[i - 1] + last[i + 1] + last[i - width] + last[i + width];
          expected[i] = 0.2 * sum;
        }
      }
    }
    Expect.floats(expected, from, 1e-6);
  }

  private static void nine(Device device) throws Exception {
    int width = 50;
    int height = 35;
    double[] in = Inputs.doubles(2, width * height, -1, 1);
    MemorySegment out = device.zeros(in.length * 8L);
    device
        .kernel("stencilNine")
        .grid(4, 3, 1)
        .block(16, 16, 1)
        .run(device.copy(in), out, width, height, 0.4, 0.1, 0.05);
    double[] weights = {0.4, 0.1, 0.05};
    double[] expected = new double[in.length];
    for (int i = 0; i < in.length; i++) {
      for (int dy = -1; dy <= 1; dy++) {
        for (int dx = -1; dx <= 1; dx++) {
          int x = Math.clamp(i % width + dx, 0, width - 1);
          int y = Math.clamp(i / width + dy, 0, height - 1);
          expected[i] += weights[dx * dx + dy * dy] * in[y * width + x];
        }
      }
    }
    Expect.doubles(expected, out, 1e-14);
  }

  private static void jacobi3d(Device device) throws Exception {
    int nx = 21;
    int ny = 14;
    int nz = 11;
    float[] in = Inputs.floats(3, nx * ny * nz, -1, 1);
    MemorySegment out = device.copy(in);
    device.kernel("jacobi3d").grid(3, 4, 6).block(8, 4, 2).run(device.copy(in), out, nx, ny, nz);
    double[] expected = Inputs.widened(in);
    for (int i = 0; i < in.length; i++) {
      int x = i % nx;
      int y = i / nx % ny;
      int z = i / nx / ny;
      if (x > 0 && y > 0 && z > 0 && x < nx - 1 && y < ny - 1 && z < nz - 1) {
        double sum = 0;
        for (int step : new int[] {1, nx, nx * ny}) {
          sum += (double) in[i - step] + in[i + step];
        }
        expected[i] = sum / 6;
      }
    }
    Expect.floats(expected, out, 1e-6);
  }

  private static void twentySeven(Device device) throws Exception {
    int nx = 19;
    int ny = 13;
    int nz = 9;
    float[] in = Inputs.floats(4, nx * ny * nz, -1, 1);
    MemorySegment out = device.zeros(in.length * 4L);
    device.kernel("stencil27").grid(3, 2, 1).block(8, 8, 1).run(device.copy(in), out, nx, ny, nz);
    double[] expected = new double[in.length];
    for (int i = 0; i < in.length; i++) {
      for (int k = 0; k < 27; k++) {
        int x = i % nx + k % 3 - 1;
        int y = i / nx % ny + k / 3 % 3 - 1;
        int z = i / nx / ny + k / 9 - 1;
        if (x >= 0 && y >= 0 && z >= 0 && x < nx && y < ny && z < nz) {
          expected[i] += in[(z * ny + y) * nx + x] / 27.0;
        }
      }
    }
    Expect.floats(expected, out, 1e-6);
  }

  private static void hotspot(Device device) throws Exception {
    int columns = 40;
    int rows = 33;
    int iterations = 3;
    float[] power = Inputs.floats(5, columns * rows, 0, 1);
    float[] heat = Inputs.floats(6, columns * rows, 60, 90);
    MemorySegment out = device.zeros(heat.length * 4L);
    float cap = 0.5f;
    float rx = 2;
    float ry = 3;
    float rz = 10;
    float step = 0.1f;
    device
        .kernel("hotspot")
        .grid(4, 4, 1)
        .block(16, 16, 1)
        .run(
            iterations,
            device.copy(power),
            device.copy(heat),
            out,
            columns,
            rows,
            cap,
            rx,
            ry,
            rz,
            step);
    double[] now = Inputs.widened(heat);
    for (int turn = 0; turn < iterations; turn++) {
      double[] next = new double[now.length];
      for (int i = 0; i < now.length; i++) {
        int x = i % columns;
        int y = i / columns;
        double north = now[y > 0 ? i - columns : i];
        double south = now[y < rows - 1 ? i + columns : i];
        double west = now[x > 0 ? i - 1 : i];
        double east = now[x < columns - 1 ? i + 1 : i];
        double flow =
            power[i]
                + (north + south - 2 * now[i]) / ry
                + (west + east - 2 * now[i]) / rx
                + (80 - now[i]) / rz;
        next[i] = now[i] + step / cap * flow;
      }
      now = next;
    }
    Expect.floats(now, out, 1e-6);
  }

  private static void srad(Device device) throws Exception {
    int columns = 30;
    int rows = 21;
    int n = columns * rows;
    float[] image = Inputs.floats(7, n, 0.5, 2);
    MemorySegment j = device.copy(image);
    MemorySegment[] derived = new MemorySegment[5];
    for (int i = 0; i < 5; i++) {
      derived[i] = device.zeros(n * 4L);
    }
    device
        .kernel("sradCoefficients")
        .grid(4, 6, 1)
        .block(8, 4, 1)
        .run(j, derived[0], derived[1], derived[2], derived[3], derived[4], columns, rows, 0.05f);
    device
        .kernel("sradUpdate")
        .grid(4, 6, 1)
        .block(8, 4, 1)
        .run(j, derived[0], derived[1], derived[2], derived[3], derived[4], columns, rows, 0.5f);
    double[] c = new double[n];
    double[][] d = new double[n][4];
    for (int i = 0; i < n; i++) {
      int x = i % columns;
      int y = i / columns;
      int[] around = {
        y > 0 ? i - columns : i,
        y < rows - 1 ? i + columns : i,
        x > 0 ? i - 1 : i,
        x < columns - 1 ? i + 1 : i
      };
      double squares = 0;
      double laplacian = 0;
      for (int k = 0; k < 4; k++) {
        d[i][k] = (double) image[around[k]] - image[i];
        squares += d[i][k] * d[i][k] / ((double) image[i] * image[i]);
        laplacian += d[i][k] / image[i];
      }
      double q = (0.5 * squares - laplacian * laplacian / 16) / Math.pow(1 + 0.25 * laplacian, 2);
      double q0 = 0.05f;
      c[i] = Math.clamp(1 / (1 + (q - q0) / (q0 * (1 + q0))), 0.0, 1.0);
    }
    double[] expected = new double[n];
    for (int i = 0; i < n; i++) {
      double south = c[i / columns < rows - 1 ? i + columns : i];
      double east = c[i % columns < columns - 1 ? i + 1 : i];
      double divergence = c[i] * d[i][0] + south * d[i][1] + c[i] * d[i][2] + east * d[i][3];
      expected[i] = image[i] + 0.25 * 0.5 * divergence;
    }
    Expect.floats(c, derived[0], 1e-4);
    Expect.floats(expected, j, 1e-4);
  }

  private static void life(Device device) throws Exception {
    int words = 3;
    int height = 37;
    int width = words * 32;
    int[] cells = Inputs.ints(8, words * height, Integer.MIN_VALUE, Integer.MAX_VALUE);
    MemorySegment now = device.copy(cells);
    boolean[][] alive = new boolean[height][width];
    for (int i = 0; i < width * height; i++) {
      alive[i / width][i % width] = (cells[i / 32] >>> i % 32 & 1) != 0;
    }
    for (int turn = 0; turn < 5; turn++) {
      MemorySegment next = device.zeros(cells.length * 4L);
      device.kernel("lifeBits").grid(4).block(32).run(now, next, words, height);
      now = next;
      boolean[][] grown = new boolean[height][width];
      for (int i = 0; i < width * height; i++) {
        int around = 0;
        for (int k = 0; k < 9; k++) {
          int y = (i / width + k / 3 - 1 + height) % height;
          int x = (i % width + k % 3 - 1 + width) % width;
          around += k != 4 && alive[y][x] ? 1 : 0;
        }
        grown[i / width][i % width] = around == 3 || around == 2 && alive[i / width][i % width];
      }
      alive = grown;
    }
    int[] expected = new int[cells.length];
    for (int i = 0; i < width * height; i++) {
      expected[i / 32] |= alive[i / width][i % width] ? 1 << i % 32 : 0;
    }
    Expect.ints(expected, now);
  }

  private static void fdtd(Device device) throws Exception {
    int nx = 19;
    int ny = 27;
    int steps = 4;
    double[] source = Inputs.doubles(9, steps, -1, 1);
    double[] ex = Inputs.doubles(10, nx * ny, -1, 1);
    double[] ey = Inputs.doubles(11, nx * ny, -1, 1);
    double[] hz = Inputs.doubles(12, nx * ny, -1, 1);
    MemorySegment sources = device.copy(source);
    MemorySegment exMemory = device.copy(ex);
    MemorySegment eyMemory = device.copy(ey);
    MemorySegment hzMemory = device.copy(hz);
    for (int t = 0; t < steps; t++) {
      device
          .kernel("fdtdEy")
          .grid(1, 5, 1)
          .block(32, 4, 1)
          .run(sources, hzMemory, eyMemory, t, nx, ny);
      device.kernel("fdtdEx").grid(1, 5, 1).block(32, 4, 1).run(hzMemory, exMemory, nx, ny);
      device
          .kernel("fdtdHz")
          .grid(1, 5, 1)
          .block(32, 4, 1)
          .run(hzMemory, exMemory, eyMemory, nx, ny);
      for (int i = 0; i < nx * ny; i++) {
        ey[i] = i < ny ? source[t] : ey[i] - 0.5 * (hz[i] - hz[i - ny]);
        ex[i] = i % ny == 0 ? ex[i] : ex[i] - 0.5 * (hz[i] - hz[i - 1]);
      }
      for (int i = 0; i < nx * ny; i++) {
        if (i / ny < nx - 1 && i % ny < ny - 1) {
          hz[i] -= 0.7 * (ex[i + 1] - ex[i] + ey[i + ny] - ey[i]);
        }
      }
    }
    Expect.doubles(hz, hzMemory, 1e-13);
    Expect.doubles(ex, exMemory, 1e-13);
    Expect.doubles(ey, eyMemory, 1e-13);
  }
}
