package io.farwarp.ptx.codegen;

import java.lang.classfile.TypeKind;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;

/** Calls of {@code MemorySegment.get} and {@code set}. */
final class Access {
  private Access() {}

  static String word(TypeKind kind) {
    return switch (kind) {
      case BYTE -> "Byte";
      case SHORT -> "Short";
      case INT -> "Int";
      case LONG -> "Long";
      case FLOAT -> "Float";
      case DOUBLE -> "Double";
      default -> throw new IllegalArgumentException(kind.name());
    };
  }

  private static ClassDesc layout(TypeKind kind) {
    return ClassDesc.of("java.lang.foreign.ValueLayout$Of" + word(kind));
  }

  /** Pushes the layout of an element that must be aligned to {@code elements} of its size. */
  static void pushLayout(MethodBody body, TypeKind kind, int elements) {
    String name = word(kind).toUpperCase(java.util.Locale.ROOT);
    if (elements == 1) {
      body.code.getstatic(Names.LAYOUT, "JAVA_" + name, layout(kind));
    } else {
      int align = elements * sizeBytes(kind);
      body.code.getstatic(Names.VECTOR_LAYOUTS, name + "_" + align, layout(kind));
    }
  }

  /** Pushes the layout of an element whose alignment has been checked. */
  static void pushUnaligned(MethodBody body, TypeKind kind) {
    String name = word(kind).toUpperCase(java.util.Locale.ROOT);
    body.code.getstatic(
        Names.LAYOUT, "JAVA_" + name + (kind == TypeKind.BYTE ? "" : "_UNALIGNED"), layout(kind));
  }

  private static int sizeBytes(TypeKind kind) {
    return switch (kind) {
      case BYTE -> 1;
      case SHORT -> 2;
      case INT, FLOAT -> 4;
      default -> 8;
    };
  }

  static void get(MethodBody body, TypeKind kind) {
    body.code.invokeinterface(
        Names.SEGMENT,
        "get",
        MethodTypeDesc.of(Names.primitive(kind), layout(kind), ConstantDescs.CD_long));
  }

  static void set(MethodBody body, TypeKind kind) {
    body.code.invokeinterface(
        Names.SEGMENT,
        "set",
        MethodTypeDesc.of(
            ConstantDescs.CD_void, layout(kind), ConstantDescs.CD_long, Names.primitive(kind)));
  }
}
