package io.farwarp.gateway;

import io.farwarp.v1.StoredLease;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collection;

/**
 * Keeps ACTIVE leases over a restart of the gateway. One thread at a time.
 *
 * <p>A method that throws has changed nothing, and may be tried again.
 */
interface LeaseStore extends AutoCloseable {
  /** All that is kept. */
  Collection<StoredLease> load();

  /**
   * Keeps {@code put} and drops {@code removed}; safe from loss of power on return. A crash before
   * that leaves each of these leases as it was or as it was to be.
   */
  void update(Collection<StoredLease> put, Collection<String> removed) throws IOException;

  @Override
  void close() throws IOException;

  /** Opens the store of a gateway in its data directory. */
  @FunctionalInterface
  interface Opener {
    LeaseStore open(Path directory) throws IOException, GatewayException;
  }
}
