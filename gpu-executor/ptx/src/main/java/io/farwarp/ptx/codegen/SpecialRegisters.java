package io.farwarp.ptx.codegen;

import io.farwarp.ptx.ir.SharedLayout;
import io.farwarp.ptx.ir.SpecialRegister;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;

/** Reads of the predefined registers. There is one multiprocessor here, and one grid at a time. */
final class SpecialRegisters {
  private SpecialRegisters() {}

  /** Pushes the value as an int, or as a long when {@code wide}. */
  static void push(MethodBody body, SpecialRegister register, boolean wide) {
    if (register.scope() == SpecialRegister.Scope.INSTANT) {
      body.code.invokestatic(Names.SYSTEM, "nanoTime", MethodTypeDesc.of(ConstantDescs.CD_long));
      if (register == SpecialRegister.CLOCK_HI || register == SpecialRegister.GLOBALTIMER_HI) {
        body.code.loadConstant(32).lushr();
      }
      if (!wide) {
        body.code.l2i();
      }
      return;
    }
    pushInt(body, register);
    if (wide) {
      body.widenToLong(false);
    }
  }

  private static void pushInt(MethodBody body, SpecialRegister register) {
    switch (register) {
      case TID_X -> thread(body, 0, "threadX");
      case TID_Y -> thread(body, 1, "threadY");
      case TID_Z -> thread(body, 2, "threadZ");
      case NTID_X -> extent(body, 0, "threadsX");
      case NTID_Y -> extent(body, 1, "threadsY");
      case NTID_Z -> extent(body, 2, "threadsZ");
      case CTAID_X -> field(body, "blockX");
      case CTAID_Y -> field(body, "blockY");
      case CTAID_Z -> field(body, "blockZ");
      case NCTAID_X -> field(body, "gridX");
      case NCTAID_Y -> field(body, "gridY");
      case NCTAID_Z -> field(body, "gridZ");
      case LANEID -> lane(body);
      case WARPID -> {
        linear(body);
        body.code.loadConstant(5).iushr();
      }
      case NWARPID -> {
        pushInt(body, SpecialRegister.NTID_X);
        pushInt(body, SpecialRegister.NTID_Y);
        body.code.imul();
        pushInt(body, SpecialRegister.NTID_Z);
        body.code.imul().loadConstant(31).iadd().loadConstant(5).iushr();
      }
      case DYNAMIC_SMEM_SIZE -> field(body, "dynamicSharedBytes");
      case TOTAL_SMEM_SIZE -> {
        body.code.aload(body.frame.sharedSlot());
        body.code.invokeinterface(
            Names.SEGMENT, "byteSize", MethodTypeDesc.of(ConstantDescs.CD_long));
        body.code.l2i();
      }
      case RESERVED_SMEM_OFFSET_BEGIN, RESERVED_SMEM_OFFSET_0 -> body.code.iconst_0();
      case RESERVED_SMEM_OFFSET_1 -> body.code.loadConstant(SharedLayout.SECOND_RESERVED);
      case RESERVED_SMEM_OFFSET_END, RESERVED_SMEM_OFFSET_CAP ->
          body.code.loadConstant(SharedLayout.RESERVED_BYTES);
      case SMID, GRIDID -> body.code.iconst_0();
      case NSMID -> body.code.iconst_1();
      case LANEMASK_EQ -> mask(body, 1);
      case LANEMASK_GE -> mask(body, -1);
      case LANEMASK_GT -> mask(body, -2);
      case LANEMASK_LT -> {
        mask(body, -1);
        body.code.iconst_m1().ixor();
      }
      case LANEMASK_LE -> {
        mask(body, -2);
        body.code.iconst_m1().ixor();
      }
      case CLOCK, CLOCK_HI, CLOCK64, GLOBALTIMER, GLOBALTIMER_LO, GLOBALTIMER_HI ->
          throw new IllegalArgumentException(register.name());
    }
  }

  private static void mask(MethodBody body, int pattern) {
    body.code.loadConstant(pattern);
    lane(body);
    body.code.ishl();
  }

  private static void lane(MethodBody body) {
    linear(body);
    body.code.loadConstant(31).iand();
  }

  private static void linear(MethodBody body) {
    if (body.frame.form() == FrameLayout.Form.REGION) {
      body.code.iload(FrameLayout.THREAD);
      return;
    }
    pushInt(body, SpecialRegister.TID_Z);
    pushInt(body, SpecialRegister.NTID_Y);
    body.code.imul();
    pushInt(body, SpecialRegister.TID_Y);
    body.code.iadd();
    pushInt(body, SpecialRegister.NTID_X);
    body.code.imul();
    pushInt(body, SpecialRegister.TID_X);
    body.code.iadd();
  }

  /** A coordinate of the thread. */
  private static void thread(MethodBody body, int axis, String field) {
    switch (body.frame.form()) {
      case KERNEL -> body.code.iload(FrameLayout.THREAD_X + axis);
      case REGION ->
          body.code.aload(FrameLayout.COORDINATES + axis).iload(FrameLayout.THREAD).iaload();
      case FUNCTION -> field(body, field);
    }
  }

  /** An extent of the block. */
  private static void extent(MethodBody body, int axis, String field) {
    if (body.frame.form() == FrameLayout.Form.KERNEL) {
      body.code.iload(FrameLayout.THREADS_X + axis);
    } else {
      field(body, field);
    }
  }

  private static void field(MethodBody body, String name) {
    body.code.aload(FrameLayout.CONTEXT).getfield(Names.CONTEXT, name, ConstantDescs.CD_int);
  }
}
