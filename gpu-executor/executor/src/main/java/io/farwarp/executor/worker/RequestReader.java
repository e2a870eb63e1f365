package io.farwarp.executor.worker;

import io.farwarp.executor.device.DeviceInvocation;
import io.farwarp.function.ElementTypes;
import io.farwarp.function.ParameterSpec;
import io.farwarp.rdma.RemoteRegion;
import io.farwarp.v1.Direction;
import io.farwarp.wire.Status;
import io.farwarp.wire.Wire;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads the arguments of an INVOKE or a PULL into an {@link Invocation}, and checks every one. The
 * message's structure (its length, its count of arguments) is checked by the caller. Allocates only
 * to say what is wrong. Used by the polling thread.
 */
final class RequestReader {
  private final long windowBytes;
  private final ClientRegions regions;
  private Status refusalStatus = Status.OK;

  RequestReader(long windowBytes, ClientRegions regions) {
    this.windowBytes = windowBytes;
    this.regions = regions;
  }

  /** The status of the last refusal. */
  Status refusalStatus() {
    return refusalStatus;
  }

  /**
   * Arguments for {@code function}, bound to a prepared invocation of it.
   *
   * @param at where the first argument starts in {@code buffer}
   * @return null, or why it is refused; {@link #refusalStatus} has the code
   */
  @Nullable String readInvoke(
      Invocation invocation, LoadedFunction function, MemorySegment buffer, long at, int count) {
    List<ParameterSpec> parameters = function.spec().parameters();
    if (count != parameters.size()) {
      return refuse(
          Status.INVALID_ARGUMENT,
          "%s takes %d arguments, not %d".formatted(label(function), parameters.size(), count));
    }
    invocation.argumentCount = count;
    for (int i = 0; i < count; i++) {
      String refusal =
          readArgument(invocation, parameters.get(i), buffer, at + (long) i * Wire.ARGUMENT_BYTES);
      if (refusal != null) {
        return label(function) + ": " + refusal;
      }
    }
    String overlap = findOverlap(invocation, parameters);
    if (overlap != null) {
      return label(function) + ": " + overlap;
    }
    DeviceInvocation device = invocation.prepared(function);
    String refusal =
        device.bind(invocation.scalarBits, invocation.offsetsBytes, invocation.lengthsBytes);
    if (refusal != null) {
      return refuse(device.status(), label(function) + ": " + refusal);
    }
    invocation.device = device;
    return null;
  }

  /**
   * Ranges of the window to bring up to date and, where they are marked so, to write to the
   * client's regions; as {@link #readInvoke}.
   */
  @Nullable String readPull(Invocation invocation, MemorySegment buffer, long at, int count) {
    invocation.argumentCount = count;
    invocation.device = null;
    for (int i = 0; i < count; i++) {
      long argument = at + (long) i * Wire.ARGUMENT_BYTES;
      byte kind = buffer.get(Wire.U8, argument + Wire.ARGUMENT_KIND);
      if (kind != Wire.ARGUMENT_TENSOR) {
        return refuse(
            Status.INVALID_ARGUMENT,
            "range %d of a pull is no tensor (kind %d)".formatted(i, kind));
      }
      String refusal = readRange(invocation, i, buffer, argument);
      if (refusal != null) {
        return refuse(refusalStatus, "range %d of a pull: %s".formatted(i, refusal));
      }
    }
    return null;
  }

  private @Nullable String readArgument(
      Invocation invocation, ParameterSpec parameter, MemorySegment buffer, long argument) {
    byte kind = buffer.get(Wire.U8, argument + Wire.ARGUMENT_KIND);
    byte wanted = parameter.isTensor() ? Wire.ARGUMENT_TENSOR : Wire.ARGUMENT_SCALAR;
    if (kind != wanted) {
      return refuse(
          Status.INVALID_ARGUMENT,
          "argument %s is a %s, not a %s"
              .formatted(parameter.name(), kindText(wanted), kindText(kind)));
    }
    int type = Byte.toUnsignedInt(buffer.get(Wire.U8, argument + Wire.ARGUMENT_ELEMENT_TYPE));
    if (type != parameter.type().getNumber()) {
      return refuse(
          Status.INVALID_ARGUMENT,
          "argument %s is of type %s, not of type number %d"
              .formatted(parameter.name(), ElementTypes.label(parameter.type()), type));
    }
    int index = parameter.index();
    if (!parameter.isTensor()) {
      return readScalar(
          invocation, parameter, buffer.get(Wire.I64, argument + Wire.ARGUMENT_VALUE));
    }
    String refusal = readRange(invocation, index, buffer, argument);
    return refusal == null
        ? null
        : refuse(refusalStatus, "tensor %s: %s".formatted(parameter.name(), refusal));
  }

  private @Nullable String readScalar(Invocation invocation, ParameterSpec parameter, long bits) {
    int index = parameter.index();
    int size = 8 * parameter.elementBytes();
    if (size < 64 && bits >>> size != 0) {
      return refuse(
          Status.INVALID_ARGUMENT,
          "scalar %s of %d bits has more bits set: 0x%x".formatted(parameter.name(), size, bits));
    }
    invocation.scalarBits[index] = bits;
    invocation.offsetsBytes[index] = 0;
    invocation.lengthsBytes[index] = 0;
    invocation.returnRegions[index] = Invocation.NOT_RETURNED;
    return null;
  }

  private @Nullable String readRange(
      Invocation invocation, int index, MemorySegment buffer, long argument) {
    long offset = buffer.get(Wire.I64, argument + Wire.ARGUMENT_VALUE);
    long length = buffer.get(Wire.I64, argument + Wire.ARGUMENT_LENGTH_BYTES);
    if (offset < 0 || length < 0 || offset > windowBytes - length) {
      return refuse(
          Status.OUT_OF_RANGE,
          "%d bytes at offset %d are not inside the window of %d bytes"
              .formatted(length, offset, windowBytes));
    }
    if (offset % Wire.TENSOR_ALIGNMENT_BYTES != 0) {
      return refuse(
          Status.OUT_OF_RANGE,
          "offset %d is no multiple of %d".formatted(offset, Wire.TENSOR_ALIGNMENT_BYTES));
    }
    byte flags = buffer.get(Wire.U8, argument + Wire.ARGUMENT_FLAGS);
    if ((flags & ~Wire.ARGUMENT_RETURN) != 0) {
      return refuse(
          Status.INVALID_ARGUMENT, "flags 0x%02x are not known to this worker".formatted(flags));
    }
    invocation.scalarBits[index] = 0;
    invocation.offsetsBytes[index] = offset;
    invocation.lengthsBytes[index] = length;
    invocation.returnRegions[index] = Invocation.NOT_RETURNED;
    return flags == Wire.ARGUMENT_RETURN ? readReturn(invocation, index, buffer, argument) : null;
  }

  private @Nullable String readReturn(
      Invocation invocation, int index, MemorySegment buffer, long argument) {
    int id = buffer.get(Wire.U32, argument + Wire.ARGUMENT_REGION_ID);
    long offset = buffer.get(Wire.I64, argument + Wire.ARGUMENT_REGION_OFFSET);
    RemoteRegion region = regions.find(id);
    if (region == null) {
      return refuse(
          Status.OUT_OF_RANGE,
          "region %d was not made known".formatted(Integer.toUnsignedLong(id)));
    }
    if (offset < 0 || offset > region.sizeBytes() - invocation.lengthsBytes[index]) {
      return refuse(
          Status.OUT_OF_RANGE,
          "%d bytes at offset %d are not inside the client's region %d of %d bytes"
              .formatted(invocation.lengthsBytes[index], offset, id, region.sizeBytes()));
    }
    invocation.returnRegions[index] = id;
    invocation.returnOffsetsBytes[index] = offset;
    return null;
  }

  private @Nullable String findOverlap(Invocation invocation, List<ParameterSpec> parameters) {
    for (int i = 0; i < parameters.size(); i++) {
      ParameterSpec written = parameters.get(i);
      if (!written.isTensor() || written.direction() == Direction.IN) {
        continue;
      }
      for (int j = 0; j < parameters.size(); j++) {
        if (i != j && overlap(invocation, i, j)) {
          return refuse(
              Status.OUT_OF_RANGE,
              "tensor %s, which is written, overlaps tensor %s"
                  .formatted(written.name(), parameters.get(j).name()));
        }
      }
    }
    return null;
  }

  /** Scalars and empty tensors have length 0 and overlap nothing. */
  private static boolean overlap(Invocation invocation, int i, int j) {
    long from = Math.max(invocation.offsetsBytes[i], invocation.offsetsBytes[j]);
    long to =
        Math.min(
            invocation.offsetsBytes[i] + invocation.lengthsBytes[i],
            invocation.offsetsBytes[j] + invocation.lengthsBytes[j]);
    return from < to;
  }

  private String refuse(Status status, String reason) {
    refusalStatus = status;
    return reason;
  }

  private static String kindText(byte kind) {
    return switch (kind) {
      case Wire.ARGUMENT_TENSOR -> "tensor";
      case Wire.ARGUMENT_SCALAR -> "scalar";
      default -> "thing of kind " + kind;
    };
  }

  private static String label(LoadedFunction function) {
    return function.spec().name() + ":" + function.spec().version();
  }
}
