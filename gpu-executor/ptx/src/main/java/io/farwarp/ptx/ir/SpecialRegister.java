package io.farwarp.ptx.ir;

import java.util.Arrays;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The predefined read-only registers. */
public enum SpecialRegister {
  TID_X("%tid.x", Scope.THREAD),
  TID_Y("%tid.y", Scope.THREAD),
  TID_Z("%tid.z", Scope.THREAD),
  NTID_X("%ntid.x", Scope.BLOCK),
  NTID_Y("%ntid.y", Scope.BLOCK),
  NTID_Z("%ntid.z", Scope.BLOCK),
  CTAID_X("%ctaid.x", Scope.BLOCK),
  CTAID_Y("%ctaid.y", Scope.BLOCK),
  CTAID_Z("%ctaid.z", Scope.BLOCK),
  NCTAID_X("%nctaid.x", Scope.BLOCK),
  NCTAID_Y("%nctaid.y", Scope.BLOCK),
  NCTAID_Z("%nctaid.z", Scope.BLOCK),
  LANEID("%laneid", Scope.THREAD),
  WARPID("%warpid", Scope.THREAD),
  NWARPID("%nwarpid", Scope.BLOCK),
  SMID("%smid", Scope.BLOCK),
  NSMID("%nsmid", Scope.BLOCK),
  GRIDID("%gridid", Scope.BLOCK),
  DYNAMIC_SMEM_SIZE("%dynamic_smem_size", Scope.BLOCK),
  TOTAL_SMEM_SIZE("%total_smem_size", Scope.BLOCK),
  RESERVED_SMEM_OFFSET_BEGIN("%reserved_smem_offset_begin", Scope.BLOCK),
  RESERVED_SMEM_OFFSET_END("%reserved_smem_offset_end", Scope.BLOCK),
  RESERVED_SMEM_OFFSET_CAP("%reserved_smem_offset_cap", Scope.BLOCK),
  RESERVED_SMEM_OFFSET_0("%reserved_smem_offset_0", Scope.BLOCK),
  RESERVED_SMEM_OFFSET_1("%reserved_smem_offset_1", Scope.BLOCK),
  LANEMASK_EQ("%lanemask_eq", Scope.THREAD),
  LANEMASK_LE("%lanemask_le", Scope.THREAD),
  LANEMASK_LT("%lanemask_lt", Scope.THREAD),
  LANEMASK_GE("%lanemask_ge", Scope.THREAD),
  LANEMASK_GT("%lanemask_gt", Scope.THREAD),
  CLOCK("%clock", Scope.INSTANT),
  CLOCK_HI("%clock_hi", Scope.INSTANT),
  CLOCK64("%clock64", Scope.INSTANT),
  GLOBALTIMER_LO("%globaltimer_lo", Scope.INSTANT),
  GLOBALTIMER_HI("%globaltimer_hi", Scope.INSTANT),
  GLOBALTIMER("%globaltimer", Scope.INSTANT);

  /** For how long a special register keeps its value. */
  public enum Scope {
    BLOCK,
    THREAD,
    INSTANT
  }

  private static final Map<String, SpecialRegister> BY_NAME =
      Arrays.stream(values()).collect(Collectors.toMap(r -> r.text, Function.identity()));

  private final String text;
  private final Scope scope;

  SpecialRegister(String text, Scope scope) {
    this.text = text;
    this.scope = scope;
  }

  public static @Nullable SpecialRegister of(String name) {
    return BY_NAME.get(name);
  }

  public Scope scope() {
    return scope;
  }

  /** Whether it tells of the shared memory that CUDA keeps for its own libraries. */
  boolean isOfReservedMemory() {
    return switch (this) {
      case RESERVED_SMEM_OFFSET_BEGIN,
          RESERVED_SMEM_OFFSET_END,
          RESERVED_SMEM_OFFSET_CAP,
          RESERVED_SMEM_OFFSET_0,
          RESERVED_SMEM_OFFSET_1 ->
          true;
      default -> false;
    };
  }

  public boolean isWide() {
    return this == CLOCK64 || this == GLOBALTIMER || this == GRIDID;
  }
}
