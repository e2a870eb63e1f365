package io.farwarp.client;

/** A push or a pull of one tensor, without a launch. */
public final class Transfer extends Posted<Transfer> {
  Transfer(SessionEngine engine, WorkRequest request) {
    super(engine, request);
  }

  @Override
  Transfer self() {
    return this;
  }
}
