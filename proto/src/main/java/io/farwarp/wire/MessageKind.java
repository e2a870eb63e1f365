package io.farwarp.wire;

/** First byte of every message of a session; docs/protocol.md says what follows it. */
public final class MessageKind {
  private MessageKind() {}

  /** Client: run a function; answered by exactly one COMPLETION. */
  public static final byte INVOKE = 1;

  /** Client: answer with a COMPLETION when all that was written before has arrived. */
  public static final byte FENCE = 2;

  /**
   * Client: bring window ranges up to date, write those marked RETURN to its regions, then answer
   * with a COMPLETION.
   */
  public static final byte PULL = 3;

  /** Client: end the invocation named by slot and id as if its deadline were now. */
  public static final byte CANCEL = 4;

  /** Either side: nothing to say, but alive. */
  public static final byte KEEP_ALIVE = 5;

  /** Client: a renewed lease token. */
  public static final byte RENEW = 6;

  /** Client: makes a region of its own known under an id, by the transport's descriptor. */
  public static final byte REGION = 7;

  /** Client: the session is over. */
  public static final byte GOODBYE = 8;

  /** Worker: how an invocation, fence or pull ended. */
  public static final byte COMPLETION = 33;

  /** Worker: the session is over, and why. Nothing follows it. */
  public static final byte ENDED = 34;
}
