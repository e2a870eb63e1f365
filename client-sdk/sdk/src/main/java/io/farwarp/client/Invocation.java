package io.farwarp.client;

/** One call of a function, posted to the worker. */
public final class Invocation extends Posted<Invocation> {
  Invocation(SessionEngine engine, WorkRequest request) {
    super(engine, request);
  }

  @Override
  Invocation self() {
    return this;
  }
}
