package io.farwarp.ptx.codegen;

import static io.farwarp.ptx.codegen.FrameLayout.ALL_STATES;
import static io.farwarp.ptx.codegen.FrameLayout.ANY_STATE;
import static io.farwarp.ptx.codegen.FrameLayout.CONTEXT;
import static io.farwarp.ptx.codegen.FrameLayout.COORDINATES;
import static io.farwarp.ptx.codegen.FrameLayout.END;
import static io.farwarp.ptx.codegen.FrameLayout.PATIENCE;
import static io.farwarp.ptx.codegen.FrameLayout.SELECTIVE;
import static io.farwarp.ptx.codegen.FrameLayout.STATES;
import static io.farwarp.ptx.codegen.FrameLayout.THREAD;
import static io.farwarp.ptx.codegen.FrameLayout.THREADS;

import io.farwarp.ptx.ir.BasicBlock;
import io.farwarp.ptx.ir.Instruction;
import io.farwarp.ptx.ir.VirtualRegister;
import io.farwarp.ptx.regions.Region;
import io.farwarp.ptx.regions.RegionPlan;
import io.farwarp.ptx.regions.SavedRegisters;
import io.farwarp.ptx.runtime.RegionCode;
import io.farwarp.ptx.runtime.Stop;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.classfile.TypeKind;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.util.BitSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The method of one region: a loop over threads of the block, each of which takes its saved
 * registers from arrays, runs to its next stop and saves what it may have written.
 */
final class RegionMethod implements MethodBody.Stops {
  /** Iterations of a loop that polls before other threads get their turn. */
  private static final int POLLS = 64;

  /**
   * Iterations of a loop of long steps before other threads get their turn: as many cache lines are
   * open, likely in one set of the cache. C2 makes much of its being a small constant.
   */
  private static final int TURN = 2;

  /** {@code (context, from, to, selective)}, giving what {@link RegionCode#run} gives. */
  static final MethodTypeDesc TYPE =
      MethodTypeDesc.of(
          ConstantDescs.CD_long,
          Names.CONTEXT,
          ConstantDescs.CD_int,
          ConstantDescs.CD_int,
          ConstantDescs.CD_boolean);

  private final Kernel kernel;
  private final Region region;
  private final CodeBuilder code;
  private final MethodBody body;
  private final BitSet written = new BitSet();
  private final Map<SavedRegisters.Place, Integer> arrays = new LinkedHashMap<>();
  private final Map<Stop, Label> leaving = new HashMap<>();
  private final Label arrived;
  private final int resultSlot;
  private final int flagSlot;

  /** What the regions of a kernel have in common. */
  record Kernel(
      Analysis analysis,
      RegionPlan plan,
      Set<Instruction> turning,
      SavedRegisters saved,
      StopTable stops,
      Callees callees) {}

  private RegionMethod(CodeBuilder code, Kernel kernel, Region region) {
    this.code = code;
    this.kernel = kernel;
    this.region = region;
    arrived = code.newLabel();
    findWritten();
    int slot = FrameLayout.ownSlot();
    resultSlot = slot++;
    flagSlot = slot++;
    for (SavedRegisters.Place place : usedArrays().keySet()) {
      arrays.put(place, slot++);
    }
    FrameLayout frame = FrameLayout.of(kernel.analysis(), region, slot - FrameLayout.ownSlot());
    body = new MethodBody(code, kernel.analysis(), frame, kernel.callees(), this);
  }

  static void emit(CodeBuilder code, Kernel kernel, Region region) {
    new RegionMethod(code, kernel, region).emit();
  }

  static String name(Region region) {
    return "region" + region.index();
  }

  /** Tells the context which thread runs. */
  static void recordThread(CodeBuilder code) {
    code.aload(CONTEXT)
        .iload(THREAD)
        .invokevirtual(
            Names.CONTEXT,
            "atThread",
            MethodTypeDesc.of(ConstantDescs.CD_void, ConstantDescs.CD_int));
  }

  private void findWritten() {
    for (BasicBlock block : region.blocks()) {
      for (Instruction instruction : block.instructions()) {
        instruction.forEachDefined(register -> written.set(register.index()));
      }
    }
    if (region.resumed() != null) {
      region.resumed().forEachDefined(register -> written.set(register.index()));
    }
    if (region.index() == 0) {
      written.or(region.head().liveIn());
    }
  }

  /** The arrays from which registers are taken or to which they are saved. */
  private Map<SavedRegisters.Place, Boolean> usedArrays() {
    Map<SavedRegisters.Place, Boolean> used = new LinkedHashMap<>();
    SavedRegisters saved = kernel.saved();
    saved.at(region).forEach(register -> used.put(saved.place(register), true));
    for (Region next : kernel.plan().following(region)) {
      for (VirtualRegister register : saved.at(next)) {
        if (written.get(register.index())) {
          used.put(saved.place(register), true);
        }
      }
    }
    return used;
  }

  private void emit() {
    code.iconst_0().istore(ANY_STATE).iconst_m1().istore(ALL_STATES);
    loadThreads();
    Label start = code.newBoundLabel();
    body.emitPrologue();
    Label head = code.newBoundLabel();
    Label done = code.newLabel();
    Label next = code.newLabel();
    Label run = code.newLabel();
    code.iload(THREAD).iload(END).if_icmpge(done);
    code.iload(SELECTIVE).ifeq(run);
    code.aload(STATES).iload(THREAD).iaload();
    code.loadConstant(~region.index()).if_icmpne(next);
    code.labelBinding(run);
    thread();
    code.labelBinding(arrived);
    noteState();
    code.labelBinding(next).iinc(THREAD, 1).goto_(head);
    body.emitOutOfLine();
    Label handled = code.newBoundLabel();
    code.exceptionCatch(start, handled, handled, Names.THROWABLE);
    recordThread(code);
    code.athrow();
    code.labelBinding(done);
    code.iload(ALL_STATES).i2l().loadConstant(32).lshl();
    code.iload(ANY_STATE).i2l().loadConstant(0xFFFF_FFFFL).land().lor().lreturn();
  }

  private void loadThreads() {
    code.aload(CONTEXT)
        .invokevirtual(Names.CONTEXT, "threads", MethodTypeDesc.of(Names.THREADS))
        .astore(THREADS);
    loadArray("states", TypeKind.INT, STATES);
    loadArray("xs", TypeKind.INT, COORDINATES);
    loadArray("ys", TypeKind.INT, COORDINATES + 1);
    loadArray("zs", TypeKind.INT, COORDINATES + 2);
    loadArray("results", TypeKind.INT, resultSlot);
    loadArray("flags", TypeKind.INT, flagSlot);
    arrays.forEach((place, slot) -> {
      ClassDesc array = Names.primitive(place.kind()).arrayType();
      String field = Access.word(place.kind()).toLowerCase(java.util.Locale.ROOT) + "s";
      code.aload(THREADS)
          .getfield(Names.THREADS, field, array.arrayType())
          .loadConstant(place.index())
          .aaload()
          .astore(slot);
    });
  }

  private void loadArray(String field, TypeKind kind, int slot) {
    code.aload(THREADS)
        .getfield(Names.THREADS, field, Names.primitive(kind).arrayType())
        .astore(slot);
  }

  /** From what a thread finds saved to the number of the stop that it comes to, on the stack. */
  private void thread() {
    code.loadConstant(hasLongSteps() ? TURN : POLLS).istore(PATIENCE);
    int frameBytes = body.function.frameBytes();
    if (frameBytes > 0) {
      code.iload(THREAD).i2l().loadConstant((long) frameBytes).lmul();
      code.loadConstant((long) kernel.callees().callBytes()).ladd();
      code.lstore(body.frame.frameSlot());
    }
    if (region.index() == 0) {
      body.emitUndefined();
    }
    for (VirtualRegister register : kernel.saved().at(region)) {
      code.aload(array(register)).iload(THREAD).arrayLoad(register.kind());
      code.storeLocal(register.kind(), body.frame.slot(register));
    }
    if (region.resumed() != null) {
      StopEmitter.loadResults(body, region.resumed(), region.head().liveIn(), resultSlot, flagSlot);
    }
    if (region.head() != region.blocks().getFirst()) {
      code.goto_(body.label(region.head()));
    }
    body.emitBlocks(region.blocks());
    code.loadConstant(RegionCode.EXITED);
  }

  private boolean hasLongSteps() {
    return region.blocks().stream()
        .map(block -> block.instructions())
        .anyMatch(list -> !list.isEmpty() && kernel.turning().contains(list.getLast()));
  }

  private int array(VirtualRegister register) {
    Integer slot = arrays.get(kernel.saved().place(register));
    if (slot == null) {
      throw new IllegalStateException("register " + register + " is not of this region");
    }
    return slot;
  }

  /** Takes a state off the stack. */
  private void noteState() {
    code.dup().iload(ANY_STATE).ior().istore(ANY_STATE);
    code.dup().iload(ALL_STATES).iand().istore(ALL_STATES);
    code.aload(STATES).swap().iload(THREAD).swap().iastore();
  }

  /** Saves what the next region needs and this one may have changed, and ends the thread's turn. */
  private void stop(Stop stop, Region next) {
    for (VirtualRegister register : kernel.saved().at(next)) {
      if (written.get(register.index())) {
        code.aload(array(register)).iload(THREAD);
        code.loadLocal(register.kind(), body.frame.slot(register)).arrayStore(register.kind());
      }
    }
    code.loadConstant(kernel.stops().number(stop)).goto_(arrived);
  }

  @Override
  public boolean holds(BasicBlock block) {
    return region.members().contains(block);
  }

  @Override
  public Label leave(BasicBlock target) {
    Region next = kernel.plan().at(target);
    RegionPlan plan = kernel.plan();
    Stop stop =
        plan.isStep(target)
            ? new Stop.Step(next.index(), 0, plan.place(body.current(), target))
            : new Stop.Cut(next.index(), 0);
    return leave(stop, next);
  }

  private Label leave(Stop stop, Region next) {
    Label known = leaving.get(stop);
    if (known != null) {
      return known;
    }
    Label label = code.newLabel();
    leaving.put(stop, label);
    body.later(() -> {
      code.labelBinding(label);
      stop(stop, next);
    });
    return label;
  }

  @Override
  public @Nullable Label letOthersRun(Instruction branch, BasicBlock target) {
    if (!kernel.plan().isYielding(branch)) {
      return null;
    }
    Region next = kernel.plan().at(target);
    return leave(new Stop.Poll(next.index(), branch.line()), next);
  }

  @Override
  public void suspend(Instruction instruction) {
    Region next = kernel.plan().after(body.current());
    Stop stop = StopEmitter.emit(body, kernel.stops(), instruction, next.index());
    stop(stop, next);
  }
}
