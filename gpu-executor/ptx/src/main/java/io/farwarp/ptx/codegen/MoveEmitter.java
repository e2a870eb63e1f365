package io.farwarp.ptx.codegen;

import io.farwarp.ptx.PtxType;
import io.farwarp.ptx.ir.Instruction;
import io.farwarp.ptx.ir.Operand;
import io.farwarp.ptx.runtime.BlockContext;
import java.lang.classfile.TypeKind;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.util.List;

/** {@code mov}, with its packing and unpacking forms, and address conversion. */
final class MoveEmitter {
  private MoveEmitter() {}

  static void emit(MethodBody body, Instruction instruction) {
    PtxType type = instruction.modifiers().type();
    Operand destination = instruction.operand(0);
    Operand source = instruction.operand(1);
    if (destination instanceof Operand.Vector vector) {
      unpack(body, instruction, vector.elements(), source, type);
    } else if (source instanceof Operand.Vector vector) {
      pack(body, instruction, vector.elements(), type);
      body.store(instruction, destination, type);
    } else {
      PtxType moved =
          source instanceof Operand.Register ? likeDestination(destination, type) : type;
      body.push(instruction, source, moved);
      body.store(instruction, destination, moved);
    }
  }

  /** The type of the same size that the destination's JVM kind has, to save conversions. */
  static PtxType likeDestination(Operand destination, PtxType type) {
    if (!(destination instanceof Operand.Register r)) {
      return type;
    }
    return switch (type.sizeBytes()) {
      case 4 -> r.register().kind() == TypeKind.FLOAT ? PtxType.F32 : PtxType.B32;
      case 8 -> r.register().kind() == TypeKind.DOUBLE ? PtxType.F64 : PtxType.B64;
      default -> type;
    };
  }

  private static PtxType element(Instruction instruction, int count, PtxType whole) {
    int size = count == 0 ? 0 : whole.sizeBytes() / count;
    boolean bits = whole.family() == PtxType.Family.BITS && size * count == whole.sizeBytes();
    return switch (bits ? size : 0) {
      case 1 -> PtxType.B8;
      case 2 -> PtxType.B16;
      case 4 -> PtxType.B32;
      default -> throw MethodBody.refuse(instruction, "has a vector of the wrong size");
    };
  }

  private static void unpack(
      MethodBody body,
      Instruction instruction,
      List<Operand> elements,
      Operand source,
      PtxType whole) {
    PtxType part = element(instruction, elements.size(), whole);
    for (int i = 0; i < elements.size(); i++) {
      if (elements.get(i) instanceof Operand.Discard) {
        continue;
      }
      body.push(instruction, source, whole);
      int shift = i * part.sizeBytes() * 8;
      if (whole == PtxType.B64) {
        if (shift > 0) {
          body.code.loadConstant(shift).lushr();
        }
        body.code.l2i();
      } else if (shift > 0) {
        body.code.loadConstant(shift).iushr();
      }
      body.store(instruction, elements.get(i), part);
    }
  }

  private static void pack(
      MethodBody body, Instruction instruction, List<Operand> elements, PtxType whole) {
    PtxType part = element(instruction, elements.size(), whole);
    boolean wide = whole == PtxType.B64;
    for (int i = 0; i < elements.size(); i++) {
      body.push(instruction, elements.get(i), part);
      int shift = i * part.sizeBytes() * 8;
      if (wide) {
        body.widenToLong(false);
      }
      if (shift > 0) {
        body.code.loadConstant(shift);
        if (wide) {
          body.code.lshl().lor();
        } else {
          body.code.ishl().ior();
        }
      }
    }
  }

  /** {@code isspacep}: asks the context, which knows its windows. */
  static void emitIsSpace(MethodBody body, Instruction instruction) {
    String question =
        switch (instruction.modifiers().first()) {
          case "global" -> "isGlobal";
          case "const" -> "isConstant";
          case "local" -> "isLocal";
          case "shared", "shared::cta" -> "isShared";
          default -> "isParameter";
        };
    body.code.aload(FrameLayout.CONTEXT);
    body.push(instruction, instruction.operand(1), PtxType.B64);
    body.code.invokevirtual(
        Names.CONTEXT,
        question,
        MethodTypeDesc.of(ConstantDescs.CD_boolean, ConstantDescs.CD_long));
    body.store(instruction, instruction.operand(0), PtxType.PRED);
  }

  /**
   * {@code cvta}: global and constant addresses are generic ones; local and shared ones are
   * offsets.
   */
  static void emitAddress(MethodBody body, Instruction instruction) {
    body.push(instruction, instruction.operand(1), PtxType.U64);
    String base =
        switch (instruction.modifiers().oneOf("", "local", "param")) {
          case "local" -> "localBase";
          case "param" -> {
            if (!body.function.entry()) {
              throw MethodBody.refuse(instruction, "is only supported in kernels");
            }
            yield "parametersBase";
          }
          default -> "";
        };
    boolean shared = instruction.modifiers().has("shared");
    if (shared) {
      body.code.loadConstant(BlockContext.SHARED_BASE);
    } else if (!base.isEmpty()) {
      body.code.aload(FrameLayout.CONTEXT).getfield(Names.CONTEXT, base, ConstantDescs.CD_long);
    }
    if (shared || !base.isEmpty()) {
      if (instruction.modifiers().has("to")) {
        body.code.lsub();
      } else {
        body.code.ladd();
      }
    }
    body.store(instruction, instruction.operand(0), PtxType.U64);
  }
}
