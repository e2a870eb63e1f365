package io.farwarp.ptx.codegen;

import static io.farwarp.ptx.codegen.FrameLayout.CONTEXT;
import static io.farwarp.ptx.codegen.FrameLayout.THREADS_X;
import static io.farwarp.ptx.codegen.FrameLayout.THREADS_Y;
import static io.farwarp.ptx.codegen.FrameLayout.THREADS_Z;
import static io.farwarp.ptx.codegen.FrameLayout.THREAD_X;
import static io.farwarp.ptx.codegen.FrameLayout.THREAD_Y;
import static io.farwarp.ptx.codegen.FrameLayout.THREAD_Z;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;

/**
 * The method that runs a block: a plain loop over its threads around the kernel's instructions, for
 * a kernel in which no thread waits for another.
 */
final class KernelMethod {
  private final MethodBody body;
  private final CodeBuilder code;

  private KernelMethod(MethodBody body) {
    this.body = body;
    this.code = body.code;
  }

  static void emit(MethodBody body) {
    new KernelMethod(body).emit();
  }

  private void emit() {
    loadExtent("threadsX", THREADS_X);
    loadExtent("threadsY", THREADS_Y);
    loadExtent("threadsZ", THREADS_Z);
    code.iconst_0().istore(THREAD_X).iconst_0().istore(THREAD_Y).iconst_0().istore(THREAD_Z);
    Label start = code.newBoundLabel();
    body.emitPrologue();
    Label end = code.newLabel();
    loop(
        THREAD_Z,
        THREADS_Z,
        () -> loop(THREAD_Y, THREADS_Y, () -> loop(THREAD_X, THREADS_X, this::thread)));
    code.goto_(end);
    body.emitOutOfLine();
    Label handled = code.newBoundLabel();
    code.exceptionCatch(start, handled, handled, Names.THROWABLE);
    recordThread(code);
    code.athrow();
    code.labelBinding(end).return_();
  }

  private void thread() {
    body.emitUndefined();
    body.emitBlocks(body.function.blocks());
  }

  private void loadExtent(String field, int slot) {
    code.aload(CONTEXT).getfield(Names.CONTEXT, field, ConstantDescs.CD_int).istore(slot);
  }

  private void loop(int index, int extent, Runnable inner) {
    code.iconst_0().istore(index);
    Label head = code.newBoundLabel();
    Label done = code.newLabel();
    code.iload(index).iload(extent).if_icmpge(done);
    inner.run();
    code.iinc(index, 1).goto_(head).labelBinding(done);
  }

  /** Tells the context which thread runs. */
  static void recordThread(CodeBuilder code) {
    code.aload(CONTEXT)
        .iload(THREAD_X)
        .iload(THREAD_Y)
        .iload(THREAD_Z)
        .invokevirtual(
            Names.CONTEXT,
            "atThread",
            MethodTypeDesc.of(
                ConstantDescs.CD_void,
                ConstantDescs.CD_int,
                ConstantDescs.CD_int,
                ConstantDescs.CD_int));
  }
}
