package io.farwarp.executor.worker;

import com.google.protobuf.CodedInputStream;
import io.farwarp.v1.WorkerCommand;
import io.farwarp.v1.WorkerEvent;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import org.jspecify.annotations.Nullable;

/**
 * The pipes between an agent and a worker process, as a worker or its agent uses them:
 * length-delimited messages, none larger than {@link #MAX_MESSAGE_BYTES}. Reading is for one
 * thread, writing for any.
 */
public final class ControlChannel {
  /** A manifest takes most of the largest message. */
  public static final int MAX_MESSAGE_BYTES = 4 << 20;

  private final InputStream in;
  private final OutputStream out;

  public ControlChannel(InputStream in, OutputStream out) {
    this.in = in;
    this.out = out;
  }

  /** The agent's next command; null at the end of the stream. */
  public @Nullable WorkerCommand readCommand() throws IOException {
    byte[] message = read();
    return message == null ? null : WorkerCommand.parseFrom(message);
  }

  /** The worker's next event; null at the end of the stream. */
  public @Nullable WorkerEvent readEvent() throws IOException {
    byte[] message = read();
    return message == null ? null : WorkerEvent.parseFrom(message);
  }

  private byte @Nullable [] read() throws IOException {
    int first = in.read();
    if (first < 0) {
      return null;
    }
    int length = CodedInputStream.readRawVarint32(first, in);
    if (length < 0 || length > MAX_MESSAGE_BYTES) {
      throw new IOException(
          "a control message of %d bytes; the limit is %d".formatted(length, MAX_MESSAGE_BYTES));
    }
    byte[] message = in.readNBytes(length);
    if (message.length < length) {
      throw new IOException("a control message ends early");
    }
    return message;
  }

  public void write(WorkerCommand command) throws IOException {
    synchronized (out) {
      command.writeDelimitedTo(out);
      out.flush();
    }
  }

  public void write(WorkerEvent event) throws IOException {
    synchronized (out) {
      event.writeDelimitedTo(out);
      out.flush();
    }
  }
}
