package io.farwarp.rdma;

/** How a posted write ended. */
public enum WriteStatus {
  /** The source may be reused, and the peer will see the bytes before any message posted later. */
  OK,
  /** The peer's memory is not (or no longer) open to this write. */
  REMOTE_ACCESS_ERROR,
  /** The connection ended first; whether the bytes arrived is unknown. */
  FLUSHED
}
