package io.farwarp.ptx.codegen;

import io.farwarp.ptx.runtime.ApproximateMath;
import io.farwarp.ptx.runtime.AtomicOps;
import io.farwarp.ptx.runtime.BitOps;
import io.farwarp.ptx.runtime.BlockContext;
import io.farwarp.ptx.runtime.BlockProgram;
import io.farwarp.ptx.runtime.BlockThreads;
import io.farwarp.ptx.runtime.Conversions;
import io.farwarp.ptx.runtime.DeviceTrap;
import io.farwarp.ptx.runtime.DirectedRounding;
import io.farwarp.ptx.runtime.FloatOps;
import io.farwarp.ptx.runtime.FunctionAddress;
import io.farwarp.ptx.runtime.HalfOps;
import io.farwarp.ptx.runtime.IntegerOps;
import io.farwarp.ptx.runtime.Layouts;
import io.farwarp.ptx.runtime.NarrowAtomics;
import io.farwarp.ptx.runtime.RegionCode;
import io.farwarp.ptx.runtime.SharedOps;
import io.farwarp.ptx.runtime.ThreadExit;
import java.lang.classfile.TypeKind;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/** Descriptors of the classes that generated code refers to. */
final class Names {
  static final ClassDesc PROGRAM = of(BlockProgram.class);
  static final ClassDesc CONTEXT = of(BlockContext.class);
  static final ClassDesc FUNCTION_ADDRESS = of(FunctionAddress.class);
  static final ClassDesc THREAD_EXIT = of(ThreadExit.class);
  static final ClassDesc REGION_CODE = of(RegionCode.class);
  static final ClassDesc THREADS = of(BlockThreads.class);
  static final ClassDesc SHARED_OPS = of(SharedOps.class);
  static final ClassDesc TRAP = of(DeviceTrap.class);
  static final ClassDesc SEGMENT = of(MemorySegment.class);
  static final ClassDesc LAYOUT = of(ValueLayout.class);
  static final ClassDesc VECTOR_LAYOUTS = of(Layouts.class);
  static final ClassDesc INTEGERS = of(IntegerOps.class);
  static final ClassDesc BITS = of(BitOps.class);
  static final ClassDesc FLOATS = of(FloatOps.class);
  static final ClassDesc HALVES = of(HalfOps.class);
  static final ClassDesc DIRECTED = of(DirectedRounding.class);
  static final ClassDesc APPROXIMATE = of(ApproximateMath.class);
  static final ClassDesc CONVERSIONS = of(Conversions.class);
  static final ClassDesc ATOMICS = of(AtomicOps.class);
  static final ClassDesc NARROW_ATOMICS = of(NarrowAtomics.class);
  static final ClassDesc MATH = of(Math.class);
  static final ClassDesc INTEGER = of(Integer.class);
  static final ClassDesc LONG = of(Long.class);
  static final ClassDesc FLOAT = of(Float.class);
  static final ClassDesc DOUBLE = of(Double.class);
  static final ClassDesc SYSTEM = of(System.class);
  static final ClassDesc VAR_HANDLE = of(VarHandle.class);
  static final ClassDesc RUNTIME_EXCEPTION = of(RuntimeException.class);
  static final ClassDesc THROWABLE = of(Throwable.class);

  private Names() {}

  private static ClassDesc of(Class<?> type) {
    return ClassDesc.ofDescriptor(type.descriptorString());
  }

  static ClassDesc primitive(TypeKind kind) {
    return switch (kind) {
      case BYTE -> ConstantDescs.CD_byte;
      case SHORT -> ConstantDescs.CD_short;
      case INT -> ConstantDescs.CD_int;
      case LONG -> ConstantDescs.CD_long;
      case FLOAT -> ConstantDescs.CD_float;
      case DOUBLE -> ConstantDescs.CD_double;
      default -> throw new IllegalArgumentException(kind.name());
    };
  }
}
