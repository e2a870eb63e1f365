package io.farwarp.ptx.cache;

import io.farwarp.ptx.PtxOptions;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Objects;
import java.util.Optional;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Where one module's compiled form is kept. A file begins with a checksum of the rest, and the rest
 * with all that the compiler's result depends on: its build, the options and the whole text. What
 * is not the same, or damaged, is as good as not there. Without a usable directory modules are
 * compiled, and a log line says why.
 */
public final class ModuleCache {
  private static final Logger LOG = System.getLogger(ModuleCache.class.getName());
  private static final int CHECKSUM_BYTES = Long.BYTES;

  private final Path path;
  private final byte[] key;
  private final String name;

  /** A place in the directory of {@code options}, which must have one. */
  public ModuleCache(String text, PtxOptions options) {
    path = Objects.requireNonNull(options.cacheDirectory());
    byte[] textBytes = text.getBytes(StandardCharsets.UTF_8);
    key = CompilerBuild.name().map(build -> key(build, options, textBytes)).orElse(new byte[0]);
    // Need not be unique: a file of another text is not taken.
    name = HexFormat.of().toHexDigits(checksum(key, 0) << 32 | (text.hashCode() & 0xFFFF_FFFFL));
  }

  private static byte[] key(String build, PtxOptions options, byte[] text) {
    ByteArrayOutputStream key = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(key)) {
      out.writeUTF(build);
      out.writeInt(options.maxTextChars());
      out.writeInt(options.maxLocalBytesPerThread());
      out.writeInt(text.length);
      out.write(text);
    } catch (IOException e) {
      throw new UncheckedIOException("memory cannot be written", e);
    }
    return key.toByteArray();
  }

  /** The module as it was kept, or null. */
  public @Nullable ModuleImage find() {
    if (key.length == 0) {
      return null;
    }
    try (CacheDirectory directory = CacheDirectory.open(path)) {
      Optional<byte[]> content = directory.read(name);
      return content.isPresent() && isWhole(content.get()) ? image(content.get()) : null;
    } catch (IOException e) {
      LOG.log(Level.WARNING, "compiled modules cannot be taken from {0}: {1}", path, e);
      return null;
    }
  }

  private boolean isWhole(byte[] content) {
    int begin = CHECKSUM_BYTES + key.length;
    if (content.length < begin) {
      return false;
    }
    return ByteBuffer.wrap(content).getLong() == checksum(content, CHECKSUM_BYTES)
        && Arrays.equals(content, CHECKSUM_BYTES, begin, key, 0, key.length);
  }

  private ModuleImage image(byte[] content) throws IOException {
    int begin = CHECKSUM_BYTES + key.length;
    return ImageCodec.read(
        new DataInputStream(new ByteArrayInputStream(content, begin, content.length - begin)));
  }

  /** Keeps a module, whose code must hold for every process. */
  public void keep(ModuleImage image) {
    if (key.length == 0) {
      return;
    }
    try (CacheDirectory directory = CacheDirectory.open(path)) {
      ByteArrayOutputStream content = new ByteArrayOutputStream();
      try (DataOutputStream out = new DataOutputStream(content)) {
        out.writeLong(0);
        out.write(key);
        ImageCodec.write(out, image);
      }
      byte[] bytes = content.toByteArray();
      ByteBuffer.wrap(bytes).putLong(checksum(bytes, CHECKSUM_BYTES));
      if (bytes.length <= CacheDirectory.MAX_FILE_BYTES) {
        directory.write(name, bytes);
      }
    } catch (IOException e) {
      LOG.log(Level.WARNING, "a compiled module cannot be kept in {0}: {1}", path, e);
    }
  }

  private static long checksum(byte[] bytes, int from) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, from, bytes.length - from);
    return crc.getValue();
  }
}
