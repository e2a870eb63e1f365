package io.farwarp.ptx.corpus;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32;

/** Hashes, strings, numbers of many words, searches: all exact. */
final class IntegerCases {
  private IntegerCases() {}

  static List<CorpusCase> all() {
    return List.of(
        new CorpusCase("integers", "sha256", IntegerCases::sha256),
        new CorpusCase("integers", "crc32", IntegerCases::crc32),
        new CorpusCase("integers", "stringMatch", IntegerCases::stringMatch),
        new CorpusCase("integers", "shiftAnd", IntegerCases::shiftAnd),
        new CorpusCase("integers", "wideMultiply", IntegerCases::wideMultiply),
        new CorpusCase("integers", "powerModulo", IntegerCases::powerModulo),
        new CorpusCase("integers", "wideDivide", IntegerCases::wideDivide),
        new CorpusCase("integers", "queens", IntegerCases::queens),
        new CorpusCase("integers", "sieve", IntegerCases::sieve));
  }

  private static void sha256(Device device) throws Exception {
    int n = 45;
    int[] offsets = new int[n + 1];
    for (int i = 0; i < n; i++) {
      // Lengths around the ends of blocks, where the padding changes.
      offsets[i + 1] = offsets[i] + (i < 20 ? 50 + i : 7 * i - 140);
    }
    byte[] text = Inputs.bytes(1, offsets[n]);
    MemorySegment digests = device.zeros(n * 32L);
    device
        .kernel("sha256")
        .grid(2)
        .block(32)
        .run(device.copy(text), device.copy(offsets), digests, n);
    int[] expected = new int[8 * n];
    for (int i = 0; i < n; i++) {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(text, offsets[i], offsets[i + 1] - offsets[i]);
      ByteBuffer.wrap(digest.digest()).asIntBuffer().get(expected, 8 * i, 8);
    }
    Expect.ints(expected, digests);
  }

  private static void crc32(Device device) throws Exception {
    int size = 3001;
    int piece = 47;
    byte[] data = Inputs.bytes(2, size);
    int[] expected = new int[(size + piece - 1) / piece];
    MemorySegment out = device.zeros(expected.length * 4L);
    device.kernel("crc32").grid(3).block(32).run(device.copy(data), size, piece, out);
    for (int i = 0; i < expected.length; i++) {
      CRC32 crc = new CRC32();
      crc.update(data, i * piece, Math.min(piece, size - i * piece));
      expected[i] = (int) crc.getValue();
    }
    Expect.ints(expected, out);
  }

  private static String text(int seed, int length) {
    StringBuilder text = new StringBuilder();
    for (int letter : Inputs.ints(seed, length, 0, 3)) {
      text.append((char) ('a' + letter));
    }
    return text.toString();
  }

  private static byte[] latin(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  private static void stringMatch(Device device) throws Exception {
    String text = text(3, 5000);
    String pattern = "abcab";
    MemorySegment count = device.zeros(4);
    MemorySegment first = device.copy(Integer.MAX_VALUE);
    device
        .kernel("stringMatch")
        .grid(40)
        .block(128)
        .shared(128 + pattern.length())
        .run(
            device.copy(latin(text)),
            text.length(),
            device.copy(latin(pattern)),
            pattern.length(),
            count,
            first);
    Expect.ints(new int[] {occurrences(text, pattern)}, count);
    Expect.ints(new int[] {text.indexOf(pattern)}, first);
  }

  private static int occurrences(String text, String pattern) {
    int count = 0;
    for (int at = text.indexOf(pattern); at >= 0; at = text.indexOf(pattern, at + 1)) {
      count++;
    }
    return count;
  }

  private static void shiftAnd(Device device) throws Exception {
    String text = text(4, 4000);
    List<String> patterns = List.of("abc", "ccbaac", "bb", "abcabca", "xyz");
    long starts = 0;
    long ends = 0;
    int bit = 0;
    int[] expected = new int[64];
    for (String pattern : patterns) {
      starts |= 1L << bit;
      bit += pattern.length();
      ends |= 1L << bit - 1;
      expected[bit - 1] = occurrences(text, pattern);
    }
    String joined = String.join("\0", patterns) + "\0";
    device.kernel("shiftAndBuild").run(device.copy(latin(joined)), patterns.size());
    MemorySegment hits = device.zeros(64 * 4L);
    device
        .kernel("shiftAnd")
        .grid(2)
        .block(64)
        .run(device.copy(latin(text)), text.length(), starts, ends, hits);
    Expect.ints(expected, hits);
  }

  /** The value of little-endian words. */
  private static BigInteger number(int[] words, int from, int count) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * count);
    for (int i = count - 1; i >= 0; i--) {
      bytes.putInt(words[from + i]);
    }
    return new BigInteger(1, bytes.array());
  }

  private static void wideMultiply(Device device) throws Exception {
    int n = 50;
    int[] a = Inputs.ints(5, 8 * n, Integer.MIN_VALUE, Integer.MAX_VALUE);
    int[] b = Inputs.ints(6, 8 * n, Integer.MIN_VALUE, Integer.MAX_VALUE);
    Arrays.fill(a, 0, 8, -1);
    Arrays.fill(b, 0, 8, -1);
    MemorySegment out = device.zeros(n * 64L);
    device.kernel("wideMultiply").grid(2).block(32).run(device.copy(a), device.copy(b), out, n);
    int[] actual = Device.ints(out);
    for (int i = 0; i < n; i++) {
      BigInteger expected = number(a, 8 * i, 8).multiply(number(b, 8 * i, 8));
      assertEquals(expected, number(actual, 16 * i, 16), "product " + i);
    }
  }

  private static BigInteger unsigned(long value) {
    return new BigInteger(Long.toUnsignedString(value));
  }

  private static void powerModulo(Device device) throws Exception {
    int n = 40;
    Random random = new Random(7);
    long[] bases = random.longs(n).toArray();
    long[] exponents = random.longs(n).map(e -> e >>> 50).toArray();
    long[] moduli = random.longs(n).map(m -> m | 1).toArray();
    MemorySegment plain = device.zeros(n * 8L);
    MemorySegment montgomery = device.zeros(n * 8L);
    device
        .kernel("powerModulo")
        .grid(2)
        .block(32)
        .run(device.copy(bases), device.copy(exponents), device.copy(moduli), plain, montgomery, n);
    long[] expected = new long[n];
    for (int i = 0; i < n; i++) {
      BigInteger power = unsigned(bases[i]).modPow(unsigned(exponents[i]), unsigned(moduli[i]));
      expected[i] = power.longValue();
    }
    Expect.longs(expected, plain);
    Expect.longs(expected, montgomery);
  }

  private static BigInteger signed(long low, long high) {
    return BigInteger.valueOf(high).shiftLeft(64).add(unsigned(low));
  }

  private static void wideDivide(Device device) throws Exception {
    int n = 60;
    Random random = new Random(8);
    long[] a = random.longs(2 * n).toArray();
    long[] b = random.longs(2 * n).toArray();
    for (int i = 0; i < n; i++) {
      // Divisors of one word and of two.
      b[2 * i + 1] = i % 2 == 0 ? b[2 * i] >> 63 : b[2 * i + 1] >> i;
    }
    MemorySegment out = device.zeros(n * 64L);
    device.kernel("wideDivide").grid(2).block(32).run(device.copy(a), device.copy(b), out, n);
    long[] actual = Device.longs(out);
    for (int i = 0; i < n; i++) {
      BigInteger x = signed(a[2 * i], a[2 * i + 1]);
      BigInteger y = signed(b[2 * i], b[2 * i + 1]);
      BigInteger[] divided = x.divideAndRemainder(y);
      BigInteger[] expected = {
        divided[0],
        divided[1],
        x.shiftLeft(i % 127).xor(y.shiftRight(i % 100)),
        x.multiply(y).add(divided[x.compareTo(y) < 0 ? 0 : 1])
      };
      for (int k = 0; k < 4; k++) {
        int at = 8 * i + 2 * k;
        assertEquals(expected[k].longValue(), actual[at], "low word of " + i + ", " + k);
        assertEquals(expected[k].shiftRight(64).longValue(), actual[at + 1], "of " + i + ", " + k);
      }
    }
  }

  private static void queens(Device device) throws Exception {
    MemorySegment solutions = device.zeros(4);
    device.kernel("queens").block(8, 8, 1).run(8, solutions);
    assertEquals(92, Device.ints(solutions)[0]);
  }

  private static void sieve(Device device) throws Exception {
    int perBlock = 1024;
    int blocks = 5;
    int[] small = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71};
    MemorySegment bits = device.zeros(blocks * perBlock / 8);
    device
        .kernel("sieve")
        .grid(blocks)
        .block(32)
        .shared(perBlock / 8)
        .run(device.copy(small), small.length, bits, perBlock);
    int[] words = Device.ints(bits);
    for (int i = 2; i < blocks * perBlock; i++) {
      boolean prime = BigInteger.valueOf(i).isProbablePrime(30);
      assertEquals(prime, (words[i / 32] >>> i % 32 & 1) != 0, "number " + i);
    }
  }
}
