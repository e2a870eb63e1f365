package io.farwarp.ptx.syntax;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** One statement of a function body, in the order of the text. */
public sealed interface SourceStatement {
  int line();

  /** {@code .reg .f32 %f<124>;}: names {@code prefix0 .. prefix(count-1)}, or one name. */
  record Registers(int line, String type, String name, int count) implements SourceStatement {
    /** The count of a declaration without angle brackets. */
    public static final int SINGLE = -1;
  }

  record Variable(int line, SourceVariable variable) implements SourceStatement {}

  record Label(int line, String name) implements SourceStatement {}

  /** The predicate of {@code @p} or {@code @!p}. */
  record Guard(String predicate, boolean negated) {}

  /** {@code suffix} is everything after the opcode's first word, such as {@code .global.v4.f32}. */
  record Instruction(
      int line, @Nullable Guard guard, String opcode, String suffix, List<SourceOperand> operands)
      implements SourceStatement {

    /** The instruction's name with all its modifiers. */
    public String mnemonic() {
      return opcode + suffix;
    }
  }

  record ScopeOpen(int line) implements SourceStatement {}

  record ScopeClose(int line) implements SourceStatement {}
}
