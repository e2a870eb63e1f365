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
  CVTA,
  MOV,
  LD,
  ST,
  ATOM,
  RED,
  // Control.
  BRA,
  RET,
  EXIT,
  TRAP,
  CALL,
  /** Accepted and without effect here: prefetches, fences and naps. */
  HINT;

  /** Whether the instruction ends a basic block. */
  public boolean endsBlock() {
    return this == BRA || this == RET || this == EXIT || this == TRAP;
  }
}
