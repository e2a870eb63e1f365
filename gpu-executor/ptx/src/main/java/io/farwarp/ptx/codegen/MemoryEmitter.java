package io.farwarp.ptx.codegen;

import io.farwarp.ptx.PtxType;
import io.farwarp.ptx.ir.Instruction;
import io.farwarp.ptx.ir.Modifiers;
import io.farwarp.ptx.ir.Operand;
import io.farwarp.ptx.ir.VirtualRegister;
import java.lang.classfile.Label;
import java.lang.classfile.TypeKind;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.util.List;

/**
 * Loads and stores.
 *
 * <p>An access whose allocation is likely known becomes one bounded access to that segment, whose
 * own checks are the bounds and alignment checks. When it throws, the handler, which stands out of
 * line, repeats the access by address over all allocations of the launch, and that decides between
 * success and a fault. So the fast path has no call and no branch of ours.
 */
final class MemoryEmitter {
  private final MethodBody body;
  private final Instruction instruction;
  private final Operand.Memory memory;
  private final PtxType type;
  private final int elements;

  private MemoryEmitter(MethodBody body, Instruction instruction, Operand address) {
    this.body = body;
    this.instruction = instruction;
    Modifiers modifiers = instruction.modifiers();
    type = modifiers.type();
    elements = modifiers.has("v4") ? 4 : modifiers.has("v2") ? 2 : 1;
    if (!(address instanceof Operand.Memory where)) {
      throw MethodBody.refuse(instruction, "needs an address in brackets");
    }
    if (elements * type.sizeBytes() > 16) {
      throw MethodBody.refuse(instruction, "accesses more than 16 bytes");
    }
    memory = where;
  }

  static void load(MethodBody body, Instruction instruction) {
    MemoryEmitter emitter = new MemoryEmitter(body, instruction, instruction.operand(1));
    List<Operand> parts = emitter.parts(instruction.operand(0));
    boolean inPlace = parts.size() > 1 && parts.stream().anyMatch(emitter::isBase);
    for (int i = 0; i < parts.size(); i++) {
      emitter.loadElement(i, parts.get(i));
      if (!inPlace) {
        emitter.storeResult(parts.get(i));
      }
    }
    // An address register among the destinations is overwritten only when all is loaded.
    for (int i = parts.size() - 1; inPlace && i >= 0; i--) {
      emitter.storeResult(parts.get(i));
    }
  }

  static void store(MethodBody body, Instruction instruction) {
    MemoryEmitter emitter = new MemoryEmitter(body, instruction, instruction.operand(0));
    List<Operand> parts = emitter.parts(instruction.operand(1));
    for (int i = 0; i < parts.size(); i++) {
      emitter.storeElement(i, parts.get(i));
    }
  }

  private boolean isBase(Operand operand) {
    return operand instanceof Operand.Register r && r.register() == memory.base();
  }

  private List<Operand> parts(Operand operand) {
    if (elements == 1) {
      return List.of(operand);
    }
    if (operand instanceof Operand.Vector vector && vector.elements().size() == elements) {
      return vector.elements();
    }
    throw MethodBody.refuse(instruction, "needs a vector of " + elements + " elements");
  }

  /** How the JVM sees an element in memory: as its register holds it, if the sizes agree. */
  private TypeKind accessKind(Operand value) {
    int size = type.sizeBytes();
    if (value instanceof Operand.Register r && r.register().type().sizeBytes() == size) {
      VirtualRegister register = r.register();
      if (size >= 4) {
        return register.kind();
      }
    }
    return switch (size) {
      case 1 -> TypeKind.BYTE;
      case 2 -> TypeKind.SHORT;
      default -> MethodBody.kind(type);
    };
  }

  private boolean isVolatile() {
    return type.sizeBytes() >= 4
        && instruction
                .modifiers()
                .oneOf("", "volatile", "relaxed", "acquire", "release", "cv")
                .length()
            > 0;
  }

  private void loadElement(int index, Operand destination) {
    TypeKind kind = accessKind(destination);
    Place place = Place.of(body, instruction, memory);
    if (elements == 1 && place.pushLoadedPointer(kind)) {
      return;
    }
    if (place.isGlobal() && isVolatile()) {
      body.code.aload(FrameLayout.CONTEXT);
      place.pushAddress(index * type.sizeBytes());
      body.code.loadConstant(instruction.line());
      boolean wide = type.sizeBytes() == 8;
      body.code.invokestatic(
          Names.ATOMICS,
          wide ? "loadVolatileLong" : "loadVolatile",
          MethodTypeDesc.of(
              wide ? ConstantDescs.CD_long : ConstantDescs.CD_int,
              Names.CONTEXT,
              ConstantDescs.CD_long,
              ConstantDescs.CD_int));
      body.convert(wide ? TypeKind.LONG : TypeKind.INT, kind);
      return;
    }
    if (isWords(place)) {
      new SharedWords(body, instruction, memory, elements).load(index, kind);
      return;
    }
    if (!place.hasSegment()) {
      slowLoad(place, index, kind);
      return;
    }
    checkWordSegment(place, index);
    Label start = body.code.newBoundLabel();
    body.code.aload(place.segmentSlot());
    pushLayout(place, index, kind);
    place.pushOffset(index * type.sizeBytes());
    Access.get(body, kind);
    if (!place.canFail()) {
      return;
    }
    Label end = body.code.newBoundLabel();
    Label handler = body.code.newLabel();
    body.code.exceptionCatch(start, end, handler, Names.RUNTIME_EXCEPTION);
    body.later(() -> {
      body.code.labelBinding(handler).pop();
      if (place.isGlobal()) {
        slowLoad(place, index, kind);
        body.code.goto_(end);
      } else {
        privateFault(place, index);
      }
    });
  }

  private boolean isWords(Place place) {
    return place.isShared() && type.sizeBytes() == 4 && SharedWords.serves(memory);
  }

  private boolean isAlignedByCall(Place place) {
    return place.hasWordSegment() && (elements > 1 || type.sizeBytes() == 8);
  }

  private void checkWordSegment(Place place, int index) {
    if (isAlignedByCall(place) && index == 0) {
      requireAligned(place);
    }
  }

  private void pushLayout(Place place, int index, TypeKind kind) {
    if (isAlignedByCall(place)) {
      Access.pushUnaligned(body, kind);
    } else {
      Access.pushLayout(body, kind, index == 0 ? elements : 1);
    }
  }

  private void slowLoad(Place place, int index, TypeKind kind) {
    checkVectorAlignment(place, index);
    body.code.aload(FrameLayout.CONTEXT);
    place.pushAddress(index * type.sizeBytes());
    body.code.loadConstant(instruction.line());
    body.code.invokevirtual(
        Names.CONTEXT,
        "load" + Access.word(kind),
        MethodTypeDesc.of(Names.primitive(kind), ConstantDescs.CD_long, ConstantDescs.CD_int));
  }

  private void checkVectorAlignment(Place place, int index) {
    if (index == 0 && elements > 1) {
      requireAligned(place);
    }
  }

  private void requireAligned(Place place) {
    body.code.aload(FrameLayout.CONTEXT);
    place.pushAddress(0);
    body.code.loadConstant(elements * type.sizeBytes()).loadConstant(instruction.line());
    body.code.invokevirtual(
        Names.CONTEXT,
        "requireAligned",
        MethodTypeDesc.of(
            ConstantDescs.CD_void,
            ConstantDescs.CD_long,
            ConstantDescs.CD_int,
            ConstantDescs.CD_int));
  }

  private void privateFault(Place place, int index) {
    body.code.aload(FrameLayout.CONTEXT);
    place.pushOffset(index * type.sizeBytes());
    int align = index == 0 ? elements * type.sizeBytes() : type.sizeBytes();
    body.code.loadConstant(align).loadConstant(instruction.line());
    body.code.invokevirtual(
        Names.CONTEXT,
        "privateFault",
        MethodTypeDesc.of(
            Names.TRAP, ConstantDescs.CD_long, ConstantDescs.CD_int, ConstantDescs.CD_int));
    body.code.athrow();
  }

  /** Stores what {@link #loadElement} left on the stack. */
  private void storeResult(Operand destination) {
    PtxType loaded =
        switch (accessKind(destination)) {
          case FLOAT -> PtxType.F32;
          case DOUBLE -> PtxType.F64;
          default -> integerType();
        };
    body.storeWidened(instruction, destination, loaded);
  }

  private PtxType integerType() {
    return switch (type) {
      case F32 -> PtxType.B32;
      case F64 -> PtxType.B64;
      default -> type;
    };
  }

  private void pushValue(Operand value, TypeKind kind) {
    PtxType as =
        switch (kind) {
          case FLOAT -> PtxType.F32;
          case DOUBLE -> PtxType.F64;
          default -> integerType();
        };
    boolean literal = value instanceof Operand.Immediate;
    body.pushNarrowed(instruction, value, literal ? type : as);
    switch (kind) {
      case BYTE -> body.code.i2b();
      case SHORT -> body.code.i2s();
      default -> {
        // Stored as it is.
      }
    }
  }

  private void storeElement(int index, Operand value) {
    TypeKind kind = accessKind(value);
    Place place = Place.of(body, instruction, memory);
    if (place.isGlobal() && isVolatile()) {
      storeVolatile(place, index, value);
      return;
    }
    if (isWords(place)) {
      SharedWords words = new SharedWords(body, instruction, memory, elements);
      words.store(index, kind, () -> pushValue(value, kind));
      return;
    }
    if (!place.hasSegment()) {
      slowStore(place, index, value, kind);
      return;
    }
    checkWordSegment(place, index);
    Label start = body.code.newBoundLabel();
    body.code.aload(place.segmentSlot());
    pushLayout(place, index, kind);
    place.pushOffset(index * type.sizeBytes());
    pushValue(value, kind);
    Access.set(body, kind);
    if (!place.canFail()) {
      return;
    }
    Label end = body.code.newBoundLabel();
    Label handler = body.code.newLabel();
    body.code.exceptionCatch(start, end, handler, Names.RUNTIME_EXCEPTION);
    body.later(() -> {
      body.code.labelBinding(handler).pop();
      if (place.isGlobal()) {
        slowStore(place, index, value, kind);
        body.code.goto_(end);
      } else {
        privateFault(place, index);
      }
    });
  }

  private void slowStore(Place place, int index, Operand value, TypeKind kind) {
    checkVectorAlignment(place, index);
    body.code.aload(FrameLayout.CONTEXT);
    place.pushAddress(index * type.sizeBytes());
    pushValue(value, kind);
    body.code.loadConstant(instruction.line());
    ClassDesc primitive = Names.primitive(kind);
    body.code.invokevirtual(
        Names.CONTEXT,
        "store" + Access.word(kind),
        MethodTypeDesc.of(
            ConstantDescs.CD_void, ConstantDescs.CD_long, primitive, ConstantDescs.CD_int));
  }

  private void storeVolatile(Place place, int index, Operand value) {
    boolean wide = type.sizeBytes() == 8;
    body.code.aload(FrameLayout.CONTEXT);
    place.pushAddress(index * type.sizeBytes());
    body.pushNarrowed(
        instruction,
        value,
        value instanceof Operand.Immediate ? type : wide ? PtxType.B64 : PtxType.B32);
    if (value instanceof Operand.Immediate) {
      body.convert(MethodBody.kind(type), wide ? TypeKind.LONG : TypeKind.INT);
    }
    body.code.loadConstant(instruction.line());
    body.code.invokestatic(
        Names.ATOMICS,
        "storeVolatile",
        MethodTypeDesc.of(
            ConstantDescs.CD_void,
            Names.CONTEXT,
            ConstantDescs.CD_long,
            wide ? ConstantDescs.CD_long : ConstantDescs.CD_int,
            ConstantDescs.CD_int));
  }

  /** Checks the alignment of an atomic instruction's operand. */
  static void requireAligned(MethodBody body, Instruction instruction, Operand operand, int bytes) {
    body.code.aload(FrameLayout.CONTEXT);
    atomicPlace(body, instruction, operand).pushAddress(0);
    body.code.loadConstant(bytes).loadConstant(instruction.line());
    body.code.invokevirtual(
        Names.CONTEXT,
        "requireAligned",
        MethodTypeDesc.of(
            ConstantDescs.CD_void,
            ConstantDescs.CD_long,
            ConstantDescs.CD_int,
            ConstantDescs.CD_int));
  }

  /** Where an atomic instruction goes. */
  static Place atomicPlace(MethodBody body, Instruction instruction, Operand operand) {
    if (!(operand instanceof Operand.Memory memory)) {
      throw MethodBody.refuse(instruction, "needs an address in brackets");
    }
    Place place = Place.of(body, instruction, memory);
    if (!place.isGlobal() && !place.isShared()) {
      throw MethodBody.refuse(instruction, "needs global or shared memory");
    }
    return place;
  }
}
