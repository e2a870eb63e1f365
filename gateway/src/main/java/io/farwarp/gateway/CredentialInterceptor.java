package io.farwarp.gateway;

import io.farwarp.v1.AdminServiceGrpc;
import io.farwarp.v1.FleetServiceGrpc;
import io.farwarp.v1.FunctionServiceGrpc;
import io.farwarp.v1.LeaseServiceGrpc;
import io.farwarp.wire.Status;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.StatusRuntimeException;
import java.net.InetSocketAddress;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Lets a call through when its {@code authorization: Bearer} token is known, its role may make such
 * calls, and the caller has not too many open; the handler finds the {@link Caller} in the context.
 * Health and reflection are open to all. A health check is always let through; the streams of those
 * who show no credential are limited by address, and all together.
 */
final class CredentialInterceptor implements ServerInterceptor {
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
  private static final String SCHEME = "Bearer ";

  /** In place of a name, for the streams of all who show no credential. */
  private static final String EVERYBODY = "everybody without a credential";

  private static final Set<Caller.Role> TENANT = EnumSet.of(Caller.Role.TENANT);
  private static final Set<Caller.Role> TENANT_OR_OPERATOR =
      EnumSet.of(Caller.Role.TENANT, Caller.Role.OPERATOR);

  /** By full method name, else by service name; a service of ours that is not here is closed. */
  private static final Map<String, Set<Caller.Role>> ALLOWED =
      Map.of(
          LeaseServiceGrpc.SERVICE_NAME,
          TENANT_OR_OPERATOR,
          LeaseServiceGrpc.getAcquireMethod().getFullMethodName(),
          TENANT,
          FunctionServiceGrpc.SERVICE_NAME,
          TENANT,
          FunctionServiceGrpc.getFetchMethod().getFullMethodName(),
          EnumSet.of(Caller.Role.TENANT, Caller.Role.AGENT),
          FleetServiceGrpc.SERVICE_NAME,
          EnumSet.of(Caller.Role.AGENT),
          AdminServiceGrpc.SERVICE_NAME,
          EnumSet.of(Caller.Role.OPERATOR),
          AdminServiceGrpc.getListLeasesMethod().getFullMethodName(),
          TENANT_OR_OPERATOR,
          AdminServiceGrpc.getListExecutorsMethod().getFullMethodName(),
          TENANT_OR_OPERATOR,
          AdminServiceGrpc.getListTenantsMethod().getFullMethodName(),
          TENANT_OR_OPERATOR);

  private final Credentials credentials;
  private final CallerLimit anyone;
  private final CallerLimit addresses;
  private final CallerLimit agents;
  private final CallerLimit others;

  CredentialInterceptor(Credentials credentials, CallLimits limits) {
    this.credentials = credentials;
    this.anyone = new CallerLimit(limits.anyone());
    this.addresses = new CallerLimit(limits.address());
    this.agents = new CallerLimit(limits.agent());
    this.others = new CallerLimit(limits.other());
  }

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    MethodDescriptor<Q, A> method = call.getMethodDescriptor();
    String service = String.valueOf(method.getServiceName());
    try {
      if (service.startsWith("grpc.")) {
        return open(call, () -> next.startCall(call, headers));
      }
      Caller caller = authenticate(headers.get(AUTHORIZATION));
      authorize(caller, service, method.getFullMethodName());
      return counted(
          caller.role() == Caller.Role.AGENT ? agents : others,
          caller.name(),
          () ->
              Contexts.interceptCall(
                  Context.current().withValue(Caller.KEY, caller), call, headers, next));
    } catch (Refusal e) {
      StatusRuntimeException refused = e.toGrpc();
      Metadata trailers = refused.getTrailers();
      call.close(refused.getStatus(), trailers == null ? new Metadata() : trailers);
      return new ServerCall.Listener<>() {};
    }
  }

  /** A call of a service that is open to all. One answer is owed soon and costs little. */
  private <Q> ServerCall.Listener<Q> open(
      ServerCall<Q, ?> call, Supplier<ServerCall.Listener<Q>> start) throws Refusal {
    if (call.getMethodDescriptor().getType() == MethodDescriptor.MethodType.UNARY) {
      return start.get();
    }
    String address =
        call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR)
                instanceof InetSocketAddress remote
            ? remote.getAddress().getHostAddress()
            : "";
    return counted(addresses, address, () -> counted(anyone, EVERYBODY, start::get));
  }

  private interface Start<Q> {
    ServerCall.Listener<Q> call() throws Refusal;
  }

  /** Counts a call until it is over. */
  private static <Q> ServerCall.Listener<Q> counted(CallerLimit limit, String name, Start<Q> start)
      throws Refusal {
    if (!limit.enter(name)) {
      throw Refusal.of(
          Status.RESOURCE_EXHAUSTED,
          "\"%s\" has %d calls open, which is the limit: end some, or try later"
              .formatted(name, limit.most()));
    }
    boolean started = false;
    try {
      ServerCall.Listener<Q> listener = start.call();
      started = true;
      return new SimpleForwardingServerCallListener<>(listener) {
        @Override
        public void onComplete() {
          limit.leave(name);
          super.onComplete();
        }

        @Override
        public void onCancel() {
          limit.leave(name);
          super.onCancel();
        }
      };
    } finally {
      if (!started) {
        limit.leave(name);
      }
    }
  }

  private Caller authenticate(@Nullable String header) throws Refusal {
    if (header == null || !header.startsWith(SCHEME)) {
      throw Refusal.of(
          Status.UNAUTHENTICATED,
          "no credential: pass --token-file or set FARWARP_TOKEN_FILE to a token of this gateway");
    }
    Caller caller = credentials.caller(header.substring(SCHEME.length()));
    if (caller == null) {
      throw Refusal.of(
          Status.UNAUTHENTICATED,
          "this gateway does not know the credential: check that the token file is of its data"
              + " directory");
    }
    return caller;
  }

  private static void authorize(Caller caller, String service, String method) throws Refusal {
    Set<Caller.Role> allowed =
        ALLOWED.getOrDefault(method, ALLOWED.getOrDefault(service, Set.of()));
    if (!allowed.contains(caller.role())) {
      throw Refusal.denied(
          "%s takes a credential of role %s; \"%s\" is of role %s"
              .formatted(
                  method,
                  String.join(" or ", allowed.stream().map(CredentialInterceptor::text).toList()),
                  caller.name(),
                  text(caller.role())));
    }
  }

  private static String text(Caller.Role role) {
    return role.name().toLowerCase(Locale.ROOT);
  }
}
