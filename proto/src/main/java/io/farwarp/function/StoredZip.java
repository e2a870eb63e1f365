package io.farwarp.function;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;
import java.util.zip.CRC32;

/**
 * The container of a function package: a zip (PKWARE APPNOTE 6.3) in one canonical form, so that
 * equal content means equal bytes. Entries are stored, without times, comments, flags or extra
 * fields; what reads differently from what {@link #write} makes is refused.
 */
final class StoredZip {
  private static final int LOCAL = 0x04034b50;
  private static final int CENTRAL = 0x02014b50;
  private static final int END = 0x06054b50;
  private static final int LOCAL_BYTES = 30;
  private static final int CENTRAL_BYTES = 46;
  private static final int END_BYTES = 22;
  private static final short VERSION = 20;

  /** 1980-01-01, the first day that a zip can name. */
  private static final short DATE = 0x21;

  private StoredZip() {}

  /** Bytes that {@link #write} would make. */
  static long size(Map<String, byte[]> entries) {
    long size = END_BYTES;
    for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
      size += LOCAL_BYTES + CENTRAL_BYTES + 2L * entry.getKey().length() + entry.getValue().length;
    }
    return size;
  }

  /** The zip of {@code entries} in their order; names are ASCII. */
  static byte[] write(SequencedMap<String, byte[]> entries) {
    ByteBuffer zip =
        ByteBuffer.allocate(Math.toIntExact(size(entries))).order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer directory = ByteBuffer.allocate(zip.capacity()).order(ByteOrder.LITTLE_ENDIAN);
    for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
      byte[] name = entry.getKey().getBytes(StandardCharsets.US_ASCII);
      byte[] content = entry.getValue();
      CRC32 crc = new CRC32();
      crc.update(content);
      int offset = zip.position();
      zip.putInt(LOCAL);
      common(zip, (int) crc.getValue(), content.length, name.length);
      zip.put(name).put(content);
      directory.putInt(CENTRAL).putShort(VERSION);
      common(directory, (int) crc.getValue(), content.length, name.length);
      // No comment, disk 0, no attributes.
      directory.putShort((short) 0).putShort((short) 0).putShort((short) 0).putInt(0);
      directory.putInt(offset).put(name);
    }
    int start = zip.position();
    zip.put(directory.flip());
    short count = (short) entries.size();
    zip.putInt(END).putShort((short) 0).putShort((short) 0).putShort(count).putShort(count);
    zip.putInt(zip.position() - 12 - start).putInt(start).putShort((short) 0);
    return zip.array();
  }

  private static void common(ByteBuffer to, int crc, int size, int nameLength) {
    // Version needed, flags, method 0 (stored), time, date.
    to.putShort(VERSION).putShort((short) 0).putShort((short) 0).putShort((short) 0);
    to.putShort(DATE).putInt(crc).putInt(size).putInt(size);
    to.putShort((short) nameLength).putShort((short) 0);
  }

  /** The entries of a zip in their order; throws for anything that is not as written here. */
  static SequencedMap<String, byte[]> read(byte[] bytes) throws FunctionPackageException {
    ByteBuffer zip = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    SequencedMap<String, byte[]> entries = new LinkedHashMap<>();
    if (bytes.length < LOCAL_BYTES || zip.getInt(0) != LOCAL) {
      throw new FunctionPackageException(
          "not a function package (" + bytes.length + " bytes that do not start like one)");
    }
    while (zip.remaining() >= LOCAL_BYTES && zip.getInt(zip.position()) == LOCAL) {
      if (entries.size() == FunctionPackage.MAX_FILES) {
        throw new FunctionPackageException(
            "the package holds more than " + FunctionPackage.MAX_FILES + " files");
      }
      entry(zip, entries);
    }
    // Everything else (directory, order of fields, trailing bytes) is as written, or altered.
    if (!Arrays.equals(bytes, write(entries))) {
      throw new FunctionPackageException(
          "the package is truncated, altered or not made by farwarp package build");
    }
    return entries;
  }

  private static void entry(ByteBuffer zip, SequencedMap<String, byte[]> entries)
      throws FunctionPackageException {
    int start = zip.position();
    int method = zip.getShort(start + 8) & 0xFFFF;
    int crc = zip.getInt(start + 14);
    long size = zip.getInt(start + 22) & 0xFFFF_FFFFL;
    int nameLength = zip.getShort(start + 26) & 0xFFFF;
    if (method != 0) {
      throw new FunctionPackageException(
          "a file is compressed (zip method "
              + method
              + "); make packages with farwarp package build");
    }
    if (nameLength + size > zip.remaining() - LOCAL_BYTES) {
      throw new FunctionPackageException(
          "the package is truncated in the file that starts at byte " + start);
    }
    zip.position(start + LOCAL_BYTES);
    byte[] nameBytes = new byte[nameLength];
    zip.get(nameBytes);
    String name = new String(nameBytes, StandardCharsets.ISO_8859_1);
    ManifestRules.checkFileName(name);
    byte[] content = new byte[(int) size];
    zip.get(content);
    CRC32 actual = new CRC32();
    actual.update(content);
    if ((int) actual.getValue() != crc) {
      throw new FunctionPackageException(
          "the file " + name + " was altered: its checksum does not match");
    }
    if (entries.put(name, content) != null) {
      throw new FunctionPackageException("the file " + name + " is in the package twice");
    }
  }
}
