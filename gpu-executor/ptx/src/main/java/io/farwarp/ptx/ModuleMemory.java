package io.farwarp.ptx;

import io.farwarp.ptx.ir.BuiltIn;
import io.farwarp.ptx.ir.Symbol;
import io.farwarp.ptx.runtime.DeviceHeap;
import io.farwarp.ptx.runtime.FunctionAddress;
import io.farwarp.ptx.syntax.SourceFunction;
import io.farwarp.ptx.syntax.SourceModule;
import io.farwarp.ptx.syntax.SourceOperand;
import io.farwarp.ptx.syntax.SourceVariable;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A module's {@code .global} and {@code .const} variables, each an allocation of its own, and the
 * heap of its kernels, if they allocate.
 */
final class ModuleMemory implements AutoCloseable {
  private static final int MAX_VARIABLES = 65_536;

  private final Arena arena = Arena.ofShared();
  private final Map<String, Symbol.ModuleVariable> symbols = new LinkedHashMap<>();
  private final Map<String, Symbol.DeviceFunction> functions = new LinkedHashMap<>();
  private final MemorySegment[] segments;
  private final DeviceHeap heap;
  private final long bytes;

  private ModuleMemory(int variables, int heapBytes, long bytes) {
    this.segments = new MemorySegment[heapBytes == 0 ? variables : variables + 1];
    this.bytes = bytes;
    MemorySegment heapMemory = arena.allocate(heapBytes, 16);
    if (heapBytes != 0) {
      segments[variables] = heapMemory;
    }
    heap = new DeviceHeap(heapMemory);
  }

  /** Of a module without variables and heap. */
  static ModuleMemory none() {
    return new ModuleMemory(0, 0, 0);
  }

  /** Whether the module has neither variables nor a heap. */
  boolean isEmpty() {
    return segments.length == 0;
  }

  static ModuleMemory of(SourceModule module, PtxOptions options) throws PtxException {
    List<SourceVariable> variables =
        module.variables().stream().filter(v -> !v.space().equals("shared")).toList();
    int heapBytes = isAllocating(module) ? DeviceHeap.DEFAULT_BYTES : 0;
    long bytes = checkedBytes(variables, heapBytes, options);
    ModuleMemory memory = new ModuleMemory(variables.size(), heapBytes, bytes);
    for (SourceFunction function : module.functions()) {
      if (!function.entry()) {
        long address = FunctionAddress.of(memory.functions.size());
        memory.functions.putIfAbsent(
            function.name(), new Symbol.DeviceFunction(function.name(), address));
      }
    }
    try {
      for (SourceVariable variable : variables) {
        memory.allocate(variable);
      }
      for (SourceVariable variable : variables) {
        memory.initialise(variable);
      }
      return memory;
    } catch (PtxException | RuntimeException | Error e) {
      memory.close();
      throw e;
    }
  }

  private static boolean isAllocating(SourceModule module) {
    return module.functions().stream()
        .anyMatch(f -> f.name().equals(BuiltIn.MALLOC.text()) && f.body() == null);
  }

  /** What the heap and all variables take together, with what their alignment may cost. */
  private static long checkedBytes(
      List<SourceVariable> variables, int heapBytes, PtxOptions options) throws PtxException {
    if (variables.size() > MAX_VARIABLES) {
      throw new PtxException(0, "a module has at most " + MAX_VARIABLES + " variables");
    }
    long total = heapBytes;
    for (SourceVariable variable : variables) {
      if (variable.elements() == 0 || variable.external()) {
        throw new PtxException(
            variable.line(), "variable '" + variable.name() + "' has no size in this module");
      }
      long end = total + variable.sizeBytes() + Math.max(16, variable.alignBytes());
      total = end < total ? Long.MAX_VALUE : end;
    }
    if (total > options.maxModuleMemoryBytes()) {
      int line = variables.isEmpty() ? 0 : variables.getFirst().line();
      throw new PtxMemoryException(line, total, options.maxModuleMemoryBytes());
    }
    return total;
  }

  private void allocate(SourceVariable variable) throws PtxException {
    MemorySegment segment =
        arena.allocate(variable.sizeBytes(), Math.max(16, variable.alignBytes()));
    int index = symbols.size();
    segments[index] = segment;
    Symbol.ModuleVariable symbol =
        new Symbol.ModuleVariable(
            variable.name(),
            index,
            segment.address(),
            variable.sizeBytes(),
            variable.space().equals("const"));
    if (symbols.putIfAbsent(variable.name(), symbol) != null) {
      throw new PtxException(
          variable.line(), "variable '" + variable.name() + "' is declared twice");
    }
  }

  private void initialise(SourceVariable variable) throws PtxException {
    if (variable.initial().size() > variable.elements()) {
      throw new PtxException(
          variable.line(), "variable '" + variable.name() + "' has too many initial values");
    }
    Symbol.ModuleVariable symbol = symbol(variable);
    long offset = 0;
    for (SourceVariable.Initial initial : variable.initial()) {
      write(variable, segments[symbol.index()], offset, bits(variable, initial));
      offset += variable.type().sizeBytes();
    }
  }

  private Symbol.ModuleVariable symbol(SourceVariable variable) {
    Symbol.ModuleVariable symbol = symbols.get(variable.name());
    if (symbol == null) {
      throw new IllegalStateException(variable.name());
    }
    return symbol;
  }

  private long bits(SourceVariable variable, SourceVariable.Initial initial) throws PtxException {
    return switch (initial) {
      case SourceVariable.Initial.Value number -> bits(variable, number.value());
      case SourceVariable.Initial.Address address -> {
        Long target = address(address.symbol());
        if (target == null || variable.type().sizeBytes() != 8) {
          throw new PtxException(
              variable.line(),
              "'" + address.symbol() + "' cannot initialise '" + variable.name() + "'");
        }
        yield target + address.offset();
      }
    };
  }

  private @Nullable Long address(String name) {
    Symbol.ModuleVariable variable = symbols.get(name);
    if (variable != null) {
      return variable.address();
    }
    Symbol.DeviceFunction function = functions.get(name);
    return function == null ? null : function.address();
  }

  private static long bits(SourceVariable variable, SourceOperand.Literal number)
      throws PtxException {
    PtxType type = variable.type();
    if (number.kind() == SourceOperand.NumberKind.INTEGER) {
      if (type == PtxType.F32) {
        return Float.floatToRawIntBits((float) number.bits());
      }
      return type == PtxType.F64
          ? Double.doubleToRawLongBits((double) number.bits())
          : number.bits();
    }
    boolean single = number.kind() == SourceOperand.NumberKind.FLOAT32;
    if (single ? type.sizeBytes() == 4 : type.sizeBytes() == 8) {
      return number.bits();
    }
    if (type == PtxType.F32) {
      return Float.floatToRawIntBits((float) Double.longBitsToDouble(number.bits()));
    }
    if (type == PtxType.F64) {
      return Double.doubleToRawLongBits(Float.intBitsToFloat((int) number.bits()));
    }
    throw new PtxException(variable.line(), "a float cannot initialise '" + variable.name() + "'");
  }

  private static void write(
      SourceVariable variable, MemorySegment segment, long offset, long bits) {
    switch (variable.type().sizeBytes()) {
      case 1 -> segment.set(ValueLayout.JAVA_BYTE, offset, (byte) bits);
      case 2 -> segment.set(ValueLayout.JAVA_SHORT_UNALIGNED, offset, (short) bits);
      case 4 -> segment.set(ValueLayout.JAVA_INT_UNALIGNED, offset, (int) bits);
      default -> segment.set(ValueLayout.JAVA_LONG_UNALIGNED, offset, bits);
    }
  }

  long bytes() {
    return bytes;
  }

  /** Variables and device functions by name. */
  Map<String, Symbol> symbols() {
    Map<String, Symbol> all = new LinkedHashMap<>(functions);
    all.putAll(symbols);
    return all;
  }

  DeviceHeap heap() {
    return heap;
  }

  /** The variables as the host sees them, by name. */
  Map<String, MemorySegment> variables() {
    Map<String, MemorySegment> variables = new LinkedHashMap<>();
    for (Symbol.ModuleVariable symbol : symbols.values()) {
      variables.put(symbol.name(), segments[symbol.index()]);
    }
    return variables;
  }

  /** The variables as kernels see them, and the heap: constants cannot be written. */
  MemorySegment[] segments() {
    MemorySegment[] seen = segments.clone();
    for (Symbol.ModuleVariable symbol : symbols.values()) {
      if (symbol.constant()) {
        seen[symbol.index()] = segments[symbol.index()].asReadOnly();
      }
    }
    return seen;
  }

  @Override
  public void close() {
    arena.close();
  }
}
