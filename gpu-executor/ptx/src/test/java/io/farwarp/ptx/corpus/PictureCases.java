package io.farwarp.ptx.corpus;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/** Resizing, colours, transforms and fractals. */
final class PictureCases {
  private PictureCases() {}

  static List<CorpusCase> all() {
    return List.of(
        new CorpusCase("images", "resizeBilinear", PictureCases::resize),
        new CorpusCase("images", "mandelbrot", PictureCases::mandelbrot),
        new CorpusCase("images", "splitColours", PictureCases::splitColours),
        new CorpusCase("images", "cosineBlocks", PictureCases::cosineBlocks));
  }

  private static void resize(Device device) throws Exception {
    int width = 20;
    int height = 15;
    byte[] in = Inputs.bytes(1, width * height * 4);
    MemorySegment image = device.copy(in);
    for (int[] size : new int[][] {{47, 31}, {9, 8}}) {
      MemorySegment out = device.zeros(size[0] * size[1] * 4L);
      device
          .kernel("resizeBilinear")
          .grid(3, 4, 1)
          .block(16, 8, 1)
          .run(image, out, width, height, size[0], size[1]);
      byte[] actual = Device.bytes(out);
      for (int i = 0; i < actual.length; i++) {
        int x = i / 4 % size[0];
        int y = i / 4 / size[0];
        double u = Math.clamp((x + 0.5) * width / size[0] - 0.5, 0, width - 1);
        double v = Math.clamp((y + 0.5) * height / size[1] - 0.5, 0, height - 1);
        double exact = 0;
        for (int k = 0; k < 4; k++) {
          int px = Math.min((int) u + k % 2, width - 1);
          int py = Math.min((int) v + k / 2, height - 1);
          double wx = k % 2 == 0 ? 1 - u % 1 : u % 1;
          double wy = k / 2 == 0 ? 1 - v % 1 : v % 1;
          exact += wx * wy * (in[(py * width + px) * 4 + i % 4] & 0xFF);
        }
        // Rounded to the nearest after an error in single precision.
        assertEquals(exact, actual[i] & 0xFF, 0.5 + 1e-3, "channel " + i);
      }
    }
  }

  private static void mandelbrot(Device device) throws Exception {
    int width = 60;
    int height = 40;
    int most = 200;
    // Exact products, so that a fused multiplication changes nothing.
    double step = 0.0625;
    double left = -2.25;
    double top = 1.125;
    MemorySegment turns = device.zeros(width * height * 4L);
    MemorySegment shade = device.zeros(width * height * 4L);
    device
        .kernel("mandelbrot")
        .grid(4, 5, 1)
        .block(16, 8, 1)
        .run(turns, shade, width, height, left, top, step, most);
    int[] expectedTurns = new int[width * height];
    double[] expectedShade = new double[width * height];
    for (int at = 0; at < expectedTurns.length; at++) {
      double cr = left + at % width * step;
      double ci = top - at / width * step;
      double r = 0;
      double i = 0;
      int turn = 0;
      while (turn < most && r * r + i * i <= 256) {
        double last = r;
        r = r * r - i * i + cr;
        i = 2 * last * i + ci;
        turn++;
      }
      expectedTurns[at] = turn;
      double logs = Math.log(0.5 * Math.log(r * r + i * i) / Math.log(2)) / Math.log(2);
      expectedShade[at] = turn == most ? -1 : turn + 1 - logs;
    }
    Expect.ints(expectedTurns, turns);
    Expect.floats(expectedShade, shade, 1e-5);
  }

  private static void splitColours(Device device) throws Exception {
    int n = 1000;
    byte[] in = Inputs.bytes(2, 3 * n);
    MemorySegment[] planes = {device.zeros(n), device.zeros(n), device.zeros(n)};
    device
        .kernel("splitColours")
        .grid(3)
        .block(64)
        .run(device.copy(in), planes[0], planes[1], planes[2], n);
    int[][] weights = {{66, 129, 25, 16}, {-38, -74, 112, 128}, {112, -94, -18, 128}};
    for (int plane = 0; plane < 3; plane++) {
      byte[] expected = new byte[n];
      for (int i = 0; i < n; i++) {
        int sum = 128;
        for (int k = 0; k < 3; k++) {
          sum += weights[plane][k] * (in[3 * i + k] & 0xFF);
        }
        expected[i] = (byte) ((sum >> 8) + weights[plane][3]);
      }
      Expect.bytes(expected, planes[plane]);
    }
  }

  /** The places of a block of eight by eight along its diagonals, in turns up and down. */
  private static int[] zigzag() {
    int[] order = new int[64];
    int at = 0;
    for (int diagonal = 0; diagonal < 15; diagonal++) {
      for (int k = 0; k <= diagonal; k++) {
        int y = diagonal % 2 == 0 ? diagonal - k : k;
        int x = diagonal - y;
        if (x < 8 && y < 8) {
          order[at++] = 8 * y + x;
        }
      }
    }
    return order;
  }

  private static void cosineBlocks(Device device) throws Exception {
    int width = 24;
    int height = 16;
    float scale = 2.5f;
    byte[] in = Inputs.bytes(3, width * height);
    MemorySegment rounded = device.zeros(in.length * 2L);
    MemorySegment exact = device.zeros(in.length * 4L);
    device
        .kernel("cosineBlocks")
        .grid(3, 2, 1)
        .block(8, 8, 1)
        .run(device.copy(in), rounded, exact, width, scale);
    double[] expected = new double[in.length];
    int[] order = zigzag();
    for (int i = 0; i < in.length; i++) {
      int block = i / 64;
      int u = order[i % 64] % 8;
      int v = order[i % 64] / 8;
      double sum = 0;
      for (int k = 0; k < 64; k++) {
        int pixel = in[(block / 3 * 8 + k / 8) * width + block % 3 * 8 + k % 8] & 0xFF;
        double x = Math.cos((2 * (k % 8) + 1) * u * Math.PI / 16);
        double y = Math.cos((2 * (k / 8) + 1) * v * Math.PI / 16);
        sum += (pixel - 128) * x * y;
      }
      double norm = (u == 0 ? Math.sqrt(0.125) : 0.5) * (v == 0 ? Math.sqrt(0.125) : 0.5);
      expected[i] = sum * norm / (scale * (1 + u + v));
    }
    Expect.floats(expected, exact, 1e-5);
    float[] values = Device.floats(exact);
    short[] shorts = rounded.toArray(ValueLayout.JAVA_SHORT);
    for (int i = 0; i < shorts.length; i++) {
      assertEquals((short) Math.rint(values[i]), shorts[i], "coefficient " + i);
    }
  }
}
