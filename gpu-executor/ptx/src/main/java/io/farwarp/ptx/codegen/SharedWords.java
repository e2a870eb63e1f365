package io.farwarp.ptx.codegen;

import io.farwarp.ptx.PtxType;
import io.farwarp.ptx.ir.Instruction;
import io.farwarp.ptx.ir.Operand;
import io.farwarp.ptx.ir.VirtualRegister;
import java.lang.classfile.Label;
import java.lang.classfile.TypeKind;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;

/**
 * Accesses to shared memory in words of 32 bits: elements of an {@code int} array. C2 merges the
 * bounds checks of accesses that differ by a constant, which it does not for memory segments, and
 * most of what is read from shared memory is addressed like that.
 */
final class SharedWords {
  private static final int WORD_BYTES = 4;

  private final MethodBody body;
  private final Instruction instruction;
  private final Operand.Memory memory;
  private final int words;

  /**
   * Describes an access.
   *
   * @param words how many words it has, to which it must be aligned together
   */
  SharedWords(MethodBody body, Instruction instruction, Operand.Memory memory, int words) {
    this.body = body;
    this.instruction = instruction;
    this.memory = memory;
    this.words = words;
  }

  /** Whether an address is a number of 32 bits, as optimised code has it. */
  static boolean serves(Operand.Memory memory) {
    VirtualRegister base = memory.base();
    return base == null || base.type().sizeBytes() == WORD_BYTES;
  }

  /** Pushes a word as {@code kind}. */
  void load(int word, TypeKind kind) {
    checkAlignment(word);
    Label start = body.code.newBoundLabel();
    body.code.aload(body.frame.wordsSlot());
    pushIndex(word);
    body.code.iaload();
    catchFault(start);
    body.convert(TypeKind.INT, kind);
  }

  /** Stores what {@code value} pushes as {@code kind}. */
  void store(int word, TypeKind kind, Runnable value) {
    checkAlignment(word);
    Label start = body.code.newBoundLabel();
    body.code.aload(body.frame.wordsSlot());
    pushIndex(word);
    value.run();
    body.convert(kind, TypeKind.INT);
    body.code.iastore();
    catchFault(start);
  }

  private boolean isWhole() {
    return memory.offset() % WORD_BYTES == 0;
  }

  private void pushBase() {
    VirtualRegister base = memory.base();
    if (base != null) {
      body.push(instruction, new Operand.Register(base), PtxType.B32);
    } else if (memory.symbol() != null) {
      body.pushAddress(instruction, memory.symbol(), 0);
      body.code.l2i();
    } else {
      body.code.iconst_0();
    }
  }

  private void pushSum() {
    pushBase();
    if (memory.offset() != 0) {
      body.code.loadConstant((int) memory.offset()).iadd();
    }
  }

  private void pushIndex(int word) {
    int more = word;
    if (isWhole()) {
      pushBase();
      more += (int) (memory.offset() / WORD_BYTES);
    } else {
      pushSum();
    }
    body.code.iconst_2().iushr();
    if (more != 0) {
      body.code.loadConstant(more).iadd();
    }
  }

  private void checkAlignment(int word) {
    if (word > 0) {
      return;
    }
    // The bits of the base alone where they decide, so that one check serves all offsets.
    if (memory.offset() % ((long) words * WORD_BYTES) == 0) {
      pushBase();
    } else {
      pushSum();
    }
    Label misaligned = body.code.newLabel();
    body.code.loadConstant(words * WORD_BYTES - 1).iand().ifne(misaligned);
    body.later(() -> {
      body.code.labelBinding(misaligned);
      fault();
    });
  }

  private void catchFault(Label start) {
    Label end = body.code.newBoundLabel();
    Label handler = body.code.newLabel();
    body.code.exceptionCatch(start, end, handler, Names.RUNTIME_EXCEPTION);
    body.later(() -> {
      body.code.labelBinding(handler).pop();
      fault();
    });
  }

  private void fault() {
    body.code.aload(FrameLayout.CONTEXT);
    pushSum();
    body.widenToLong(false);
    body.code.loadConstant(words * WORD_BYTES).loadConstant(instruction.line());
    body.code
        .invokevirtual(
            Names.CONTEXT,
            "privateFault",
            MethodTypeDesc.of(
                Names.TRAP, ConstantDescs.CD_long, ConstantDescs.CD_int, ConstantDescs.CD_int))
        .athrow();
  }
}
