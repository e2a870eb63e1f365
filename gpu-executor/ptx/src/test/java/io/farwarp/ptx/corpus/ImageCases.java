package io.farwarp.ptx.corpus;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;

/** Filters of images: each pixel from those around it. */
final class ImageCases {
  private ImageCases() {}

  static List<CorpusCase> all() {
    return List.of(
        new CorpusCase("images", "convolveTiled", ImageCases::convolve),
        new CorpusCase("images", "filterSeparable", ImageCases::filterSeparable),
        new CorpusCase("images", "bilateral", ImageCases::bilateral),
        new CorpusCase("images", "sobel", ImageCases::sobel),
        new CorpusCase("images", "medianNine", ImageCases::median),
        new CorpusCase("images", "integral", ImageCases::integral));
  }

  private static int clamped(int x, int size) {
    return Math.clamp(x, 0, size - 1);
  }

  private static void convolve(Device device) throws Exception {
    int width = 45;
    int height = 37;
    int pitch = 48;
    float[] in = Inputs.floats(1, pitch * height, -1, 1);
    float[] weights = Inputs.floats(2, 25, -1, 1);
    MemorySegment out = device.zeros(in.length * 4L);
    device
        .kernel("convolveTiled")
        .grid(3, 3, 1)
        .block(16, 4, 1)
        .run(device.copy(in), out, width, height, pitch, device.copy(weights));
    double[] expected = new double[in.length];
    for (int i = 0; i < in.length; i++) {
      for (int k = 0; k < 25 && i % pitch < width; k++) {
        int x = i % pitch + k % 5 - 2;
        int y = i / pitch + k / 5 - 2;
        if (x >= 0 && x < width && y >= 0 && y < height) {
          expected[i] += (double) weights[k] * in[y * pitch + x];
        }
      }
    }
    Expect.floats(expected, out, 1e-5);
  }

  private static void filterSeparable(Device device) throws Exception {
    int width = 301;
    int height = 23;
    float[] in = Inputs.floats(3, width * height, -1, 1);
    float[] weights = Inputs.floats(4, 9, -1, 1);
    MemorySegment between = device.zeros(in.length * 4L);
    MemorySegment out = device.zeros(in.length * 4L);
    MemorySegment filter = device.copy(weights);
    device
        .kernel("filterRows")
        .grid(2, height, 1)
        .block(32)
        .run(device.copy(in), between, filter, width, height);
    device
        .kernel("filterColumns")
        .grid(1, width, 1)
        .block(8)
        .run(between, out, filter, width, height);
    double[] rows = new double[in.length];
    double[] expected = new double[in.length];
    for (int i = 0; i < in.length; i++) {
      for (int d = -4; d <= 4; d++) {
        int x = mirrored(i % width + d, width);
        rows[i] += (double) weights[d + 4] * in[i / width * width + x];
      }
    }
    for (int i = 0; i < in.length; i++) {
      for (int d = -3; d <= 3; d++) {
        int y = mirrored(i / width + d, height);
        expected[i] += weights[d + 3] * rows[y * width + i % width];
      }
    }
    Expect.floats(expected, out, 1e-5);
  }

  private static int mirrored(int x, int size) {
    return x < 0 ? -x : Math.min(x, 2 * size - 2 - x);
  }

  private static void bilateral(Device device) throws Exception {
    int width = 29;
    int height = 21;
    float place = 1.5f;
    float value = 0.3f;
    float[] in = Inputs.floats(5, width * height, 0, 1);
    MemorySegment out = device.zeros(in.length * 4L);
    device
        .kernel("bilateral")
        .grid(2, 3, 1)
        .block(16, 8, 1)
        .run(device.copy(in), out, width, height, 3, place, value);
    double[] expected = new double[in.length];
    for (int i = 0; i < in.length; i++) {
      double sum = 0;
      double weight = 0;
      for (int k = 0; k < 49; k++) {
        int dx = k % 7 - 3;
        int dy = k / 7 - 3;
        double other = in[clamped(i / width + dy, height) * width + clamped(i % width + dx, width)];
        double near = (dx * dx + dy * dy) / (2.0 * place * place);
        double w = Math.exp(-near - Math.pow(other - in[i], 2) / (2.0 * value * value));
        sum += w * other;
        weight += w;
      }
      expected[i] = sum / weight;
    }
    Expect.floats(expected, out, 1e-5);
  }

  private static void sobel(Device device) throws Exception {
    int width = 50;
    int height = 40;
    byte[] in = Inputs.bytes(6, width * height);
    Arrays.fill(in, 0, 5 * width, (byte) 200);
    MemorySegment size = device.zeros(in.length);
    MemorySegment direction = device.zeros(in.length);
    device
        .kernel("sobel")
        .grid(4, 3, 1)
        .block(16, 16, 1)
        .run(device.copy(in), size, direction, width, height);
    byte[] sizes = new byte[in.length];
    byte[] directions = new byte[in.length];
    for (int i = 0; i < in.length; i++) {
      int gx = 0;
      int gy = 0;
      for (int k = 0; k < 9; k++) {
        int dx = k % 3 - 1;
        int dy = k / 3 - 1;
        int y = clamped(i / width + dy, height);
        int pixel = in[y * width + clamped(i % width + dx, width)] & 0xFF;
        gx += dx * (2 - Math.abs(dy)) * pixel;
        gy += dy * (2 - Math.abs(dx)) * pixel;
      }
      sizes[i] = (byte) Math.min(Math.sqrt(gx * gx + gy * gy), 255);
      int turn = (gy < 0 ? 4 : 0) + (gx < 0 ? 2 : 0) + (Math.abs(gx) > Math.abs(gy) ? 0 : 1);
      directions[i] = (byte) (gx == 0 && gy == 0 ? -1 : turn);
    }
    Expect.bytes(sizes, size);
    Expect.bytes(directions, direction);
  }

  private static void median(Device device) throws Exception {
    int width = 33;
    int height = 27;
    int[] pixels = Inputs.ints(7, width * height, 0, 1 << 16);
    short[] in = new short[pixels.length];
    short[] expected = new short[pixels.length];
    for (int i = 0; i < in.length; i++) {
      in[i] = (short) pixels[i];
      int[] around = new int[9];
      for (int k = 0; k < 9; k++) {
        int y = clamped(i / width + k / 3 - 1, height);
        around[k] = pixels[y * width + clamped(i % width + k % 3 - 1, width)];
      }
      Arrays.sort(around);
      expected[i] = (short) around[4];
    }
    MemorySegment out = device.zeros(in.length * 2L);
    device
        .kernel("medianNine")
        .grid(3, 7, 1)
        .block(16, 4, 1)
        .run(device.copy(in), out, width, height);
    Expect.shorts(expected, out);
  }

  private static void integral(Device device) throws Exception {
    int width = 77;
    int height = 19;
    byte[] in = Inputs.bytes(8, width * height);
    MemorySegment sums = device.zeros(in.length * 4L);
    device.kernel("integralRows").grid(height).block(32).run(device.copy(in), sums, width);
    device.kernel("integralColumns").grid(2).block(64).run(sums, width, height);
    int[] expected = new int[in.length];
    for (int i = 0; i < in.length; i++) {
      int left = i % width == 0 ? 0 : expected[i - 1];
      int above = i < width ? 0 : expected[i - width];
      int both = i < width || i % width == 0 ? 0 : expected[i - width - 1];
      expected[i] = (in[i] & 0xFF) + left + above - both;
    }
    Expect.ints(expected, sums);
  }
}
