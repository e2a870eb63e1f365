package io.farwarp.client;

import io.farwarp.function.FunctionSpec;
import io.farwarp.function.ParameterSpec;
import java.time.Duration;
import java.util.List;

/** A function that is ready on a session's worker. Any thread. */
public final class RemoteFunction {
  private final Session session;
  private final FunctionSpec spec;
  private final int functionId;
  private final Duration deadline;

  RemoteFunction(Session session, FunctionSpec spec, int functionId, Duration deadline) {
    this.session = session;
    this.spec = spec;
    this.functionId = functionId;
    this.deadline = deadline;
  }

  /** "name:version". */
  public String name() {
    return spec.name() + ":" + spec.version();
  }

  /** The manifest, checked and compiled. */
  public FunctionSpec spec() {
    return spec;
  }

  public List<ParameterSpec> parameters() {
    return spec.parameters();
  }

  public Session session() {
    return session;
  }

  /** What each of its calls may take. */
  public Duration deadline() {
    return deadline;
  }

  /** The same function, whose calls may take {@code limit}. */
  public RemoteFunction deadline(Duration limit) {
    SessionOptions.checkDeadline(limit);
    return new RemoteFunction(session, spec, functionId, limit);
  }

  /**
   * Calls it: pushes what it reads, posts the launch and returns. Where all slots of the session
   * are taken it waits for one, until the deadline.
   *
   * @throws ArgumentException the arguments do not fit; nothing was sent
   * @throws SessionLostException the session has ended
   */
  public Invocation invoke(Argument... arguments) {
    WorkRequest request = build(arguments, true);
    session.engine().post(request, deadline.toNanos());
    return new Invocation(session.engine(), request);
  }

  /** A call that is built once and posted many times, without allocation. */
  public PreparedInvocation prepare(Argument... arguments) {
    return new PreparedInvocation(session.engine(), build(arguments, false));
  }

  private WorkRequest build(Argument[] arguments, boolean timed) {
    return new CallBuilder(session, spec, functionId, arguments).build(timed);
  }

  @Override
  public String toString() {
    return name() + " on " + session;
  }
}
