package io.farwarp.ptx.ir;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A kernel or device function in typed form.
 *
 * @param parameters sizes of the return values and then the parameters of a device function
 * @param blocks in the order of the text; the first is the entry
 * @param targets the block that each label names
 * @param frameBytes local memory of one activation, a multiple of 16
 */
public record Function(
    int line,
    boolean entry,
    String name,
    List<Integer> parameters,
    List<VirtualRegister> registers,
    List<BasicBlock> blocks,
    Map<String, BasicBlock> targets,
    int frameBytes) {

  /** How many instructions it has. */
  public int size() {
    return blocks.stream().mapToInt(block -> block.instructions().size()).sum();
  }

  /** Whether an instruction of this kind is in it. */
  public boolean uses(Opcode opcode) {
    return blocks.stream()
        .flatMap(block -> block.instructions().stream())
        .anyMatch(instruction -> instruction.opcode() == opcode);
  }

  /** The names of the functions that it calls, or may call by their addresses. */
  public Set<String> callees() {
    Set<String> callees = new LinkedHashSet<>();
    for (BasicBlock block : blocks) {
      for (Instruction instruction : block.instructions()) {
        if (instruction.opcode() == Opcode.CALL) {
          switch (instruction.operand(0)) {
            case Operand.Call call -> callees.add(call.function());
            case Operand.IndirectCall call -> call.candidates().forEach(f -> callees.add(f.name()));
            default -> {
              // The device's own functions are no functions of the module.
            }
          }
        }
      }
    }
    return callees;
  }
}
