package io.farwarp.wire;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * The constants and the messages of the session protocol, as docs/protocol.md describes them byte
 * by byte.
 *
 * <p>All numbers are little-endian. Every message starts with a 64-byte header whose first byte is
 * its {@link MessageKind}; what is marked reserved is zero, and a receiver ignores it.
 */
public final class Wire {
  private Wire() {}

  /** First four bytes of every handshake blob: "FWRP". */
  public static final int MAGIC = 0x50525746;

  public static final short VERSION = 1;

  /** A message never exceeds this; a transport's ring slot holds one. */
  public static final int MAX_MESSAGE_BYTES = 1024;

  /** Messages that each direction of a connection holds at most. */
  public static final int RING_DEPTH = 128;

  /** A handshake blob never exceeds this. */
  public static final int MAX_HANDSHAKE_BYTES = 4096;

  /** Invocations, pulls and fences that a session has in flight at most. */
  public static final int MAX_IN_FLIGHT = 64;

  public static final int MAX_ARGUMENTS = 30;

  /** Regions of the client's that a session knows at most; ids are 0 to 63. */
  public static final int MAX_CLIENT_REGIONS = 64;

  /** Every tensor starts at a multiple of this in the window. */
  public static final int TENSOR_ALIGNMENT_BYTES = 256;

  /** A text (a refusal, a fault) never exceeds this in UTF-8. */
  public static final int MAX_DETAIL_BYTES = 512;

  public static final int NONCE_BYTES = 32;

  /** An idle side with invocations in flight sends a keep-alive this often. */
  public static final long KEEP_ALIVE_NS = 1_000_000_000L;

  /**
   * A side that hears nothing for this long while invocations are in flight calls the link broken.
   */
  public static final long SILENCE_LIMIT_NS = 20_000_000_000L;

  /** Ed25519 (RFC 8032) context that is put before a lease token when it is signed. */
  public static final String TOKEN_CONTEXT = "farwarp.v1.LeaseToken\0";

  /**
   * The same for the proof of possession: context, then nonce, then the SHA-256 of the
   * SignedLeaseToken's bytes.
   */
  public static final String PROOF_CONTEXT = "farwarp.v1.SessionProof\0";

  public static final ValueLayout.OfByte U8 = ValueLayout.JAVA_BYTE;
  public static final ValueLayout.OfShort U16 =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  public static final ValueLayout.OfInt U32 =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  public static final ValueLayout.OfLong I64 =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Header of a client's message. */
  public static final StructLayout REQUEST =
      MemoryLayout.structLayout(
          U8.withName("kind"),
          U8.withName("flags"),
          U16.withName("argumentCount"),
          U32.withName("slot"),
          I64.withName("invocationId"),
          U32.withName("functionId"),
          U32.withName("payloadBytes"),
          I64.withName("timeoutNs"),
          MemoryLayout.paddingLayout(32).withName("reserved"));

  /** Header of a worker's message. */
  public static final StructLayout RESPONSE =
      MemoryLayout.structLayout(
          U8.withName("kind"),
          U8.withName("flags"),
          U16.withName("status"),
          U32.withName("slot"),
          I64.withName("invocationId"),
          I64.withName("queueNs"),
          I64.withName("copyInNs"),
          I64.withName("kernelNs"),
          I64.withName("copyOutNs"),
          U32.withName("detailBytes"),
          MemoryLayout.paddingLayout(12).withName("reserved"));

  /** One argument of an invocation or a pull; they follow the header. */
  public static final StructLayout ARGUMENT =
      MemoryLayout.structLayout(
          U8.withName("kind"),
          U8.withName("elementType"),
          U8.withName("flags"),
          U8.withName("reserved"),
          U32.withName("regionId"),
          I64.withName("windowOffsetOrScalar"),
          I64.withName("lengthBytes"),
          I64.withName("regionOffset"));

  public static final int HEADER_BYTES = 64;
  public static final int ARGUMENT_BYTES = 32;

  public static final long KIND = 0;
  public static final long FLAGS = 1;

  public static final long REQUEST_ARGUMENT_COUNT = offset(REQUEST, "argumentCount");
  public static final long REQUEST_SLOT = offset(REQUEST, "slot");
  public static final long REQUEST_INVOCATION_ID = offset(REQUEST, "invocationId");
  public static final long REQUEST_FUNCTION_ID = offset(REQUEST, "functionId");

  /**
   * Bytes after the header of a RENEW (a signed token) or a REGION (a descriptor, its id in {@code
   * slot}).
   */
  public static final long REQUEST_PAYLOAD_BYTES = offset(REQUEST, "payloadBytes");

  /** Nanoseconds from arrival that an invocation may take, 1 and up. */
  public static final long REQUEST_TIMEOUT_NS = offset(REQUEST, "timeoutNs");

  public static final long RESPONSE_STATUS = offset(RESPONSE, "status");
  public static final long RESPONSE_SLOT = offset(RESPONSE, "slot");
  public static final long RESPONSE_INVOCATION_ID = offset(RESPONSE, "invocationId");

  /** From arrival of the request to the start of its launch. */
  public static final long RESPONSE_QUEUE_NS = offset(RESPONSE, "queueNs");

  public static final long RESPONSE_COPY_IN_NS = offset(RESPONSE, "copyInNs");
  public static final long RESPONSE_KERNEL_NS = offset(RESPONSE, "kernelNs");
  public static final long RESPONSE_COPY_OUT_NS = offset(RESPONSE, "copyOutNs");

  /** Bytes of UTF-8 after the header: why, for people. */
  public static final long RESPONSE_DETAIL_BYTES = offset(RESPONSE, "detailBytes");

  public static final long ARGUMENT_KIND = offset(ARGUMENT, "kind");

  /** The number of {@code farwarp.v1.ElementType}. */
  public static final long ARGUMENT_ELEMENT_TYPE = offset(ARGUMENT, "elementType");

  public static final long ARGUMENT_FLAGS = offset(ARGUMENT, "flags");

  /** Where a returned tensor goes: the client's region and the offset in it. */
  public static final long ARGUMENT_REGION_ID = offset(ARGUMENT, "regionId");

  /** Tensor: offset in the window, bytes. Scalar: its bits, zero-extended. */
  public static final long ARGUMENT_VALUE = offset(ARGUMENT, "windowOffsetOrScalar");

  public static final long ARGUMENT_LENGTH_BYTES = offset(ARGUMENT, "lengthBytes");
  public static final long ARGUMENT_REGION_OFFSET = offset(ARGUMENT, "regionOffset");

  public static final byte ARGUMENT_TENSOR = 1;
  public static final byte ARGUMENT_SCALAR = 2;

  /** Flag of a tensor argument: write it to the client's region before the completion. */
  public static final byte ARGUMENT_RETURN = 1;

  /** Flag of a GOODBYE: release the lease as well. */
  public static final byte GOODBYE_RELEASE = 1;

  /** Flag of a worker's KEEP_ALIVE: the client answers with one. */
  public static final byte KEEP_ALIVE_ANSWER = 1;

  private static long offset(StructLayout layout, String field) {
    return layout.byteOffset(MemoryLayout.PathElement.groupElement(field));
  }
}
