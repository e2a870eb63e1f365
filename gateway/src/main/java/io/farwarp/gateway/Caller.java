package io.farwarp.gateway;

import io.grpc.Context;

/** Who makes a call, as its credential says; for a tenant {@code name} is the tenant. */
record Caller(String name, Role role) {
  enum Role {
    TENANT,
    AGENT,
    OPERATOR
  }

  static final Context.Key<Caller> KEY = Context.key("farwarp-caller");

  /** The caller of the call that this thread handles. */
  static Caller current() {
    Caller caller = KEY.get();
    if (caller == null) {
      throw new IllegalStateException("a call got past the check of its credential");
    }
    return caller;
  }

  boolean operator() {
    return role == Role.OPERATOR;
  }
}
