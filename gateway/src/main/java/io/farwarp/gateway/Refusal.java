package io.farwarp.gateway;

import io.farwarp.wire.Status;
import io.grpc.Metadata;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import java.io.Serial;
import org.jspecify.annotations.Nullable;

/** A call is answered with an error: a gRPC code, a sentence for people and Farwarp's status. */
final class Refusal extends Exception {
  @Serial private static final long serialVersionUID = 1;

  /** Trailer that carries the name of the {@link Status}. */
  static final Metadata.Key<String> STATUS_KEY =
      Metadata.Key.of("farwarp-status", Metadata.ASCII_STRING_MARSHALLER);

  /** Longer ones would not fit the headers that a client takes, and be lost as a whole. */
  private static final int MAX_DESCRIPTION = 2048;

  private final Code code;
  private final @Nullable Status status;

  Refusal(Code code, @Nullable Status status, String message) {
    super(message);
    this.code = code;
    this.status = status;
  }

  Refusal(Code code, @Nullable Status status, String message, Throwable cause) {
    super(message, cause);
    this.code = code;
    this.status = status;
  }

  static Refusal of(Status status, String message) {
    return new Refusal(codeOf(status), status, message);
  }

  static Refusal invalid(String message) {
    return of(Status.INVALID_ARGUMENT, message);
  }

  static Refusal invalid(String message, Throwable cause) {
    return new Refusal(Code.INVALID_ARGUMENT, Status.INVALID_ARGUMENT, message, cause);
  }

  static Refusal denied(String message) {
    return of(Status.PERMISSION_DENIED, message);
  }

  static Refusal notFound(String message) {
    return new Refusal(Code.NOT_FOUND, null, message);
  }

  static Refusal unavailable(String message) {
    return new Refusal(Code.UNAVAILABLE, null, message);
  }

  Code code() {
    return code;
  }

  StatusRuntimeException toGrpc() {
    Metadata trailers = new Metadata();
    if (status != null) {
      trailers.put(STATUS_KEY, status.name());
    }
    String message = String.valueOf(getMessage());
    return io.grpc.Status.fromCode(code)
        .withDescription(
            message.length() <= MAX_DESCRIPTION ? message : message.substring(0, MAX_DESCRIPTION))
        .withCause(this)
        .asRuntimeException(trailers);
  }

  private static Code codeOf(Status status) {
    return switch (status) {
      case OK -> Code.OK;
      case CANCELLED -> Code.CANCELLED;
      case DEADLINE_EXCEEDED -> Code.DEADLINE_EXCEEDED;
      case INVALID_ARGUMENT -> Code.INVALID_ARGUMENT;
      case OUT_OF_RANGE -> Code.OUT_OF_RANGE;
      case UNKNOWN_FUNCTION -> Code.NOT_FOUND;
      case RESOURCE_EXHAUSTED -> Code.RESOURCE_EXHAUSTED;
      case UNAUTHENTICATED -> Code.UNAUTHENTICATED;
      case PERMISSION_DENIED -> Code.PERMISSION_DENIED;
      case ALREADY_CONNECTED -> Code.ALREADY_EXISTS;
      case UNSUPPORTED_CODE,
          NO_BINARY_FOR_DEVICE,
          INVALID_LAUNCH,
          LEASE_EXPIRED,
          LEASE_REVOKED,
          LEASE_RELEASED,
          WORKER_LOST,
          VERSION_MISMATCH,
          ILLEGAL_ADDRESS,
          MISALIGNED_ADDRESS,
          DEVICE_FAULT ->
          Code.FAILED_PRECONDITION;
      case LINK_BROKEN -> Code.UNAVAILABLE;
      case PROTOCOL_ERROR -> Code.INVALID_ARGUMENT;
      case INTERNAL -> Code.INTERNAL;
    };
  }
}
