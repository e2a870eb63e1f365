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

  /** A label with {@code .branchtargets} or {@code .calltargets}: labels or functions. */
  record Table(int line, String name, List<String> names) implements SourceStatement {}

  /** A label with {@code .callprototype}: what a function called by address takes and gives. */
  record Prototype(
      int line, String name, List<SourceVariable> returns, List<SourceVariable> parameters)
      implements SourceStatement {}

  record ScopeOpen(int line) implements SourceStatement {}

  record ScopeClose(int line) implements SourceStatement {}
}
