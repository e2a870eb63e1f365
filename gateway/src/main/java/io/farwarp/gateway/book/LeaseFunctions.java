package io.farwarp.gateway.book;

import io.farwarp.gateway.book.FunctionSlot.Phase;
import io.farwarp.v1.FunctionPrepared;
import io.farwarp.v1.LeasePrepared;
import io.farwarp.wire.Status;
import org.jspecify.annotations.Nullable;

/** The book's part that numbers the functions of leases and follows their preparation. */
final class LeaseFunctions {
  record Failure(Status status, String reason) {}

  private final LeaseBook book;

  LeaseFunctions(LeaseBook book) {
    this.book = book;
  }

  void prepare(@Nullable Lease lease, Command.PrepareFunction c) {
    if (lease == null || !lease.usable()) {
      book.refuseNotActive(c.leaseId(), lease);
      return;
    }
    FunctionSlot slot = lease.function(c.version().getDigest());
    if (slot == null) {
      if (lease.functions.size() >= Lease.MAX_FUNCTIONS) {
        book.refuse(
            Status.RESOURCE_EXHAUSTED,
            "lease %s has %d functions already, which is the limit"
                .formatted(lease.id, Lease.MAX_FUNCTIONS));
        return;
      }
      slot = lease.allot(c.version());
    }
    book.emit(new Event.FunctionAllotted(lease.id, slot.id));
    Slice slice = lease.slice;
    switch (slot.phase) {
      case READY -> book.emit(new Event.FunctionReady(lease.id, slot.id));
      case PENDING -> {}
      case WANTED -> {
        if (slice != null) {
          slot.phase = Phase.PENDING;
          book.emit(new Event.PrepareFunction(slice.executorId(), lease.id, slot.id));
        }
      }
    }
  }

  void answered(@Nullable Lease lease, FunctionPrepared answer) {
    FunctionSlot slot = lease == null ? null : lease.function(answer.getFunctionId());
    if (lease == null || slot == null || !lease.usable()) {
      return;
    }
    if (answer.getError().isEmpty()) {
      ready(slot, answer);
      book.loaded(lease, slot);
      book.emit(new Event.FunctionReady(lease.id, slot.id));
    } else if (slot.phase != Phase.READY) {
      slot.phase = Phase.WANTED;
      book.emit(
          new Event.FunctionFailed(
              lease.id,
              slot.id,
              statusOf(answer.getStatus(), Status.UNSUPPORTED_CODE),
              answer.getError()));
    }
  }

  private static void ready(FunctionSlot slot, FunctionPrepared answer) {
    slot.phase = Phase.READY;
    slot.loadMs = answer.getLoadMs();
    slot.warmMs = answer.getWarmMs();
  }

  /** What a lease's agent says of the functions that came with it; null: all can be invoked. */
  static @Nullable Failure takeOver(Lease lease, LeasePrepared answer) {
    for (FunctionPrepared function : answer.getFunctionsList()) {
      FunctionSlot slot = lease.function(function.getFunctionId());
      if (slot == null) {
        continue;
      }
      if (!function.getError().isEmpty()) {
        return new Failure(
            statusOf(function.getStatus(), Status.UNSUPPORTED_CODE),
            "function %s cannot be prepared: %s".formatted(slot.name(), function.getError()));
      }
      ready(slot, function);
    }
    for (FunctionSlot slot : lease.functions) {
      if (slot.phase != Phase.READY) {
        return new Failure(
            Status.PROTOCOL_ERROR, "the executor said nothing of function " + slot.name());
      }
    }
    return null;
  }

  /** The status that a peer named; {@code otherwise} if there is none of that name. */
  static Status statusOf(String name, Status otherwise) {
    for (Status status : Status.values()) {
      if (status != Status.OK && status.name().equals(name)) {
        return status;
      }
    }
    return otherwise;
  }
}
