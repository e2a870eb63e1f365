package io.farwarp.ptx.fatbin;

import io.airlift.compress.v3.Decompressor;
import io.airlift.compress.v3.MalformedInputException;
import io.airlift.compress.v3.lz4.Lz4JavaDecompressor;
import io.airlift.compress.v3.zstd.ZstdJavaDecompressor;
import io.farwarp.ptx.NoPtxException;
import io.farwarp.ptx.PtxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * A fatbin container, as {@code nvcc -fatbin} writes it: a header, then entries, each of code for
 * one architecture. NVIDIA does not document the layout; this is what nvcc 9 to 13 write. All
 * numbers are little-endian.
 *
 * <pre>
 * header: u32 0xBA55ED50, u16 version, u16 bytes of this header, u64 bytes of all entries
 * entry:   0 u16 kind: 1 PTX, 2 cubin      4 u32 bytes of this header
 *          8 u64 bytes that follow it     16 u32 bytes that are compressed, or 0
 *         28 u32 architecture, 75: sm_75  40 u64 flags: 0x2000 LZ4, 0x8000 Zstandard
 *         56 u64 bytes when decompressed
 * </pre>
 */
public final class Fatbin {
  private static final int MAGIC = 0xBA55ED50;
  private static final int HEADER_BYTES = 16;
  private static final int ENTRY_BYTES = 64;
  private static final int MAX_ENTRIES = 256;

  /** More than there are architectures that one build is for. */
  private static final int MAX_PTX = 16;

  private static final int PTX = 1;
  private static final int CUBIN = 2;
  private static final long LZ4 = 0x2000;
  private static final long ZSTANDARD = 0x8000;

  /**
   * Code for one architecture.
   *
   * @param compressedBytes 0 if it is not compressed
   */
  private record Entry(
      int kind,
      long architecture,
      long flags,
      int start,
      int bytes,
      int compressedBytes,
      long plainBytes) {
    String describe() {
      String name = "sm_" + architecture;
      return switch (kind) {
        case PTX -> "PTX for " + name;
        case CUBIN -> name;
        default -> "code of kind " + kind + " for " + name;
      };
    }
  }

  private final ByteBuffer image;
  private final List<Entry> entries = new ArrayList<>();
  private final List<Entry> ptx = new ArrayList<>();

  private Fatbin(byte[] image) {
    this.image = ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Whether the bytes begin as a fatbin does. */
  public static boolean is(byte[] image) {
    return image.length >= 4
        && ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN).getInt(0) == MAGIC;
  }

  /**
   * Reads what a fatbin holds; nothing is decompressed yet.
   *
   * @throws NoPtxException if there is no PTX in it
   */
  public static Fatbin of(byte[] image) throws PtxException {
    Fatbin fatbin = new Fatbin(image);
    try {
      fatbin.read();
    } catch (DamagedException e) {
      throw damaged(e);
    }
    fatbin.entries.stream()
        .filter(entry -> entry.kind() == PTX)
        .sorted(Comparator.comparingLong(Entry::architecture).reversed())
        .limit(MAX_PTX)
        .forEach(fatbin.ptx::add);
    if (fatbin.ptx.isEmpty()) {
      throw new NoPtxException(fatbin.entries.stream().map(Entry::describe).toList());
    }
    return fatbin;
  }

  /** How many texts of PTX there are to choose from, 1 to {@value #MAX_PTX}. */
  public int ptxCount() {
    return ptx.size();
  }

  /**
   * One of the texts, decompressed at each call.
   *
   * @param index from 0, that for the highest architecture
   */
  public String ptx(int index, int maxTextChars) throws PtxException {
    try {
      return text(ptx.get(index), maxTextChars);
    } catch (DamagedException e) {
      throw damaged(e);
    }
  }

  private static PtxException damaged(DamagedException e) {
    return new PtxException(0, "the fatbin is damaged: " + e.getMessage(), e);
  }

  private void read() throws DamagedException {
    int at = 0;
    while (image.capacity() - at >= HEADER_BYTES) {
      if (image.getInt(at) != MAGIC) {
        throw new DamagedException("there is no fatbin at byte " + at);
      }
      int header = Short.toUnsignedInt(image.getShort(at + 6));
      long bytes = image.getLong(at + 8);
      if (header < HEADER_BYTES || bytes < 0 || bytes > image.capacity() - at - header) {
        throw new DamagedException("a container of " + bytes + " bytes goes beyond the end");
      }
      entries(at + header, (int) (at + header + bytes));
      at += header + (int) bytes;
    }
    if (entries.isEmpty() && at == 0) {
      throw new DamagedException("it has " + image.capacity() + " bytes");
    }
  }

  private void entries(int start, int end) throws DamagedException {
    int at = start;
    while (at < end) {
      if (end - at < ENTRY_BYTES || entries.size() >= MAX_ENTRIES) {
        throw new DamagedException("an entry is cut off, or there are over " + MAX_ENTRIES);
      }
      long header = Integer.toUnsignedLong(image.getInt(at + 4));
      long bytes = image.getLong(at + 8);
      long compressed = Integer.toUnsignedLong(image.getInt(at + 16));
      if (header < ENTRY_BYTES
          || header > end - at
          || bytes < 0
          || bytes > end - at - header
          || compressed > bytes) {
        throw new DamagedException("an entry of " + bytes + " bytes goes beyond the end");
      }
      entries.add(
          new Entry(
              Short.toUnsignedInt(image.getShort(at)),
              Integer.toUnsignedLong(image.getInt(at + 28)),
              image.getLong(at + 40),
              (int) (at + header),
              (int) bytes,
              (int) compressed,
              image.getLong(at + 56)));
      at += (int) (header + bytes);
    }
  }

  private static byte[] decompressed(byte[] bytes, boolean isZstandard, int size)
      throws DamagedException {
    Decompressor decompressor =
        isZstandard ? new ZstdJavaDecompressor() : new Lz4JavaDecompressor();
    byte[] plain = new byte[size];
    int length;
    try {
      length = decompressor.decompress(bytes, 0, bytes.length, plain, 0, size);
    } catch (MalformedInputException | IllegalArgumentException | IndexOutOfBoundsException e) {
      throw new DamagedException("its compressed PTX cannot be read: " + e.getMessage(), e);
    }
    if (length != size) {
      throw new DamagedException(
          "its compressed PTX has " + length + " bytes, and " + size + " were announced");
    }
    return plain;
  }

  private String text(Entry entry, int maxTextChars) throws DamagedException {
    boolean plain = (entry.flags() & (LZ4 | ZSTANDARD)) == 0;
    long size = plain ? entry.bytes() : entry.plainBytes();
    if (size < 0 || size > maxTextChars) {
      throw new DamagedException(
          "its PTX for sm_"
              + entry.architecture()
              + " has "
              + size
              + " bytes; the limit is "
              + maxTextChars);
    }
    int stored = plain ? entry.bytes() : entry.compressedBytes();
    byte[] bytes = Arrays.copyOfRange(image.array(), entry.start(), entry.start() + stored);
    if (!plain) {
      bytes = decompressed(bytes, (entry.flags() & ZSTANDARD) != 0, (int) size);
    } else if (entry.compressedBytes() != 0) {
      throw new DamagedException(
          "its PTX is compressed in an unknown way, by flags 0x" + Long.toHexString(entry.flags()));
    }
    int end = bytes.length;
    while (end > 0 && bytes[end - 1] == 0) {
      end--;
    }
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes, 0, end)).toString();
    } catch (CharacterCodingException e) {
      throw new DamagedException("its PTX is not text");
    }
  }
}
