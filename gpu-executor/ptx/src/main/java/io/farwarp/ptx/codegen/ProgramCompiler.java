package io.farwarp.ptx.codegen;

import io.farwarp.ptx.PtxException;
import io.farwarp.ptx.PtxOptions;
import io.farwarp.ptx.ir.Function;
import io.farwarp.ptx.ir.Opcode;
import io.farwarp.ptx.ir.SharedLayout;
import io.farwarp.ptx.regions.Waiting;
import java.lang.classfile.ClassBuilder;
import java.lang.classfile.ClassFile;
import java.lang.classfile.MethodModel;
import java.lang.classfile.attribute.CodeAttribute;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Compiles a kernel and the device functions it calls to one hidden class: to a loop over the
 * threads of a block where no thread waits for another, none had best take turns, and HotSpot
 * compiles that; and else {@linkplain RegionCompiler to regions}.
 */
public final class ProgramCompiler {
  /** HotSpot compiles no method that is longer, unless told otherwise. */
  public static final int JIT_LIMIT_BYTES = 8000;

  /** Local memory for the calls of a kernel that has device functions beside it. */
  private static final int CALL_BYTES = 64 << 10;

  /**
   * What a module's kernels are compiled with.
   *
   * @param functions the module's device functions by name
   */
  public record Module(Map<String, Function> functions, Waiting waiting, PtxOptions options) {
    public Module(Map<String, Function> functions, PtxOptions options) {
      this(functions, Waiting.in(functions), options);
    }

    int callBytes(Function kernel) {
      return functions.isEmpty() && !kernel.uses(Opcode.ALLOCA)
          ? 0
          : Math.min(options.maxLocalBytesPerThread(), CALL_BYTES);
    }
  }

  static final ClassDesc OWNER = ClassDesc.of("io.farwarp.ptx.runtime.Kernel");

  private ProgramCompiler() {}

  /** Compiles a kernel of a module. */
  public static CompiledKernel compile(Function kernel, Module module) throws PtxException {
    SharedLayout shared = SharedLayout.of(kernel, module.functions());
    try {
      CompiledKernel plain =
          module.waiting().waits(kernel) ? null : compilePlain(kernel, module, shared);
      if (plain != null && isCompilable(plain) && Waiting.turningBranches(kernel).isEmpty()) {
        return plain;
      }
      CompiledKernel regions = RegionCompiler.compile(kernel, module, shared, plain == null);
      boolean plainIsBetter =
          plain != null && isCompilable(plain) && regions != null && !isCompilable(regions);
      return regions == null || plainIsBetter ? Objects.requireNonNull(plain) : regions;
    } catch (Refusal refusal) {
      throw refusal.problem();
    }
  }

  private static boolean isCompilable(CompiledKernel compiled) {
    return compiled.largestMethodBytes() <= JIT_LIMIT_BYTES;
  }

  /** Null when the kernel is longer than a JVM method can be. */
  private static @Nullable CompiledKernel compilePlain(
      Function kernel, Module module, SharedLayout shared) {
    Callees callees = new Callees(OWNER, module.functions(), shared, module.callBytes(kernel));
    byte[] bytes;
    try {
      bytes =
          ClassFile.of()
              .build(
                  OWNER,
                  builder -> {
                    beginClass(builder, Names.PROGRAM);
                    builder.withMethodBody(
                        "run",
                        MethodTypeDesc.of(ConstantDescs.CD_void, Names.CONTEXT),
                        ClassFile.ACC_PUBLIC,
                        code ->
                            KernelMethod.emit(new MethodBody(code, Analysis.of(kernel), callees)));
                    writeFunctions(builder, callees);
                  });
    } catch (IllegalArgumentException tooLarge) {
      // The class-file builder reports exceeded limits of the format this way.
      return null;
    }
    int largest = 0;
    for (int length : methodBytes(bytes).values()) {
      largest = Math.max(largest, length);
    }
    return new CompiledKernel(
        bytes,
        List.of(),
        largest,
        shared.staticBytes(),
        module.callBytes(kernel) + kernel.frameBytes(),
        null);
  }

  /** Writes what every generated class starts with: its superclass and its constructor. */
  static void beginClass(ClassBuilder builder, ClassDesc superclass) {
    builder.withFlags(ClassFile.ACC_PUBLIC | ClassFile.ACC_FINAL);
    builder.withSuperclass(superclass);
    builder.withMethodBody(
        ConstantDescs.INIT_NAME,
        ConstantDescs.MTD_void,
        ClassFile.ACC_PUBLIC,
        code ->
            code.aload(0)
                .invokespecial(superclass, ConstantDescs.INIT_NAME, ConstantDescs.MTD_void)
                .return_());
  }

  /** Writes the functions that the methods before call, and those that these call. */
  static void writeFunctions(ClassBuilder builder, Callees callees) {
    for (Function callee = callees.next(); callee != null; callee = callees.next()) {
      Function function = callee;
      builder.withMethodBody(
          callees.methodName(function),
          CallEmitter.descriptor(function),
          ClassFile.ACC_PRIVATE,
          code -> writeFunction(new MethodBody(code, Analysis.of(function), callees)));
    }
  }

  private static void writeFunction(MethodBody body) {
    body.emitPrologue();
    body.emitUndefined();
    body.emitBlocks(body.function.blocks());
    body.code.return_();
    body.emitOutOfLine();
  }

  /** Bytes of bytecode by method name. */
  static Map<String, Integer> methodBytes(byte[] bytes) {
    Map<String, Integer> lengths = new HashMap<>();
    for (MethodModel method : ClassFile.of().parse(bytes).methods()) {
      if (method.code().orElse(null) instanceof CodeAttribute code) {
        lengths.put(method.methodName().stringValue(), code.codeLength());
      }
    }
    return lengths;
  }
}
