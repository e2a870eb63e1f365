package io.farwarp.gateway;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.common.hash.Hashing;
import com.google.protobuf.InvalidProtocolBufferException;
import io.farwarp.v1.StoredLease;
import java.io.ByteArrayOutputStream;
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
 * A {@link LeaseStore} in one file: a log of changes, each update one record (length, CRC-32C,
 * content), written anew when most of it is out of date.
 *
 * <p>A record is whole or does not count: a crash in the middle of a write loses that update only,
 * which no one has been told of.
 */
final class LeaseLog implements LeaseStore {
  private static final System.Logger LOG = System.getLogger(LeaseLog.class.getName());
  private static final byte[] MAGIC = "FWLEASE1".getBytes(US_ASCII);
  private static final int HEAD_BYTES = 8;
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
      log.replay(Files.readAllBytes(file));
    }
    log.rewrite();
    return log;
  }

  private void replay(byte[] bytes) throws GatewayException {
    ByteBuffer in = ByteBuffer.wrap(bytes);
    byte[] magic = new byte[MAGIC.length];
    if (in.remaining() >= magic.length) {
      in.get(magic);
    }
    if (!Arrays.equals(magic, MAGIC)) {
      throw new GatewayException(
          "lease store " + file + " is not one, or damaged: move it away to start without leases");
    }
    while (in.hasRemaining()) {
      int start = in.position();
      byte @Nullable [] record = next(in);
      if (record == null) {
        LOG.log(
            Level.WARNING,
            "lease store {0}: {1} bytes at its end were not completely written and are dropped",
            file,
            Long.toString(bytes.length - (long) start));
        return;
      }
      apply(ByteBuffer.wrap(record));
    }
  }

  private static byte @Nullable [] next(ByteBuffer in) {
    if (in.remaining() < HEAD_BYTES) {
      return null;
    }
    int length = in.getInt();
    int crc = in.getInt();
    if (length < 0 || length > in.remaining()) {
      return null;
    }
    byte[] record = new byte[length];
    in.get(record);
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

  @Override
  public void update(Collection<StoredLease> put, Collection<String> removed) throws IOException {
    byte[] record = record(put, removed);
    if (channel == null || (endBytes > REWRITE_BYTES && endBytes > 4 * liveBytes)) {
      rewrite();
    }
    append(record);
    for (StoredLease lease : put) {
      leases.put(lease.getLeaseId(), lease);
    }
    removed.forEach(leases::remove);
  }

  private void append(byte[] record) throws IOException {
    FileChannel channel = this.channel;
    if (channel == null) {
      throw new IOException("lease store " + file + " is closed");
    }
    try {
      ByteBuffer rest = ByteBuffer.wrap(framed(record));
      long at = endBytes;
      while (rest.hasRemaining()) {
        at += channel.write(rest, at);
      }
      channel.force(false);
      endBytes = at;
    } catch (IOException e) {
      // What reached the disk of it must not count later.
      reopenLater(channel, e);
      throw e;
    }
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
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(MAGIC);
    for (StoredLease lease : leases.values()) {
      out.writeBytes(framed(record(List.of(lease), List.of())));
    }
    DurableFiles.write(file, out.toByteArray());
    FileChannel old = channel;
    channel = FileChannel.open(file, StandardOpenOption.WRITE);
    endBytes = out.size();
    liveBytes = out.size();
    if (old != null) {
      old.close();
    }
  }

  private static byte[] record(Collection<StoredLease> put, Collection<String> removed)
      throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (StoredLease lease : put) {
      entry(out, PUT, lease.toByteArray());
    }
    for (String leaseId : removed) {
      entry(out, REMOVE, leaseId.getBytes(UTF_8));
    }
    if (out.size() > MAX_RECORD_BYTES) {
      throw new IOException("an update of " + out.size() + " bytes; at most " + MAX_RECORD_BYTES);
    }
    return out.toByteArray();
  }

  private static void entry(ByteArrayOutputStream out, byte kind, byte[] content) {
    out.write(kind);
    out.writeBytes(ByteBuffer.allocate(4).putInt(content.length).array());
    out.writeBytes(content);
  }

  private static byte[] framed(byte[] record) {
    return ByteBuffer.allocate(HEAD_BYTES + record.length)
        .putInt(record.length)
        .putInt(Hashing.crc32c().hashBytes(record).asInt())
        .put(record)
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
