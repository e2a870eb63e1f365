package io.farwarp.gateway.book;

import com.google.protobuf.ByteString;
import io.farwarp.v1.FunctionVersion;
import io.farwarp.v1.LeaseFunction;
import io.farwarp.v1.PreparedFunction;

/**
 * One function of one lease: its number, and how far its preparation is. Without its manifest,
 * which the function registry keeps.
 */
public final class FunctionSlot {
  enum Phase {
    /** To be asked of the agent. */
    WANTED,
    /** Asked. */
    PENDING,
    READY
  }

  final int id;
  final FunctionVersion version;
  Phase phase = Phase.WANTED;
  long loadMs;
  long warmMs;

  FunctionSlot(int id, FunctionVersion version) {
    this.id = id;
    this.version = version.toBuilder().clearManifest().build();
  }

  public int id() {
    return id;
  }

  ByteString digest() {
    return version.getDigest();
  }

  String name() {
    return version.getName() + ":" + version.getVersion();
  }

  public boolean ready() {
    return phase == Phase.READY;
  }

  public LeaseFunction toLeaseFunction() {
    return LeaseFunction.newBuilder().setFunctionId(id).setVersion(version).build();
  }

  public PreparedFunction toPreparedFunction() {
    return PreparedFunction.newBuilder()
        .setFunctionId(id)
        .setVersion(version)
        .setLoadMs(loadMs)
        .setWarmMs(warmMs)
        .build();
  }
}
