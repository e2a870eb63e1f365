package io.farwarp.ptx;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Runs a few lines of PTX over a table of inputs: thread i gets row i in the registers {@code a},
 * {@code b}, {@code c} and {@code e}, whose types are given, and leaves its result in {@code d}.
 * Values are passed as the bits of a 64-bit slot, so every type looks alike from outside.
 */
final class OneInstruction {
  private static final String HEAD =
      """
      .version 6.3
      .target sm_75
      .address_size 64
      """;

  private static final String[] NAMES = {"a", "b", "c", "e"};

  private OneInstruction() {}

  /** The bits of {@code d}, zero-extended, for each row of inputs. */
  static long[] run(String code, PtxType result, List<PtxType> operands, List<long[]> rows)
      throws Exception {
    int width = operands.size();
    try (Arena arena = Arena.ofShared();
        PtxModule module = Ptx.load(HEAD + kernel("one", code, result, operands));
        PtxExecutor executor = PtxExecutor.create(1)) {
      MemorySegment in = arena.allocate(Math.max(1, rows.size()) * 8L * Math.max(1, width), 16);
      MemorySegment out = arena.allocate(rows.size() * 8L, 16);
      fill(in, width, rows);
      PtxLaunch launch = module.kernel("one").newLaunch();
      launch.pointer(0, in, 0, in.byteSize()).pointer(1, out, 0, out.byteSize());
      launch.scalar(2, rows.size()).block(64, 1, 1).grid((rows.size() + 63) / 64, 1, 1);
      executor.run(launch, Ptx.NEVER);
      return out.toArray(ValueLayout.JAVA_LONG);
    }
  }

  /** Writes the table of inputs, row by row. */
  static void fill(MemorySegment in, int width, List<long[]> rows) {
    for (int row = 0; row < rows.size(); row++) {
      for (int i = 0; i < width; i++) {
        in.setAtIndex(ValueLayout.JAVA_LONG, (long) row * width + i, rows.get(row)[i]);
      }
    }
  }

  /** The kernel that takes the table of inputs, where to put results, and the number of rows. */
  static String kernel(String entry, String code, PtxType result, List<PtxType> operands) {
    StringBuilder text = new StringBuilder();
    text.append(".visible .entry " + entry + "(");
    text.append(
        """
        .param .u64 in, .param .u64 out, .param .u32 rows)
        {
          .reg .b32 %i<4>;
          .reg .b64 %at<6>;
          .reg .pred p, q, stop;
          ld.param.u64 %at1, [in];
          ld.param.u64 %at2, [out];
          ld.param.u32 %i1, [rows];
          mov.u32 %i2, %ctaid.x;
          mov.u32 %i3, %ntid.x;
          mov.u32 %i0, %tid.x;
          mad.lo.s32 %i0, %i2, %i3, %i0;
          setp.ge.u32 stop, %i0, %i1;
          @stop bra done;
          cvta.to.global.u64 %at1, %at1;
          cvta.to.global.u64 %at2, %at2;
        """);
    text.append("mul.wide.u32 %at3, %i0, " + 8 * Math.max(1, operands.size()) + ";\n");
    text.append("add.s64 %at1, %at1, %at3;\nmul.wide.u32 %at4, %i0, 8;\n");
    text.append("add.s64 %at2, %at2, %at4;\nmov.u64 %at5, 0;\nst.global.u64 [%at2], %at5;\n");
    text.append(".reg " + register(result) + " d;\n");
    for (int i = 0; i < operands.size(); i++) {
      PtxType type = operands.get(i);
      String name = NAMES[i];
      text.append(".reg " + register(type) + " " + name + ";\n");
      if (type == PtxType.PRED) {
        text.append("ld.global.u32 %i2, [%at1+" + 8 * i + "];\n");
        text.append("setp.ne.u32 " + name + ", %i2, 0;\n");
      } else {
        text.append("ld.global" + memory(type) + " " + name + ", [%at1+" + 8 * i + "];\n");
      }
    }
    text.append(code).append('\n');
    if (result == PtxType.PRED) {
      text.append("selp.u32 %i2, 1, 0, d;\nst.global.u32 [%at2], %i2;\n");
    } else {
      text.append("st.global" + memory(result) + " [%at2], d;\n");
    }
    return text.append("done: ret;\n}\n").toString();
  }

  /** Registers of bits, but for floats: packed types are known to instructions only. */
  private static String register(PtxType type) {
    return switch (type.family()) {
      case PREDICATE, FLOAT -> dot(type);
      default -> type.sizeBytes() == 1 ? ".b16" : bits(type);
    };
  }

  private static String memory(PtxType type) {
    return type.family() == PtxType.Family.HALF ? bits(type) : dot(type);
  }

  private static String bits(PtxType type) {
    return ".b" + 8 * type.sizeBytes();
  }

  private static String dot(PtxType type) {
    return "." + type.keyword();
  }

  /** Values of a type at which instructions go wrong. */
  static long[] edges(PtxType type) {
    return switch (type) {
      case PRED -> new long[] {0, 1};
      case F32 -> floatEdges();
      case F64 -> doubleEdges();
      case F16 ->
          new long[] {
            0, 0x8000, 0x3C00, 0xBC00, 0x0001, 0x03FF, 0x0400, 0x3C01, 0xB800, 0x6400, 0x7BFF,
            0xFBFF, 0x7C00, 0xFC00, 0x7E00
          };
      case BF16 ->
          new long[] {
            0, 0x8000, 0x3F80, 0xBF80, 0x0001, 0x807F, 0x0080, 0x3F81, 0x3FC0, 0x4B00, 0x7F7F,
            0xFF7F, 0x7F80, 0xFF80, 0x7FC0
          };
      case F16X2, BF16X2 -> pairs(edges(type.element()));
      default -> integerEdges(type.sizeBytes() * 8);
    };
  }

  /** Each value beside another. */
  private static long[] pairs(long[] values) {
    long[] pairs = new long[values.length];
    for (int i = 0; i < values.length; i++) {
      pairs[i] = values[i] | (values[(i * 4 + 7) % values.length] << 16);
    }
    return pairs;
  }

  /** Values of a type with random bits. */
  static long random(PtxType type, Random random) {
    if (type == PtxType.PRED) {
      return random.nextInt(2);
    }
    long bits = random.nextLong();
    return type.sizeBytes() == 8 ? bits : bits & ((1L << (type.sizeBytes() * 8)) - 1);
  }

  private static long[] integerEdges(int bits) {
    long mask = bits == 64 ? -1L : (1L << bits) - 1;
    long[] values = {
      0,
      1,
      2,
      3,
      7,
      31,
      32,
      33,
      -1,
      -2,
      -32,
      1L << (bits - 1),
      (1L << (bits - 1)) - 1,
      (1L << (bits - 1)) + 1,
      0x5555_5555_5555_5555L,
      0x0123_4567_89AB_CDEFL,
      0xFEDC_BA98_7654_3210L,
      1L << (bits / 2),
      (1L << (bits / 2)) - 1
    };
    for (int i = 0; i < values.length; i++) {
      values[i] &= mask;
    }
    return values;
  }

  private static long[] floatEdges() {
    float[] values = {
      0f,
      -0f,
      1f,
      -1f,
      1.5f,
      0.1f,
      -2.75f,
      3e9f,
      -3e9f,
      5e9f,
      1e20f,
      -1e20f,
      255.5f,
      0.5f,
      2.5f,
      16777217f,
      Float.MIN_VALUE,
      -Float.MIN_VALUE,
      1e-40f,
      Float.MIN_NORMAL,
      Float.MAX_VALUE,
      -Float.MAX_VALUE,
      Float.POSITIVE_INFINITY,
      Float.NEGATIVE_INFINITY,
      Float.NaN
    };
    long[] bits = new long[values.length];
    for (int i = 0; i < values.length; i++) {
      bits[i] = Float.floatToRawIntBits(values[i]) & 0xFFFF_FFFFL;
    }
    return bits;
  }

  private static long[] doubleEdges() {
    double[] values = {
      0.0,
      -0.0,
      1,
      -1,
      1.5,
      0.1,
      -2.75,
      3e9,
      -3e9,
      1e19,
      -1e19,
      2e19,
      1e300,
      255.5,
      0.5,
      2.5,
      9007199254740993.0,
      Double.MIN_VALUE,
      -Double.MIN_VALUE,
      1e-310,
      Double.MIN_NORMAL,
      Double.MAX_VALUE,
      -Double.MAX_VALUE,
      Double.POSITIVE_INFINITY,
      Double.NEGATIVE_INFINITY,
      Double.NaN
    };
    long[] bits = new long[values.length];
    for (int i = 0; i < values.length; i++) {
      bits[i] = Double.doubleToRawLongBits(values[i]);
    }
    return bits;
  }

  /** All combinations of the edges of the types. */
  static List<long[]> combinations(List<PtxType> operands) {
    List<long[]> rows = new ArrayList<>();
    rows.add(new long[0]);
    for (PtxType type : operands) {
      List<long[]> longer = new ArrayList<>();
      for (long[] row : rows) {
        for (long value : edges(type)) {
          long[] next = java.util.Arrays.copyOf(row, row.length + 1);
          next[row.length] = value;
          longer.add(next);
        }
      }
      rows = longer;
    }
    return rows;
  }
}
