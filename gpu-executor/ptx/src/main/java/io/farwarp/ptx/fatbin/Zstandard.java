package io.farwarp.ptx.fatbin;

/**
 * Reads one Zstandard frame (RFC 8878) whose size is known beforehand; no dictionaries, and its
 * checksum, which fatbins do not have, is not looked at. Every access is bounded by Java's arrays.
 */
final class Zstandard {
  private static final int MAGIC = 0xFD2FB528;
  private static final int MAX_BLOCK = 128 << 10;

  private final byte[] in;
  private final byte[] out;
  private final Sequences sequences = new Sequences();
  private final byte[] literals = new byte[MAX_BLOCK];
  private int at;
  private int written;
  private @org.jspecify.annotations.Nullable HuffmanTable huffman;

  private Zstandard(byte[] in, int size) {
    this.in = in;
    out = new byte[size];
  }

  /** The {@code size} bytes that a frame holds; what follows the frame is ignored. */
  static byte[] decode(byte[] frame, int size) throws DamagedException {
    Zstandard reader = new Zstandard(frame, size);
    try {
      reader.header();
      reader.blocks();
    } catch (IndexOutOfBoundsException e) {
      throw new DamagedException("compressed data goes beyond its end");
    }
    if (reader.written != size) {
      throw new DamagedException("compressed data holds " + reader.written + " bytes, not " + size);
    }
    return reader.out;
  }

  private long little(int bytes) {
    long value = 0;
    for (int i = 0; i < bytes; i++) {
      value |= (in[at++] & 0xFFL) << (8 * i);
    }
    return value;
  }

  private void header() throws DamagedException {
    if ((int) little(4) != MAGIC) {
      throw new DamagedException("compressed data is not a Zstandard frame");
    }
    int descriptor = in[at++] & 0xFF;
    boolean single = (descriptor & 0x20) != 0;
    if ((descriptor & 8) != 0 || (descriptor & 3) != 0) {
      throw new DamagedException("a Zstandard frame with a dictionary is not supported");
    }
    if (!single) {
      // The window: all of the output is at hand, whatever it says.
      at++;
    }
    int sizeBytes = new int[] {single ? 1 : 0, 2, 4, 8}[descriptor >> 6];
    long size = little(sizeBytes) + (sizeBytes == 2 ? 256 : 0);
    if (sizeBytes > 0 && size != out.length) {
      throw new DamagedException("a frame says that it holds " + size + " bytes");
    }
  }

  private void blocks() throws DamagedException {
    boolean last = false;
    while (!last) {
      int header = (int) little(3);
      last = (header & 1) != 0;
      int size = header >> 3;
      if (size > MAX_BLOCK) {
        throw new DamagedException("a block of " + size + " bytes; the limit is " + MAX_BLOCK);
      }
      switch ((header >> 1) & 3) {
        case 0 -> {
          System.arraycopy(in, at, out, written, size);
          at += size;
          written += size;
        }
        case 1 -> {
          java.util.Arrays.fill(out, written, written + size, in[at++]);
          written += size;
        }
        case 2 -> compressed(at + size);
        default -> throw new DamagedException("a block of a reserved kind");
      }
    }
  }

  private void compressed(int end) throws DamagedException {
    if (end > in.length) {
      throw new DamagedException("a block is cut off");
    }
    int count = literals(end);
    written = sequences.run(in, at, end, literals, count, out, written);
    at = end;
  }

  /** Reads the literals of a block; gives how many there are. */
  private int literals(int end) throws DamagedException {
    int first = in[at] & 0xFF;
    int format = (first >> 2) & 3;
    if ((first & 2) != 0) {
      return codedLiterals(end, (first & 1) != 0, format);
    }
    int bytes = (format & 1) == 0 ? 1 : format == 1 ? 2 : 3;
    int size = (int) little(bytes) >> (bytes == 1 ? 3 : 4);
    if ((first & 1) == 0) {
      System.arraycopy(in, at, literals, 0, size);
      at += size;
    } else {
      java.util.Arrays.fill(literals, 0, size, in[at++]);
    }
    return size;
  }

  private int codedLiterals(int end, boolean keepsTable, int format) throws DamagedException {
    int sizeBits = format < 2 ? 10 : format == 2 ? 14 : 18;
    long header = little((4 + 2 * sizeBits + 7) / 8);
    long mask = (1L << sizeBits) - 1;
    int size = (int) ((header >> 4) & mask);
    int coded = (int) ((header >> (4 + sizeBits)) & mask);
    int stop = at + coded;
    if (stop > end || size > MAX_BLOCK) {
      throw new DamagedException("the literals of a block are cut off");
    }
    HuffmanTable table = huffman;
    if (!keepsTable) {
      HuffmanTable.Described described = HuffmanTable.read(in, at, stop);
      table = described.table();
      at = described.end();
    }
    if (table == null) {
      throw new DamagedException("a block has no prefix code");
    }
    huffman = table;
    if (format == 0) {
      table.decode(in, at, stop, literals, 0, size);
    } else {
      int[] sizes = {(int) little(2), (int) little(2), (int) little(2)};
      int part = (size + 3) / 4;
      int from = at;
      for (int i = 0; i < 3; i++) {
        table.decode(in, from, from + sizes[i], literals, i * part, part);
        from += sizes[i];
      }
      table.decode(in, from, stop, literals, 3 * part, size - 3 * part);
    }
    at = stop;
    return size;
  }
}
