package io.farwarp.ptx;

import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A fundamental PTX type, as written after the dot of a directive or an instruction. */
public enum PtxType {
  PRED(0, Family.PREDICATE),
  B8(1, Family.BITS),
  B16(2, Family.BITS),
  B32(4, Family.BITS),
  B64(8, Family.BITS),
  U8(1, Family.UNSIGNED),
  U16(2, Family.UNSIGNED),
  U32(4, Family.UNSIGNED),
  U64(8, Family.UNSIGNED),
  S8(1, Family.SIGNED),
  S16(2, Family.SIGNED),
  S32(4, Family.SIGNED),
  S64(8, Family.SIGNED),
  F16(2, Family.HALF),
  BF16(2, Family.HALF),
  F16X2(4, Family.HALF),
  BF16X2(4, Family.HALF),
  U16X2(4, Family.PACKED),
  S16X2(4, Family.PACKED),
  F32(4, Family.FLOAT),
  F64(8, Family.FLOAT);

  /** How the bits of a type are read. */
  public enum Family {
    PREDICATE,
    BITS,
    UNSIGNED,
    SIGNED,
    HALF,
    PACKED,
    FLOAT
  }

  private static final Map<String, PtxType> BY_KEYWORD =
      Stream.of(values()).collect(Collectors.toMap(PtxType::keyword, Function.identity()));

  private final int sizeBytes;
  private final Family family;
  private final String keyword;

  PtxType(int sizeBytes, Family family) {
    this.sizeBytes = sizeBytes;
    this.family = family;
    this.keyword = name().toLowerCase(Locale.ROOT);
  }

  /** The type written as {@code .keyword}, or null when there is none. */
  public static @Nullable PtxType ofKeyword(String keyword) {
    return BY_KEYWORD.get(keyword);
  }

  /** The name in PTX, without the dot. */
  public String keyword() {
    return keyword;
  }

  /** Size in memory; 0 for a predicate, which has no memory form. */
  public int sizeBytes() {
    return sizeBytes;
  }

  public Family family() {
    return family;
  }

  public boolean isSigned() {
    return family == Family.SIGNED;
  }

  /** Whether this is f16 or bf16, alone or packed. */
  public boolean isHalf() {
    return family == Family.HALF;
  }

  /** The type of each half of a packed type; the type itself if it is not packed. */
  public PtxType element() {
    return switch (this) {
      case F16X2 -> F16;
      case BF16X2 -> BF16;
      case U16X2 -> U16;
      case S16X2 -> S16;
      default -> this;
    };
  }

  /** Whether the JVM holds a value of this type as {@code float} or {@code double}. */
  public boolean isFloat() {
    return family == Family.FLOAT;
  }
}
