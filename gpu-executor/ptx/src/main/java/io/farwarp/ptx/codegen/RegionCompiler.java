package io.farwarp.ptx.codegen;

import io.farwarp.ptx.PtxException;
import io.farwarp.ptx.ir.BasicBlock;
import io.farwarp.ptx.ir.Function;
import io.farwarp.ptx.ir.Inlining;
import io.farwarp.ptx.ir.Instruction;
import io.farwarp.ptx.ir.SharedLayout;
import io.farwarp.ptx.regions.Region;
import io.farwarp.ptx.regions.RegionCuts;
import io.farwarp.ptx.regions.RegionPlan;
import io.farwarp.ptx.regions.SavedRegisters;
import io.farwarp.ptx.regions.Waiting;
import io.farwarp.ptx.runtime.BlockThreads;
import java.lang.classfile.ClassBuilder;
import java.lang.classfile.ClassFile;
import java.lang.classfile.TypeKind;
import java.util.BitSet;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Compiles a kernel to one method for each region. A method that HotSpot would not compile is cut
 * into several, and a device function that it would not compile becomes part of the kernel.
 */
final class RegionCompiler {
  /** Small enough that a block alone fits a method that HotSpot compiles. */
  private static final int LONGEST_BLOCK = 32;

  /** A method of more instructions might be longer than a JVM method can be. */
  private static final int MOST_INSTRUCTIONS = 1_000;

  /** What a cut aims at, so that the parts need not be cut again. */
  private static final int AIM_BYTES = 6_000;

  private static final int ATTEMPTS = 12;

  private final Function original;
  private final ProgramCompiler.Module module;
  private final SharedLayout shared;
  private final Set<String> inlined;
  private final Set<BasicBlock> cuts = new HashSet<>();
  private Function kernel;
  private Set<Instruction> turning;
  private Set<Instruction> yielding;

  private record Attempt(
      RegionPlan plan, SavedRegisters saved, StopTable stops, Callees callees, byte[] bytes) {}

  private RegionCompiler(Function kernel, ProgramCompiler.Module module, SharedLayout shared)
      throws PtxException {
    this.original = kernel;
    this.module = module;
    this.shared = shared;
    this.inlined = new HashSet<>(module.waiting().functions());
    this.kernel = expand();
    findLoops();
  }

  /**
   * Compiles a kernel.
   *
   * @param required whether there is no other way; else the result may be null
   */
  static @Nullable CompiledKernel compile(
      Function kernel, ProgramCompiler.Module module, SharedLayout shared, boolean required)
      throws PtxException {
    try {
      return new RegionCompiler(kernel, module, shared).compile();
    } catch (PtxException | Refusal e) {
      if (required) {
        throw e;
      }
      return null;
    }
  }

  private void findLoops() {
    turning = Waiting.turningBranches(kernel);
    yielding = module.waiting().pollingBranches(kernel);
    yielding.addAll(turning);
  }

  private Function expand() throws PtxException {
    return Inlining.expand(
        original,
        module.functions(),
        inlined,
        LONGEST_BLOCK,
        module.options().maxLocalBytesPerThread());
  }

  /** Makes functions, and those that call them, part of the kernel; false if they were before. */
  private boolean inline(Set<String> functions) throws PtxException {
    if (!inlined.addAll(module.waiting().calls().withCallers(functions))) {
      return false;
    }
    kernel = expand();
    findLoops();
    cuts.clear();
    return true;
  }

  private CompiledKernel compile() throws PtxException {
    int most = MOST_INSTRUCTIONS;
    Attempt best = null;
    int bestLargest = Integer.MAX_VALUE;
    for (int i = 0; i < ATTEMPTS; i++) {
      Attempt attempt = attempt(most);
      if (attempt == null) {
        if (!inlineLongFunctions()) {
          most = Math.max(LONGEST_BLOCK, most / 2);
        }
        continue;
      }
      Map<String, Integer> lengths = ProgramCompiler.methodBytes(attempt.bytes());
      int largest = Collections.max(lengths.values());
      if (largest < bestLargest) {
        best = attempt;
        bestLargest = largest;
      }
      if (largest <= ProgramCompiler.JIT_LIMIT_BYTES || !improve(attempt, lengths)) {
        break;
      }
    }
    if (best == null) {
      throw new PtxException(
          original.line(), "kernel '" + original.name() + "' is too large for the PTX CPU device");
    }
    return finish(best, bestLargest);
  }

  private CompiledKernel finish(Attempt attempt, int largest) {
    BlockThreads.Shape shape =
        new BlockThreads.Shape(
            attempt.saved().arrays(TypeKind.INT),
            attempt.saved().arrays(TypeKind.LONG),
            attempt.saved().arrays(TypeKind.FLOAT),
            attempt.saved().arrays(TypeKind.DOUBLE),
            kernel.frameBytes());
    return new CompiledKernel(
        attempt.bytes(),
        attempt.stops().stops(),
        largest,
        shared.staticBytes(),
        module.callBytes(original),
        shape);
  }

  /** Null when a method is longer than the JVM allows. */
  private @Nullable Attempt attempt(int mostInstructions) {
    RegionPlan plan = plan();
    for (int i = 0; i < ATTEMPTS && cutLongRegions(plan, mostInstructions); i++) {
      plan = plan();
    }
    Analysis analysis = Analysis.ofRegions(kernel);
    BitSet elsewhere = (BitSet) analysis.invariants().permanent().clone();
    elsewhere.or(analysis.invariants().folded());
    SavedRegisters saved = SavedRegisters.of(plan, elsewhere);
    StopTable stops = new StopTable();
    Callees callees =
        new Callees(ProgramCompiler.OWNER, module.functions(), shared, module.callBytes(original));
    RegionMethod.Kernel common =
        new RegionMethod.Kernel(analysis, plan, turning, saved, stops, callees);
    try {
      byte[] bytes =
          ClassFile.of().build(ProgramCompiler.OWNER, builder -> writeClass(builder, common));
      return new Attempt(plan, saved, stops, callees, bytes);
    } catch (IllegalArgumentException tooLarge) {
      return null;
    }
  }

  /** Functions that are longer than a region may be become part of the kernel too. */
  private boolean inlineLongFunctions() throws PtxException {
    Set<String> large = new HashSet<>();
    for (Function function : module.functions().values()) {
      if (function.size() > MOST_INSTRUCTIONS) {
        large.add(function.name());
      }
    }
    return inline(large);
  }

  private RegionPlan plan() {
    return RegionPlan.of(kernel, yielding, cuts);
  }

  private boolean cutLongRegions(RegionPlan plan, int mostInstructions) {
    boolean changed = false;
    for (Region region : plan.regions()) {
      if (region.size() > mostInstructions) {
        changed |= cut(region, (region.size() + mostInstructions - 1) / mostInstructions);
      }
    }
    return changed;
  }

  /** Cuts a region into about so many parts; false if it has no place for a cut. */
  private boolean cut(Region region, int parts) {
    return cuts.addAll(RegionCuts.dividing(region, parts));
  }

  /** Shortens what was too long; false if there is nothing more to do. */
  private boolean improve(Attempt attempt, Map<String, Integer> lengths) throws PtxException {
    Map<String, String> functions = attempt.callees().functionsByMethod();
    Set<String> large = new HashSet<>();
    lengths.forEach((method, length) -> {
      String function = functions.get(method);
      if (length > ProgramCompiler.JIT_LIMIT_BYTES && function != null) {
        large.add(function);
      }
    });
    Set<String> before = Set.copyOf(inlined);
    try {
      if (inline(large)) {
        return true;
      }
    } catch (PtxException recursive) {
      // They stay methods of their own, which are interpreted.
      inlined.retainAll(before);
    }
    boolean changed = false;
    for (Region region : attempt.plan().regions()) {
      int length = lengths.getOrDefault(RegionMethod.name(region), 0);
      if (length > ProgramCompiler.JIT_LIMIT_BYTES) {
        changed |= cut(region, (length + AIM_BYTES - 1) / AIM_BYTES);
      }
    }
    return changed;
  }

  private static void writeClass(ClassBuilder builder, RegionMethod.Kernel kernel) {
    ProgramCompiler.beginClass(builder, Names.REGION_CODE);
    List<Region> regions = kernel.plan().regions();
    RegionDispatch.write(builder, regions);
    for (Region region : regions) {
      builder.withMethodBody(
          RegionMethod.name(region),
          RegionMethod.TYPE,
          ClassFile.ACC_PRIVATE,
          code -> RegionMethod.emit(code, kernel, region));
    }
    ProgramCompiler.writeFunctions(builder, kernel.callees());
  }
}
