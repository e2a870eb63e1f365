package io.farwarp.ptx;

import io.farwarp.ptx.cache.ModuleCache;
import io.farwarp.ptx.cache.ModuleImage;
import io.farwarp.ptx.codegen.ProgramCompiler;
import io.farwarp.ptx.fatbin.Fatbin;
import io.farwarp.ptx.ir.AddressedFunctions;
import io.farwarp.ptx.ir.Function;
import io.farwarp.ptx.ir.Lowering;
import io.farwarp.ptx.ir.ParameterLayout;
import io.farwarp.ptx.ir.SharedLayout;
import io.farwarp.ptx.ir.Symbol;
import io.farwarp.ptx.syntax.Parser;
import io.farwarp.ptx.syntax.SourceFunction;
import io.farwarp.ptx.syntax.SourceLines;
import io.farwarp.ptx.syntax.SourceModule;
import io.farwarp.ptx.syntax.SourceVariable;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A loaded PTX module: all its kernels are compiled, and its variables have memory. Kernels may be
 * launched from any thread; closing frees the variables, after the last launch has ended.
 */
public final class PtxModule implements AutoCloseable {
  private final String text;
  private final ModuleMemory memory;
  private final Map<String, PtxKernel> kernels;

  private PtxModule(String text, ModuleMemory memory, Map<String, PtxKernel> kernels) {
    this.text = text;
    this.memory = memory;
    this.kernels = kernels;
  }

  /**
   * Parses, verifies and compiles a module; nothing is generated later.
   *
   * @throws PtxMemoryException if its variables and heap take more than the options allow
   * @throws PtxException if the text is malformed, or uses what this device does not support
   */
  public static PtxModule load(String ptx, PtxOptions options) throws PtxException {
    ModuleCache cache = options.cacheDirectory() == null ? null : new ModuleCache(ptx, options);
    ModuleImage kept = cache == null ? null : cache.find();
    if (kept != null) {
      return of(ptx, ModuleMemory.none(), kept);
    }
    SourceModule source = Parser.parse(ptx, options);
    ModuleMemory memory = ModuleMemory.of(source, options);
    try {
      ModuleImage image = new ModuleImage(compile(source, memory, options), source.lines());
      // The addresses of variables are constants of the code.
      if (cache != null && memory.isEmpty()) {
        cache.keep(image);
      }
      return of(ptx, memory, image);
    } catch (PtxException | RuntimeException | Error e) {
      memory.close();
      if (e instanceof PtxException refusal) {
        SourceLines.Place place = source.lines().of(refusal.line());
        throw place == null ? refusal : new PtxException(refusal, place);
      }
      throw new PtxException(0, "the module cannot be compiled: " + e, e);
    }
  }

  private static PtxModule of(String ptx, ModuleMemory memory, ModuleImage image) {
    Map<String, PtxKernel> kernels = new LinkedHashMap<>();
    for (ModuleImage.Kernel kernel : image.kernels()) {
      kernels.put(kernel.name(), new PtxKernel(kernel, memory, image.sourceLines()));
    }
    return new PtxModule(ptx, memory, kernels);
  }

  /**
   * Loads a module from the bytes of its file: PTX text, or a fatbin with PTX in it. Of a fatbin
   * the PTX for the highest architecture is taken that this device supports.
   *
   * @throws NoPtxException if a fatbin holds code for GPUs only
   * @throws PtxException as {@link #load(String, PtxOptions)}; of a fatbin, why its best PTX cannot
   *     be loaded
   */
  public static PtxModule load(byte[] file, PtxOptions options) throws PtxException {
    if (!Fatbin.is(file)) {
      return load(text(file), options);
    }
    Fatbin fatbin = Fatbin.of(file);
    try {
      return load(fatbin.ptx(0, options.maxTextChars()), options);
    } catch (PtxException refusal) {
      for (int i = 1; i < fatbin.ptxCount(); i++) {
        try {
          return load(fatbin.ptx(i, options.maxTextChars()), options);
        } catch (PtxException e) {
          refusal.addSuppressed(e);
        }
      }
      throw refusal;
    }
  }

  private static String text(byte[] file) throws PtxException {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(file)).toString();
    } catch (CharacterCodingException e) {
      throw new PtxException(0, "the file is neither text nor a fatbin", e);
    }
  }

  private static List<ModuleImage.Kernel> compile(
      SourceModule source, ModuleMemory memory, PtxOptions options) throws PtxException {
    Map<String, SourceFunction> definitions = new LinkedHashMap<>();
    for (SourceFunction function : source.functions()) {
      SourceFunction earlier = definitions.get(function.name());
      if (earlier != null && earlier.body() != null && function.body() != null) {
        throw new PtxException(
            function.line(), "function '" + function.name() + "' is defined twice");
      }
      if (earlier == null || function.body() != null) {
        definitions.put(function.name(), function);
      }
    }
    Map<String, Symbol> symbols = symbols(source, memory);
    Map<String, SourceFunction> addressed = AddressedFunctions.of(source, definitions);
    Map<String, Function> functions = new HashMap<>();
    Map<String, Function> entries = new LinkedHashMap<>();
    for (SourceFunction function : definitions.values()) {
      if (function.body() != null) {
        Function lowered = Lowering.lower(function, options, symbols, definitions, addressed);
        (function.entry() ? entries : functions).put(function.name(), lowered);
      } else if (function.entry()) {
        throw new PtxException(
            function.line(), "kernel '" + function.name() + "' is declared and not defined");
      }
    }
    ProgramCompiler.Module module = new ProgramCompiler.Module(functions, options);
    List<ModuleImage.Kernel> kernels = new ArrayList<>();
    for (Function entry : entries.values()) {
      SourceFunction definition = java.util.Objects.requireNonNull(definitions.get(entry.name()));
      kernels.add(
          new ModuleImage.Kernel(
              entry.name(),
              ParameterLayout.of(definition),
              definition.maxThreads(),
              definition.requiredBlock(),
              ProgramCompiler.compile(entry, module)));
    }
    return kernels;
  }

  private static Map<String, Symbol> symbols(SourceModule source, ModuleMemory memory)
      throws PtxException {
    Map<String, Symbol> symbols = new HashMap<>(memory.symbols());
    for (SourceVariable variable : source.variables()) {
      if (variable.space().equals("shared")
          && symbols.putIfAbsent(variable.name(), SharedLayout.symbol(variable)) != null) {
        throw new PtxException(
            variable.line(), "variable '" + variable.name() + "' is declared twice");
      }
    }
    return symbols;
  }

  /** Whether the bytes of a file are a fatbin, by their beginning. */
  public static boolean isFatbin(byte[] file) {
    return Fatbin.is(file);
  }

  /** The PTX that was loaded; of a fatbin, the one that was chosen. */
  public String text() {
    return text;
  }

  /** What variables and the kernels' heap take until {@link #close}, outside the JVM's heap. */
  public long memoryBytes() {
    return memory.bytes();
  }

  /**
   * The memory of the {@code .global} and {@code .const} variables by name, as a host sees it:
   * writable, and valid until {@link #close}.
   */
  public Map<String, MemorySegment> variables() {
    return memory.variables();
  }

  /** In the order of the text. */
  public List<String> kernelNames() {
    return List.copyOf(kernels.keySet());
  }

  /**
   * The kernel of this name.
   *
   * @throws IllegalArgumentException if there is no kernel of that name
   */
  public PtxKernel kernel(String name) {
    @Nullable PtxKernel kernel = kernels.get(name);
    if (kernel == null) {
      throw new IllegalArgumentException(
          "the module has no kernel '" + name + "'; it has " + kernelNames());
    }
    return kernel;
  }

  @Override
  public void close() {
    memory.close();
  }
}
