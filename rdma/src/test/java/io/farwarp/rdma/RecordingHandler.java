package io.farwarp.rdma;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Keeps all that a queue pair hands over, in order. */
public final class RecordingHandler implements CompletionHandler {
  public record Written(long workRequestId, WriteStatus status) {}

  public final List<byte[]> messages = new ArrayList<>();
  public final List<Written> written = new ArrayList<>();
  public @Nullable String disconnected;
  public int disconnects;

  @Override
  public void message(MemorySegment buffer, long offsetBytes, int lengthBytes) {
    requireOpen();
    messages.add(buffer.asSlice(offsetBytes, lengthBytes).toArray(JAVA_BYTE));
  }

  @Override
  public void written(long workRequestId, WriteStatus status) {
    requireOpen();
    written.add(new Written(workRequestId, status));
  }

  @Override
  public void disconnected(String reason) {
    disconnected = reason;
    disconnects++;
  }

  private void requireOpen() {
    if (disconnects > 0) {
      throw new AssertionError("an event after disconnected");
    }
  }

  public String text(int index) {
    return new String(messages.get(index), UTF_8);
  }
}
