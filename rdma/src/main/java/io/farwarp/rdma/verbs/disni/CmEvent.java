package io.farwarp.rdma.verbs.disni;

import java.io.IOException;

/**
 * What rdma_cm(7) tells of an id.
 *
 * @param id the address of the id it is about; of a {@code CONNECT_REQUEST}, a new one
 * @param context the address of the device that it is bound to; 0: none yet
 * @param status 0, or why, as errno or as a reason of the peer's
 * @param peerIpv4 the peer's address as a number; 0: not known
 */
record CmEvent(long id, long context, Type type, int status, int peerIpv4) {
  /** In the order of enum rdma_cm_event_type. */
  enum Type {
    ADDR_RESOLVED,
    ADDR_ERROR,
    ROUTE_RESOLVED,
    ROUTE_ERROR,
    CONNECT_REQUEST,
    CONNECT_RESPONSE,
    CONNECT_ERROR,
    UNREACHABLE,
    REJECTED,
    ESTABLISHED,
    DISCONNECTED,
    DEVICE_REMOVAL,
    MULTICAST_JOIN,
    MULTICAST_ERROR,
    ADDR_CHANGE,
    TIMEWAIT_EXIT;

    private static final Type[] ALL = values();

    static Type of(int number) throws IOException {
      if (number < 0 || number >= ALL.length) {
        throw new IOException("rdma_cm event number " + number + " is unknown");
      }
      return ALL[number];
    }
  }
}
