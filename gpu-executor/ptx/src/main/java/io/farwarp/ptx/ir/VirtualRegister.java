package io.farwarp.ptx.ir;

import io.farwarp.ptx.PtxType;
import java.lang.classfile.TypeKind;

/**
 * A PTX register. Its {@linkplain #kind() JVM kind} is chosen from how it is used, since nvcc keeps
 * floats in {@code .b32} registers too; the bits are the same either way.
 */
public final class VirtualRegister {
  private final int index;
  private final String name;
  private final PtxType type;
  private TypeKind kind;

  VirtualRegister(int index, String name, PtxType type) {
    this.index = index;
    this.name = name;
    this.type = type;
    this.kind = kindOf(type);
  }

  /** How the JVM holds a value of a type. */
  public static TypeKind kindOf(PtxType type) {
    return switch (type) {
      case F32 -> TypeKind.FLOAT;
      case F64 -> TypeKind.DOUBLE;
      default -> type.sizeBytes() == 8 ? TypeKind.LONG : TypeKind.INT;
    };
  }

  /** Dense number within its function, from 0. */
  public int index() {
    return index;
  }

  public String name() {
    return name;
  }

  /** The declared type. */
  public PtxType type() {
    return type;
  }

  public boolean isPredicate() {
    return type == PtxType.PRED;
  }

  public TypeKind kind() {
    return kind;
  }

  void hold(TypeKind kind) {
    this.kind = kind;
  }

  @Override
  public String toString() {
    return name;
  }
}
