package io.farwarp.client;

import io.farwarp.function.ElementTypes;
import io.farwarp.function.FunctionSpec;
import io.farwarp.function.ParameterSpec;
import io.farwarp.v1.Direction;
import io.farwarp.v1.ElementType;
import io.farwarp.wire.MessageKind;
import io.farwarp.wire.Status;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Matches one call's arguments to the function's parameters, by order, kind, type, direction and
 * size, and builds the request. Nothing is sent before all of it fits.
 */
final class CallBuilder {
  private final Session session;
  private final FunctionSpec spec;
  private final Argument[] arguments;
  private final RequestMessage message;
  private final long[] scalarBits;
  private final long[] tensorLengthBytes;
  private final List<WorkRequest.Push> pushes = new ArrayList<>();
  private final List<WorkRequest.CopyIn> copies = new ArrayList<>();
  private final List<WorkRequest.Use> uses = new ArrayList<>();
  private long returnedBytes;

  CallBuilder(Session session, FunctionSpec spec, int functionId, Argument[] arguments) {
    this.session = session;
    this.spec = spec;
    this.arguments = arguments.clone();
    if (arguments.length != spec.parameters().size()) {
      throw new ArgumentException(
          Status.INVALID_ARGUMENT,
          "%s takes %d arguments (%s), not %d"
              .formatted(name(), spec.parameters().size(), signature(), arguments.length));
    }
    this.message = new RequestMessage(MessageKind.INVOKE, functionId, arguments.length);
    this.scalarBits = new long[arguments.length];
    this.tensorLengthBytes = new long[arguments.length];
  }

  WorkRequest build(boolean timed) {
    for (int i = 0; i < arguments.length; i++) {
      ParameterSpec parameter = spec.parameters().get(i);
      if (arguments[i] instanceof Argument.TensorArgument tensor) {
        checkTensor(parameter, tensor);
        addTensor(parameter, tensor.tensor());
      } else {
        scalarBits[i] = scalar(parameter, arguments[i]);
        message.scalar(i, parameter.type(), scalarBits[i]);
      }
    }
    @Nullable String reason =
        spec.bind(scalarBits, tensorLengthBytes, new long[Math.max(1, spec.slots())]);
    if (reason != null) {
      throw new ArgumentException(Status.INVALID_ARGUMENT, name() + ": " + reason);
    }
    checkOverlap();
    return new WorkRequest(
        message.bytes(),
        pushes.toArray(WorkRequest.Push[]::new),
        copies.toArray(WorkRequest.CopyIn[]::new),
        uses.toArray(WorkRequest.Use[]::new),
        returnedBytes,
        "invocation of " + name(),
        null,
        timed);
  }

  private void checkTensor(ParameterSpec parameter, Argument.TensorArgument argument) {
    Tensor tensor = argument.tensor();
    if (!parameter.isTensor()) {
      throw wrong(parameter, "is a scalar, not " + tensor);
    }
    if (tensor.session() != session) {
      throw wrong(parameter, "got %s of another session".formatted(tensor));
    }
    if (tensor.type() != parameter.type()) {
      throw wrong(parameter, "got " + tensor);
    }
    if (argument.direction() != parameter.direction()) {
      throw wrong(
          parameter,
          "is %s in the function's manifest; it was passed as %s(...)"
              .formatted(word(parameter.direction()), word(argument.direction())));
    }
    if (tensor.isWrapped() && parameter.isWritten()) {
      throw wrong(
          parameter, "is written by the function; wrapped memory can only be read: " + tensor);
    }
    session.requireUsable(tensor);
  }

  private void addTensor(ParameterSpec parameter, Tensor tensor) {
    int index = parameter.index();
    tensorLengthBytes[index] = tensor.sizeBytes();
    boolean moves = !tensor.isResident();
    if (moves && parameter.isRead()) {
      session.addPush(tensor, pushes, copies);
    }
    boolean returned = moves && parameter.isWritten() && tensor.region() != null;
    returnedBytes += returned ? tensor.sizeBytes() : 0;
    message.tensor(index, tensor, returned);
    uses.add(new WorkRequest.Use(tensor, parameter.isWritten() && tensor.isResident()));
  }

  private long scalar(ParameterSpec parameter, Argument argument) {
    if (parameter.isTensor()) {
      throw wrong(parameter, "is a tensor, not a scalar");
    }
    ElementType type = parameter.type();
    return switch (argument) {
      case Argument.IntegerArgument integer -> integerBits(parameter, integer.value());
      case Argument.FloatArgument number when type != ElementType.F64 ->
          floatBits(parameter, number.value());
      case Argument.FloatArgument number -> Double.doubleToRawLongBits(number.value());
      case Argument.DoubleArgument number -> {
        if (type != ElementType.F64) {
          throw wrong(parameter, "got a double; pass " + example(type));
        }
        yield Double.doubleToRawLongBits(number.value());
      }
      case Argument.BitsArgument bits -> {
        if (bits.type() != type) {
          throw wrong(parameter, "got a scalar of type " + ElementTypes.label(bits.type()));
        }
        yield bits.bits() & mask(type);
      }
      case Argument.TensorArgument tensor ->
          throw wrong(parameter, "is a scalar, not " + tensor.tensor());
    };
  }

  private long integerBits(ParameterSpec parameter, long value) {
    ElementType type = parameter.type();
    if (!ElementTypes.isInteger(type)) {
      throw wrong(parameter, "got the integer %d; pass %s".formatted(value, example(type)));
    }
    if (type == ElementType.U64 && value >= 0) {
      return value;
    }
    try {
      return ElementTypes.parseBits(type, Long.toString(value)) & mask(type);
    } catch (NumberFormatException e) {
      throw wrong(parameter, "cannot hold " + value);
    }
  }

  private long floatBits(ParameterSpec parameter, float value) {
    ElementType type = parameter.type();
    if (ElementTypes.isInteger(type)) {
      throw wrong(parameter, "got %s; pass %s".formatted(value, example(type)));
    }
    return type == ElementType.F32
        ? Float.floatToRawIntBits(value) & mask(type)
        : ElementTypes.parseBits(type, Float.toString(value));
  }

  private static long mask(ElementType type) {
    int bits = ElementTypes.bytes(type) * Byte.SIZE;
    return bits == Long.SIZE ? -1L : (1L << bits) - 1;
  }

  private static String example(ElementType type) {
    if (ElementTypes.isInteger(type)) {
      return "an integer, such as scalar(2)";
    }
    return type == ElementType.F64 ? "a double, such as scalar(2.0)" : "a float, scalar(2.0f)";
  }

  /** A range that is written must be no other argument's. */
  private void checkOverlap() {
    for (int i = 0; i < arguments.length; i++) {
      for (int j = 0; j < arguments.length; j++) {
        if (i != j
            && spec.parameters().get(i).isWritten()
            && arguments[i] instanceof Argument.TensorArgument written
            && arguments[j] instanceof Argument.TensorArgument other
            && overlap(written.tensor(), other.tensor())) {
          throw new ArgumentException(
              Status.OUT_OF_RANGE,
              "%s: parameter %s is written, and its %s overlaps parameter %s, %s"
                  .formatted(
                      name(),
                      spec.parameters().get(i).name(),
                      written.tensor(),
                      spec.parameters().get(j).name(),
                      other.tensor()));
        }
      }
    }
  }

  private static boolean overlap(Tensor a, Tensor b) {
    return a.offsetBytes() < b.offsetBytes() + b.sizeBytes()
        && b.offsetBytes() < a.offsetBytes() + a.sizeBytes();
  }

  private ArgumentException wrong(ParameterSpec parameter, String why) {
    return new ArgumentException(
        Status.INVALID_ARGUMENT,
        "%s: parameter %d, %s %s, %s"
            .formatted(name(), parameter.index() + 1, parameter.name(), parameter.typeText(), why));
  }

  private String name() {
    return spec.name() + ":" + spec.version();
  }

  private String signature() {
    StringBuilder text = new StringBuilder();
    for (ParameterSpec parameter : spec.parameters()) {
      text.append(text.isEmpty() ? "" : ", ")
          .append(parameter.isTensor() ? word(parameter.direction()) + " " : "")
          .append(parameter.name())
          .append(' ')
          .append(parameter.typeText());
    }
    return text.toString();
  }

  private static String word(Direction direction) {
    return switch (direction) {
      case IN -> "in";
      case OUT -> "out";
      case INOUT -> "inout";
      case DIRECTION_UNSPECIFIED, UNRECOGNIZED -> "undirected";
    };
  }
}
