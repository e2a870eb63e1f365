package io.farwarp.rdma.linux;

import java.io.IOException;

/**
 * Ends the waits of every thread that polls it beside its own descriptor; once cancelled it stays
 * so. {@link #cancel} is for any thread; close only when nobody polls it.
 */
public final class Cancellation implements AutoCloseable {
  private final EventFd event;

  public Cancellation() throws IOException {
    event = new EventFd();
  }

  public int descriptor() {
    return event.descriptor();
  }

  public void cancel() {
    event.signal();
  }

  @Override
  public void close() throws IOException {
    event.close();
  }
}
