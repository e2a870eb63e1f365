package io.farwarp.client;

/**
 * The way that a session's tensors take, and why this one.
 *
 * @param transport "shm", "tcp" or "verbs"
 * @param address socket path, or host:port
 * @param reason one line for people: also what spoke against the ones before it
 */
public record DataPath(String transport, String address, String reason) {
  @Override
  public String toString() {
    return "%s (%s)".formatted(transport, reason);
  }
}
