package io.farwarp.client;

import io.farwarp.v1.ElementType;
import io.farwarp.wire.Wire;
import java.lang.foreign.MemorySegment;

/**
 * The bytes of one request: header and arguments, laid out once. Slot, id and time-out are filled
 * in at each post.
 */
final class RequestMessage {
  private final byte[] bytes;
  private final MemorySegment view;

  RequestMessage(byte kind, int functionId, int argumentCount) {
    bytes = new byte[Wire.HEADER_BYTES + argumentCount * Wire.ARGUMENT_BYTES];
    view = MemorySegment.ofArray(bytes);
    view.set(Wire.U8, Wire.KIND, kind);
    view.set(Wire.U16, Wire.REQUEST_ARGUMENT_COUNT, (short) argumentCount);
    view.set(Wire.U32, Wire.REQUEST_FUNCTION_ID, functionId);
  }

  void scalar(int index, ElementType type, long bits) {
    long at = argument(index, Wire.ARGUMENT_SCALAR, type);
    view.set(Wire.I64, at + Wire.ARGUMENT_VALUE, bits);
  }

  /**
   * A range of the window.
   *
   * @param returned whether the worker writes it back before the completion
   */
  void tensor(int index, Tensor tensor, boolean returned) {
    long at = argument(index, Wire.ARGUMENT_TENSOR, tensor.type());
    view.set(Wire.U8, at + Wire.ARGUMENT_FLAGS, returned ? Wire.ARGUMENT_RETURN : 0);
    view.set(Wire.U32, at + Wire.ARGUMENT_REGION_ID, Session.SLAB_REGION_ID);
    view.set(Wire.I64, at + Wire.ARGUMENT_VALUE, tensor.offsetBytes());
    view.set(Wire.I64, at + Wire.ARGUMENT_LENGTH_BYTES, tensor.sizeBytes());
    view.set(Wire.I64, at + Wire.ARGUMENT_REGION_OFFSET, tensor.regionOffsetBytes());
  }

  private long argument(int index, byte kind, ElementType type) {
    long at = Wire.HEADER_BYTES + (long) index * Wire.ARGUMENT_BYTES;
    view.set(Wire.U8, at + Wire.ARGUMENT_KIND, kind);
    view.set(Wire.U8, at + Wire.ARGUMENT_ELEMENT_TYPE, (byte) type.getNumber());
    return at;
  }

  byte[] bytes() {
    return bytes;
  }
}
