package io.farwarp.ptx;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * Damages files as a fuzzer does: bytes, words, and parts of other files; repeatable by its seed.
 */
final class Damage {
  /** What is worth putting where something else stood. */
  private static final String[] WORDS = {
    "f32",
    "f64",
    "u32",
    "s64",
    "b16",
    "pred",
    "f16x2",
    "bf16",
    "v4",
    "sat",
    "ftz",
    "wide",
    "cc",
    "global",
    "param",
    "local",
    "shared",
    "const",
    "generic",
    "entry",
    "func",
    "extern",
    "align",
    "branchtargets",
    "callprototype",
    "calltargets",
    "loc",
    "file",
    "section",
    "reg",
    "pragma",
    "%rd1",
    "%f1",
    "%p1",
    "%r1",
    "%tid.x",
    "WARP_SZ",
    "_",
    "0",
    "-1",
    "1",
    "4",
    "255",
    "4096",
    "65536",
    "2147483647",
    "4294967295",
    "9223372036854775807",
    "0xFFFFFFFFFFFFFFFF",
    "1e308",
    "0f7FC00000",
    "0dFFF0000000000000",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "<",
    ">",
    "@",
    "!",
    "|",
    ";",
    ",",
    ".",
    ":",
    "=",
    "+",
    "-",
    "\"",
    "//",
    "/*",
    "*/",
    "\n",
    "\0",
    "\u00e9"
  };

  private final List<byte[]> corpus;
  private final Random random;

  Damage(List<byte[]> corpus, long seed) {
    this.corpus = corpus;
    random = new Random(seed);
  }

  /** One of the corpus, with one to six wounds. */
  byte[] next() {
    byte[] file = pick();
    for (int wounds = 1 + random.nextInt(6); wounds > 0; wounds--) {
      file = wound(file);
    }
    return file;
  }

  private byte[] pick() {
    return corpus.get(random.nextInt(corpus.size()));
  }

  private byte[] wound(byte[] file) {
    int from = random.nextInt(file.length + 1);
    int to = Math.min(file.length, from + random.nextInt(1 << random.nextInt(8)));
    return switch (random.nextInt(8)) {
      case 0 -> from == 0 ? file : Arrays.copyOf(file, from);
      case 1 -> join(file, from, new byte[0], to);
      case 2 -> join(file, from, word(), from);
      case 3 -> {
        // Words stand between characters that are no part of one.
        int start = wordStart(file, from);
        yield join(file, start, word(), wordEnd(file, start));
      }
      case 4 -> {
        byte[] other = pick();
        int start = random.nextInt(other.length + 1);
        int end = Math.min(other.length, start + random.nextInt(200));
        yield join(file, from, Arrays.copyOfRange(other, start, end), from);
      }
      case 5 -> {
        byte[] repeated = Arrays.copyOfRange(file, from, to);
        byte[] copies = new byte[repeated.length * random.nextInt(64)];
        for (int i = 0; i < copies.length; i++) {
          copies[i] = repeated[i % repeated.length];
        }
        yield join(file, to, copies, to);
      }
      default -> {
        byte[] changed = file.clone();
        for (int i = 1 + random.nextInt(3); i > 0 && changed.length > 0; i--) {
          int reach = random.nextBoolean() ? Math.min(200, changed.length) : changed.length;
          changed[random.nextInt(reach)] = (byte) random.nextInt(256);
        }
        yield changed;
      }
    };
  }

  private byte[] word() {
    return WORDS[random.nextInt(WORDS.length)].getBytes(StandardCharsets.UTF_8);
  }

  private static boolean isPart(byte c) {
    return Character.isLetterOrDigit(c & 0xFF) || c == '_' || c == '%' || c == '$';
  }

  private static int wordStart(byte[] file, int at) {
    int start = at;
    while (start < file.length && !isPart(file[start])) {
      start++;
    }
    return start;
  }

  private static int wordEnd(byte[] file, int start) {
    int end = start;
    while (end < file.length && isPart(file[end])) {
      end++;
    }
    return end;
  }

  private static byte[] join(byte[] file, int head, byte[] middle, int tail) {
    byte[] joined = Arrays.copyOf(file, head + middle.length + file.length - tail);
    System.arraycopy(middle, 0, joined, head, middle.length);
    System.arraycopy(file, tail, joined, head + middle.length, file.length - tail);
    return joined;
  }

  /** Texts that are made to be expensive: long, deep, wide. */
  static List<byte[]> extremes() {
    String head = ".version 7.0\n.target sm_75\n.address_size 64\n";
    String kernel = head + ".entry k(.param .u64 p) { .reg .b32 %r<9>; .reg .pred %p<9>; ";
    List<String> texts = new ArrayList<>();
    texts.add(head + "{".repeat(100_000));
    texts.add(kernel + "{".repeat(100_000));
    texts.add(kernel + "@".repeat(100_000));
    texts.add(kernel + "mov.b32 %r1, " + "-".repeat(100_000) + "1; }");
    texts.add(kernel + "mov.b32 {" + "{".repeat(50_000) + "}".repeat(50_000) + "}, %r1; }");
    texts.add(kernel + "add" + ".ftz".repeat(50_000) + " %r1; }");
    texts.add(head + ".global .u32 a[1000] = {" + "{".repeat(50_000) + "1};");
    texts.add(head + ".global .u32 a[4] = {" + "1, ".repeat(200_000) + "1};");
    texts.add(head + ".entry " + "k".repeat(500_000) + "() { ret; }");
    texts.add(kernel + "mov.b32 %r1, " + "9".repeat(500_000) + "; }");
    texts.add(kernel + "ret; " + "L: ".repeat(100_000) + "}");
    StringBuilder labels = new StringBuilder(kernel);
    for (int i = 0; i < 9000; i++) {
      labels.append("L").append(i).append(": @%p1 bra L").append((i * 7919) % 9000).append(";\n");
    }
    texts.add(labels.append("}").toString());
    StringBuilder registers = new StringBuilder(kernel);
    for (int i = 0; i < 30_000; i++) {
      registers.append(".reg .b32 x").append(i).append("; mov.b32 x").append(i).append(", %r1;\n");
    }
    texts.add(registers.append("}").toString());
    StringBuilder functions = new StringBuilder(head);
    for (int i = 0; i < 20_000; i++) {
      functions.append(".func f").append(i).append("() { ret; }\n");
    }
    texts.add(functions.toString());
    StringBuilder calls = new StringBuilder(head);
    for (int i = 0; i < 300; i++) {
      calls.append(".func f").append(i).append("();\n");
    }
    for (int i = 0; i < 300; i++) {
      calls.append(".func f").append(i).append("() {");
      for (int j = 0; j < 20; j++) {
        calls.append("call f").append((i * 31 + j * 7) % 300).append(";");
      }
      calls.append("ret; }\n");
    }
    texts.add(calls.append(".entry k() { call f0; ret; }").toString());
    return texts.stream().map(text -> text.getBytes(StandardCharsets.UTF_8)).toList();
  }
}
