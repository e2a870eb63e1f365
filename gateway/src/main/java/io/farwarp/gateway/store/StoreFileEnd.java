package io.farwarp.gateway.store;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.h2.store.fs.FilePath;

/**
 * Where the last version in a file of MVStore begins, whether it is whole or not. Its chunks begin
 * on blocks of 4 KiB with a header in text (H2, "MVStore", File Format).
 *
 * @param version 0: there is none
 */
record StoreFileEnd(long version, long atBytes) {
  private static final int BLOCK_BYTES = 4096;

  /** Two blocks before the first chunk. */
  private static final long FIRST_CHUNK_BYTES = 2L * BLOCK_BYTES;

  private static final int HEADER_BYTES = 256;
  private static final int COPY_BYTES = 1 << 20;
  private static final Pattern HEADER =
      Pattern.compile("chunk:[0-9a-f]{1,8},[^\n]{0,200}version:([0-9a-f]{1,15})[,\n]");

  static StoreFileEnd of(String file) throws IOException {
    try (FileChannel channel = FilePath.get(file).open("r")) {
      long blocks = channel.size() / BLOCK_BYTES;
      ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES);
      for (long at = (blocks - 1) * BLOCK_BYTES; at >= FIRST_CHUNK_BYTES; at -= BLOCK_BYTES) {
        int _ = channel.read(header.clear(), at);
        Matcher matcher =
            HEADER.matcher(new String(header.array(), 0, header.position(), ISO_8859_1));
        if (matcher.lookingAt()) {
          return new StoreFileEnd(Long.parseLong(matcher.group(1), 16), at);
        }
      }
      return new StoreFileEnd(0, 0);
    }
  }

  /** {@code to} becomes what {@code from} was before that version. */
  void copyBefore(String from, String to) throws IOException {
    FilePath copy = FilePath.get(to);
    if (copy.exists()) {
      copy.delete();
    }
    try (FileChannel in = FilePath.get(from).open("r");
        FileChannel out = copy.open("rw")) {
      ByteBuffer part = ByteBuffer.allocate(COPY_BYTES);
      for (long at = 0; at < atBytes; at += part.position()) {
        part.clear().limit((int) Math.min(COPY_BYTES, atBytes - at));
        if (in.read(part, at) < 0) {
          throw new IOException("store " + from + " became shorter while it was copied");
        }
        int length = part.position();
        part.flip();
        while (part.hasRemaining()) {
          int _ = out.write(part, at + part.position());
        }
        part.position(length);
      }
    }
  }
}
