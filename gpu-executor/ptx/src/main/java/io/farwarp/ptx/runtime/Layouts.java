package io.farwarp.ptx.runtime;

import java.lang.foreign.ValueLayout;

/** Layouts of the first element of a vector access, which must be aligned to the whole vector. */
public final class Layouts {
  public static final ValueLayout.OfByte BYTE_2 = ValueLayout.JAVA_BYTE.withByteAlignment(2);
  public static final ValueLayout.OfByte BYTE_4 = ValueLayout.JAVA_BYTE.withByteAlignment(4);
  public static final ValueLayout.OfShort SHORT_4 = ValueLayout.JAVA_SHORT.withByteAlignment(4);
  public static final ValueLayout.OfShort SHORT_8 = ValueLayout.JAVA_SHORT.withByteAlignment(8);
  public static final ValueLayout.OfInt INT_8 = ValueLayout.JAVA_INT.withByteAlignment(8);
  public static final ValueLayout.OfInt INT_16 = ValueLayout.JAVA_INT.withByteAlignment(16);
  public static final ValueLayout.OfLong LONG_16 = ValueLayout.JAVA_LONG.withByteAlignment(16);
  public static final ValueLayout.OfFloat FLOAT_8 = ValueLayout.JAVA_FLOAT.withByteAlignment(8);
  public static final ValueLayout.OfFloat FLOAT_16 = ValueLayout.JAVA_FLOAT.withByteAlignment(16);
  public static final ValueLayout.OfDouble DOUBLE_16 =
      ValueLayout.JAVA_DOUBLE.withByteAlignment(16);

  private Layouts() {}
}
