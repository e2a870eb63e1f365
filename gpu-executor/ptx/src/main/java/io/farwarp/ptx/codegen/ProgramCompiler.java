package io.farwarp.ptx.codegen;

import io.farwarp.ptx.PtxException;
import io.farwarp.ptx.ir.Function;
import io.farwarp.ptx.runtime.BlockProgram;
import io.farwarp.ptx.runtime.ProgramDefiner;
import java.lang.classfile.ClassBuilder;
import java.lang.classfile.ClassFile;
import java.lang.classfile.MethodModel;
import java.lang.classfile.attribute.CodeAttribute;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.util.Map;

/** Compiles a kernel and the device functions it calls to one hidden class. */
public final class ProgramCompiler {
  /** HotSpot compiles no method that is longer, unless told otherwise. */
  public static final int JIT_LIMIT_BYTES = 8000;

  private static final ClassDesc OWNER = ClassDesc.of("io.farwarp.ptx.runtime.Kernel");

  /**
   * A kernel ready to run.
   *
   * @param largestMethodBytes bytecode of its longest method; above {@link #JIT_LIMIT_BYTES}
   *     HotSpot only interprets it
   */
  public record Compiled(BlockProgram program, int largestMethodBytes) {}

  private ProgramCompiler() {}

  /**
   * Compiles a kernel.
   *
   * @param functions the module's device functions by name
   */
  public static Compiled compile(Function kernel, Map<String, Function> functions)
      throws PtxException {
    byte[] bytes;
    try {
      bytes = ClassFile.of().build(OWNER, builder -> writeClass(builder, kernel, functions));
    } catch (Refusal refusal) {
      throw refusal.problem();
    } catch (IllegalArgumentException tooLarge) {
      // The class-file builder reports exceeded limits of the format this way.
      throw new PtxException(
          kernel.line(),
          "kernel '"
              + kernel.name()
              + "' is too large for the PTX CPU device: "
              + tooLarge.getMessage(),
          tooLarge);
    }
    return new Compiled(ProgramDefiner.define(bytes), largestMethod(bytes));
  }

  private static void writeClass(
      ClassBuilder builder, Function kernel, Map<String, Function> functions) {
    builder.withFlags(ClassFile.ACC_PUBLIC | ClassFile.ACC_FINAL);
    builder.withSuperclass(Names.PROGRAM);
    builder.withMethodBody(
        ConstantDescs.INIT_NAME,
        ConstantDescs.MTD_void,
        ClassFile.ACC_PUBLIC,
        code ->
            code.aload(0)
                .invokespecial(Names.PROGRAM, ConstantDescs.INIT_NAME, ConstantDescs.MTD_void)
                .return_());
    Callees callees = new Callees(OWNER, functions);
    builder.withMethodBody(
        "run",
        MethodTypeDesc.of(ConstantDescs.CD_void, Names.CONTEXT),
        ClassFile.ACC_PUBLIC,
        code -> KernelMethod.emit(new MethodBody(code, kernel, callees)));
    for (Function callee = callees.next(); callee != null; callee = callees.next()) {
      Function function = callee;
      builder.withMethodBody(
          callees.methodName(function),
          CallEmitter.descriptor(function),
          ClassFile.ACC_PRIVATE,
          code -> writeFunction(new MethodBody(code, function, callees)));
    }
  }

  private static void writeFunction(MethodBody body) {
    body.emitPrologue();
    body.emitUndefined();
    body.emitBlocks();
    body.code.return_();
    body.emitOutOfLine();
  }

  private static int largestMethod(byte[] bytes) {
    int largest = 0;
    for (MethodModel method : ClassFile.of().parse(bytes).methods()) {
      if (method.code().orElse(null) instanceof CodeAttribute code) {
        largest = Math.max(largest, code.codeLength());
      }
    }
    return largest;
  }
}
