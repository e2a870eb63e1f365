package io.farwarp.ptx.ir;

import io.farwarp.ptx.PtxException;
import io.farwarp.ptx.syntax.SourceVariable;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Where a kernel's {@code .shared} variables stand in the shared memory of its blocks: those of
 * known size from 0, or behind the reserved memory of a kernel that uses it, and behind them all
 * {@code .extern} arrays at one place, whose size the launch chooses.
 */
public final class SharedLayout {
  /** CUDA's limit on what a kernel declares. */
  private static final int MAX_STATIC_BYTES = 48 << 10;

  private static final int DYNAMIC_ALIGN = 16;

  /** What CUDA keeps for its libraries since sm_80; given to a kernel that asks where it is. */
  public static final int RESERVED_BYTES = 1024;

  /** Where the second part of the reserved memory starts. */
  public static final int SECOND_RESERVED = 128;

  private final Map<Symbol.SharedVariable, Integer> offsets = new HashMap<>();
  private int staticBytes;

  private SharedLayout() {}

  /** The symbol of a declaration, in a module or a function. */
  public static Symbol.SharedVariable symbol(SourceVariable variable) throws PtxException {
    if (!variable.initial().isEmpty()) {
      throw new PtxException(
          variable.line(), "'.shared' variable '" + variable.name() + "' has an initialiser");
    }
    if (variable.elements() == 0 && !variable.external()) {
      throw new PtxException(
          variable.line(), "'.shared' variable '" + variable.name() + "' needs a size");
    }
    if (variable.sizeBytes() > MAX_STATIC_BYTES) {
      throw tooLarge(variable.line(), "'.shared' variable '" + variable.name() + "'");
    }
    return new Symbol.SharedVariable(
        variable.name(),
        variable.line(),
        variable.external() ? 0 : (int) variable.sizeBytes(),
        variable.alignBytes());
  }

  private static PtxException tooLarge(int line, String what) {
    return new PtxException(
        line, what + " takes more than " + MAX_STATIC_BYTES + " bytes of static shared memory");
  }

  /** The layout of what a kernel and the functions that it may call use. */
  public static SharedLayout of(Function kernel, Map<String, Function> functions)
      throws PtxException {
    SharedLayout layout = new SharedLayout();
    Set<Symbol.SharedVariable> used = new LinkedHashSet<>();
    boolean reserved = false;
    for (Function function : reachable(kernel, functions)) {
      for (BasicBlock block : function.blocks()) {
        for (Instruction instruction : block.instructions()) {
          instruction.operands().forEach(operand -> collect(operand, used));
          reserved |= instruction.operands().stream().anyMatch(SharedLayout::isReserved);
        }
      }
    }
    int start = reserved ? RESERVED_BYTES : 0;
    long end = start;
    for (Symbol.SharedVariable variable : used) {
      if (variable.sizeBytes() > 0) {
        long offset = Lowering.alignUp(end, variable.alignBytes());
        layout.offsets.put(variable, (int) offset);
        end = offset + variable.sizeBytes();
        if (end - start > MAX_STATIC_BYTES) {
          throw tooLarge(kernel.line(), "kernel '" + kernel.name() + "'");
        }
      }
    }
    int align = 1;
    for (Symbol.SharedVariable variable : used) {
      if (variable.sizeBytes() == 0) {
        align = Math.max(align, Math.max(variable.alignBytes(), DYNAMIC_ALIGN));
      }
    }
    layout.staticBytes = (int) Lowering.alignUp(end, align);
    for (Symbol.SharedVariable variable : used) {
      layout.offsets.putIfAbsent(variable, layout.staticBytes);
    }
    return layout;
  }

  /** The kernel, and every function that calls lead to. */
  private static Collection<Function> reachable(Function kernel, Map<String, Function> functions) {
    Map<String, Function> found = new LinkedHashMap<>(Map.of(kernel.name(), kernel));
    List<Function> pending = new ArrayList<>(List.of(kernel));
    while (!pending.isEmpty()) {
      for (String name : pending.removeLast().callees()) {
        Function callee = functions.get(name);
        if (callee != null && found.putIfAbsent(name, callee) == null) {
          pending.add(callee);
        }
      }
    }
    return found.values();
  }

  private static boolean isReserved(Operand operand) {
    return operand instanceof Operand.Special special && special.register().isOfReservedMemory();
  }

  private static void collect(Operand operand, Set<Symbol.SharedVariable> into) {
    switch (operand) {
      case Operand.Address a when a.symbol() instanceof Symbol.SharedVariable v -> into.add(v);
      case Operand.Memory m when m.symbol() instanceof Symbol.SharedVariable v -> into.add(v);
      default -> {
        // Names no variable in shared memory.
      }
    }
  }

  /** The offset of a variable that the kernel uses. */
  public int offset(Symbol.SharedVariable variable) {
    Integer offset = offsets.get(variable);
    if (offset == null) {
      throw new IllegalStateException(variable.name());
    }
    return offset;
  }

  /** Bytes before dynamic shared memory starts. */
  public int staticBytes() {
    return staticBytes;
  }
}
