package io.farwarp.ptx.ir;

/** The instructions of the PTX CPU device; {@link InstructionSet} holds their exact forms. */
public enum Opcode {
  // Integer and floating-point arithmetic.
  ADD,
  SUB,
  MUL,
  MAD,
  FMA,
  DIV,
  REM,
  NEG,
  ABS,
  MIN,
  MAX,
  MUL24,
  MAD24,
  SAD,
  ADDC,
  SUBC,
  MADC,
  DP4A,
  DP2A,
  /** The scalar and the SIMD video instructions. */
  VIDEO,
  // Bits.
  AND,
  OR,
  XOR,
  NOT,
  CNOT,
  SHL,
  SHR,
  SHF,
  BFE,
  BFI,
  BFIND,
  BREV,
  POPC,
  CLZ,
  PRMT,
  LOP3,
  BMSK,
  SZEXT,
  FNS,
  // Comparison and selection.
  SETP,
  SET,
  SELP,
  SLCT,
  // Floating-point functions.
  SQRT,
  RSQRT,
  RCP,
  EX2,
  LG2,
  SIN,
  COS,
  TANH,
  COPYSIGN,
  TESTP,
  // Movement.
  CVT,
  CVT_PACK,
  CVTA,
  ISSPACEP,
  MOV,
  LD,
  ST,
  ATOM,
  RED,
  /** A copy from global to shared memory. */
  COPY,
  /** A cache policy, which has a value that nothing depends on. */
  POLICY,
  // Control.
  BRA,
  RET,
  EXIT,
  TRAP,
  CALL,
  /** A branch by index into a list of labels. */
  BRX,
  /** Takes local memory until the function returns. */
  ALLOCA,
  STACKSAVE,
  STACKRESTORE,
  /** Gives the end of a function's fixed frame; not an instruction of PTX. */
  STACKBASE,
  // Where threads of a block or a warp meet.
  BARRIER,
  SYNCWARP,
  SHFL,
  VOTE,
  MATCH,
  REDUX,
  ACTIVEMASK,
  ELECT,
  /** Orders memory accesses. */
  FENCE,
  /** Accepted and without effect here: prefetches, naps and the like. */
  HINT;

  /** Whether control goes elsewhere than to the next instruction, so that a basic block ends. */
  public boolean leavesBlock() {
    return this == BRA || this == BRX || this == RET || this == EXIT || this == TRAP;
  }

  /**
   * Whether a thread stops here until others have come, or gets something from them. It goes on
   * with the next instruction, which starts a basic block.
   */
  public boolean suspends() {
    return switch (this) {
      case BARRIER, SYNCWARP, SHFL, VOTE, MATCH, REDUX, ACTIVEMASK, ELECT -> true;
      default -> false;
    };
  }
}
