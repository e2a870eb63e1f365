package io.farwarp.rdma.verbs;

import java.io.IOException;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;

/**
 * A peer that posts what it likes: what is between it and the listener's memory is the device. It
 * has no part in the rules of a queue pair beyond the opening.
 */
public interface RawPeer extends AutoCloseable {
  /** An address and the key that its owner has given out for it. */
  record Place(long address, int key) {
    Place plus(long bytes) {
      return new Place(address + bytes, key);
    }

    Place withKey(int other) {
      return new Place(address, other);
    }
  }

  /** What may be posted. */
  enum Request {
    WRITE,
    WRITE_WITH_IMMEDIATE,
    SEND
  }

  /** Loaded beside DiSNI, and connected to a listener. */
  static RawPeer connect(String address) throws IOException {
    ClassLoader beside = DisniRuntime.transport().getClass().getClassLoader();
    try {
      Constructor<? extends RawPeer> constructor =
          Class.forName("io.farwarp.rdma.verbs.disni.DisniRawPeer", true, beside)
              .asSubclass(RawPeer.class)
              .getConstructor(String.class);
      return constructor.newInstance(address);
    } catch (InvocationTargetException e) {
      throw e.getCause() instanceof IOException reason ? reason : new IOException(e.getCause());
    } catch (ReflectiveOperationException e) {
      throw new IOException(e);
    }
  }

  /** Goes through the opening as an honest peer does; what it was granted follows. */
  void open() throws IOException;

  /** Where the listener's side has its ring. */
  Place ring();

  /** Where the window begins. */
  Place window();

  /** Of memory of this peer's own, which it exposes. */
  Place own();

  /**
   * Posts a request and waits for its end.
   *
   * @param immediate of a write with one; else nothing
   * @return the name of the status of its completion, IBV_WC_SUCCESS for one that was carried out
   */
  String post(Request request, Place target, int lengthBytes, int immediate) throws IOException;

  /** Sends bytes of the opening. */
  void send(byte[] bytes) throws IOException;

  /** Waits until the listener has ended the connection. */
  void awaitEnd() throws IOException;

  @Override
  void close() throws IOException;
}
