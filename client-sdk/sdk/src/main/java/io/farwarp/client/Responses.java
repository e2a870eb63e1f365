package io.farwarp.client;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.farwarp.rdma.CompletionHandler;
import io.farwarp.rdma.WriteStatus;
import io.farwarp.wire.MessageKind;
import io.farwarp.wire.Status;
import io.farwarp.wire.Wire;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Reads what the worker sends, checks every field, and tells the engine. Runs on the polling thread
 * with the engine's lock held; allocates nothing for a completion that is OK.
 */
final class Responses implements CompletionHandler {
  private final SessionEngine engine;

  Responses(SessionEngine engine) {
    this.engine = engine;
  }

  @Override
  public void message(MemorySegment buffer, long offsetBytes, int lengthBytes) {
    engine.heard();
    if (lengthBytes < Wire.HEADER_BYTES) {
      engine.lose(
          Status.PROTOCOL_ERROR,
          "the worker sent a message of %d bytes; a header has %d"
              .formatted(lengthBytes, Wire.HEADER_BYTES));
      return;
    }
    byte kind = buffer.get(Wire.U8, offsetBytes + Wire.KIND);
    switch (kind) {
      case MessageKind.COMPLETION -> completion(buffer, offsetBytes, lengthBytes);
      case MessageKind.ENDED -> ended(buffer, offsetBytes, lengthBytes);
      case MessageKind.KEEP_ALIVE -> {
        if ((buffer.get(Wire.U8, offsetBytes + Wire.FLAGS) & Wire.KEEP_ALIVE_ANSWER) != 0) {
          engine.signOfLifeAsked();
        }
      }
      default ->
          engine.lose(Status.PROTOCOL_ERROR, "the worker sent a message of unknown kind " + kind);
    }
  }

  private void completion(MemorySegment buffer, long at, int lengthBytes) {
    int slot = buffer.get(Wire.U32, at + Wire.RESPONSE_SLOT);
    long id = buffer.get(Wire.I64, at + Wire.RESPONSE_INVOCATION_ID);
    int code = Short.toUnsignedInt(buffer.get(Wire.U16, at + Wire.RESPONSE_STATUS));
    long queueNs = buffer.get(Wire.I64, at + Wire.RESPONSE_QUEUE_NS);
    long copyInNs = buffer.get(Wire.I64, at + Wire.RESPONSE_COPY_IN_NS);
    long kernelNs = buffer.get(Wire.I64, at + Wire.RESPONSE_KERNEL_NS);
    long copyOutNs = buffer.get(Wire.I64, at + Wire.RESPONSE_COPY_OUT_NS);
    Status status = Status.ofCode(code);
    if (status.code() != code) {
      engine.lose(Status.PROTOCOL_ERROR, "the worker completed with unknown status " + code);
      return;
    }
    if ((queueNs | copyInNs | kernelNs | copyOutNs) < 0) {
      engine.lose(Status.PROTOCOL_ERROR, "the worker completed with a negative time");
      return;
    }
    int detailBytes = buffer.get(Wire.U32, at + Wire.RESPONSE_DETAIL_BYTES);
    if (!detailFits(detailBytes, lengthBytes)) {
      return;
    }
    String detail = detailBytes == 0 ? "" : detail(buffer, at, detailBytes);
    engine.completed(slot, id, status, detail, queueNs, copyInNs, kernelNs, copyOutNs);
  }

  private void ended(MemorySegment buffer, long at, int lengthBytes) {
    int code = Short.toUnsignedInt(buffer.get(Wire.U16, at + Wire.RESPONSE_STATUS));
    int detailBytes = buffer.get(Wire.U32, at + Wire.RESPONSE_DETAIL_BYTES);
    Status status = Status.ofCode(code);
    if (status.code() != code || status == Status.OK) {
      engine.lose(Status.PROTOCOL_ERROR, "the worker ended the session with status " + code);
    } else if (detailFits(detailBytes, lengthBytes)) {
      engine.lose(status, detail(buffer, at, detailBytes));
    }
  }

  private boolean detailFits(int detailBytes, int lengthBytes) {
    if (detailBytes < 0
        || detailBytes > Wire.MAX_DETAIL_BYTES
        || detailBytes > lengthBytes - Wire.HEADER_BYTES) {
      engine.lose(
          Status.PROTOCOL_ERROR,
          "the worker sent a text of %d bytes in a message of %d"
              .formatted(detailBytes, lengthBytes));
      return false;
    }
    return true;
  }

  private static String detail(MemorySegment buffer, long at, int bytes) {
    byte[] text = buffer.asSlice(at + Wire.HEADER_BYTES, bytes).toArray(ValueLayout.JAVA_BYTE);
    return new String(text, UTF_8);
  }

  @Override
  public void written(long workRequestId, WriteStatus status) {
    engine.written(status);
  }

  @Override
  public void disconnected(String reason) {
    engine.disconnected(reason);
  }
}
