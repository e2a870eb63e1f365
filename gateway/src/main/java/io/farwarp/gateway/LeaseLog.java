package io.farwarp.gateway;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.common.hash.Hashing;
import com.google.protobuf.InvalidProtocolBufferException;
import io.farwarp.v1.StoredLease;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A {@link LeaseStore} in one file: a log of changes, one record (length, CRC-32C, content) for
 * each lease that changed, written anew when most of it is out of date. So it never grows beyond
 * four times what it keeps, or 1 MiB, and one more update.
 *
 * <p>A record is whole or does not count, and an update returns when all of its records are on
 * disk: a crash in the middle of one loses only what no one has been told of. Neither writing nor
 * reading holds more than one record in memory.
 */
final class LeaseLog implements LeaseStore {
  private static final System.Logger LOG = System.getLogger(LeaseLog.class.getName());
  private static final byte[] MAGIC = "FWLEASE1".getBytes(US_ASCII);
  private static final int HEAD_BYTES = 8;
  private static final int ENTRY_HEAD_BYTES = 5;

  /**
   * More than a lease can have: 64 workers of 8 addresses with some 1.3 KiB of text each, and 256
   * functions of 300 bytes. A log of an older gateway holds whole batches in a record.
   */
  private static final int MAX_RECORD_BYTES = 64 << 20;

  private static final long REWRITE_BYTES = 1 << 20;
  private static final byte PUT = 1;
  private static final byte REMOVE = 2;

  private final Path file;
  private final Map<String, StoredLease> leases = new LinkedHashMap<>();
  private @Nullable FileChannel channel;
  private long endBytes;
  private long liveBytes;

  private LeaseLog(Path file) {
    this.file = file;
  }

  static LeaseLog open(Path file) throws IOException, GatewayException {
    LeaseLog log = new LeaseLog(file);
    if (Files.exists(file)) {
      log.replay();
    }
    log.rewrite();
    return log;
  }

  private void replay() throws IOException, GatewayException {
    long size = Files.size(file);
    try (DataInputStream in =
        new DataInputStream(new BufferedInputStream(Files.newInputStream(file), 64 << 10))) {
      if (!Arrays.equals(in.readNBytes(MAGIC.length), MAGIC)) {
        throw new GatewayException(
            "lease store "
                + file
                + " is not one, or damaged: move it away to start without leases");
      }
      long at = MAGIC.length;
      while (at < size) {
        byte @Nullable [] record = next(in, size - at);
        if (record == null) {
          LOG.log(
              Level.WARNING,
              "lease store {0}: {1} bytes at its end were not completely written and are dropped",
              file,
              Long.toString(size - at));
          return;
        }
        apply(ByteBuffer.wrap(record));
        at += HEAD_BYTES + record.length;
      }
    }
  }

  private static byte @Nullable [] next(DataInputStream in, long left) throws IOException {
    if (left < HEAD_BYTES) {
      return null;
    }
    int length = in.readInt();
    int crc = in.readInt();
    if (length < 0 || length > MAX_RECORD_BYTES || length > left - HEAD_BYTES) {
      return null;
    }
    byte[] record = in.readNBytes(length);
    return Hashing.crc32c().hashBytes(record).asInt() == crc ? record : null;
  }

  private void apply(ByteBuffer record) throws GatewayException {
    try {
      while (record.hasRemaining()) {
        byte kind = record.get();
        byte[] content = new byte[record.getInt()];
        record.get(content);
        switch (kind) {
          case PUT -> {
            StoredLease lease = StoredLease.parseFrom(content);
            leases.put(lease.getLeaseId(), lease);
          }
          case REMOVE -> leases.remove(new String(content, UTF_8));
          default ->
              throw new GatewayException(
                  "lease store %s has an entry of kind %d: a newer gateway wrote it"
                      .formatted(file, kind));
        }
      }
    } catch (InvalidProtocolBufferException e) {
      throw new GatewayException("lease store " + file + ": " + e.getMessage(), e);
    }
  }

  @Override
  public Collection<StoredLease> load() {
    return List.copyOf(leases.values());
  }

  /** Nothing to keep is a question whether the store can be written, which a failed one answers. */
  @Override
  public void update(Collection<StoredLease> put, Collection<String> removed) throws IOException {
    if (channel == null || (endBytes > REWRITE_BYTES && endBytes > 4 * liveBytes)) {
      rewrite();
    }
    append(put, removed);
    for (StoredLease lease : put) {
      leases.put(lease.getLeaseId(), lease);
    }
    removed.forEach(leases::remove);
  }

  private void append(Collection<StoredLease> put, Collection<String> removed) throws IOException {
    FileChannel channel = this.channel;
    if (channel == null) {
      throw new IOException("lease store " + file + " is closed");
    }
    try {
      long at = endBytes;
      for (StoredLease lease : put) {
        at = write(channel, at, record(PUT, lease.toByteArray()));
      }
      for (String leaseId : removed) {
        at = write(channel, at, record(REMOVE, leaseId.getBytes(UTF_8)));
      }
      channel.force(false);
      endBytes = at;
    } catch (IOException e) {
      // What reached the disk of it must not count later.
      reopenLater(channel, e);
      throw e;
    }
  }

  private static long write(FileChannel channel, long at, byte[] record) throws IOException {
    ByteBuffer rest = ByteBuffer.wrap(record);
    long end = at;
    while (rest.hasRemaining()) {
      end += channel.write(rest, end);
    }
    return end;
  }

  /** The next update writes the file anew, and so without the part that failed. */
  private void reopenLater(FileChannel failed, IOException cause) {
    channel = null;
    try {
      failed.truncate(endBytes);
      failed.force(true);
    } catch (IOException e) {
      cause.addSuppressed(e);
    }
    try {
      failed.close();
    } catch (IOException e) {
      cause.addSuppressed(e);
    }
  }

  private void rewrite() throws IOException {
    DurableFiles.write(
        file,
        out -> {
          out.write(MAGIC);
          for (StoredLease lease : leases.values()) {
            out.write(record(PUT, lease.toByteArray()));
          }
        });
    FileChannel old = channel;
    channel = FileChannel.open(file, StandardOpenOption.WRITE);
    endBytes = channel.size();
    liveBytes = endBytes;
    if (old != null) {
      old.close();
    }
  }

  private static byte[] record(byte kind, byte[] content) {
    byte[] entry =
        ByteBuffer.allocate(ENTRY_HEAD_BYTES + content.length)
            .put(kind)
            .putInt(content.length)
            .put(content)
            .array();
    return ByteBuffer.allocate(HEAD_BYTES + entry.length)
        .putInt(entry.length)
        .putInt(Hashing.crc32c().hashBytes(entry).asInt())
        .put(entry)
        .array();
  }

  @Override
  public void close() throws IOException {
    FileChannel open = channel;
    channel = null;
    if (open != null) {
      open.close();
    }
  }
}
