package io.farwarp.ptx;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Objects;

/** What the tests of this module share: PTX texts and memory. */
final class Ptx {
  static final StopSignal NEVER = new StopSignal();

  private Ptx() {}

  /** A text beside the tests, built from the {@code .cu} file of the same name. */
  static String resource(String name) {
    try (InputStream in = Objects.requireNonNull(Ptx.class.getResourceAsStream(name), name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new IllegalStateException(name, e);
    }
  }

  static PtxModule load(String text) throws PtxException {
    return PtxModule.load(text, PtxOptions.defaults());
  }

  static float floatAt(MemorySegment memory, long index) {
    return memory.getAtIndex(ValueLayout.JAVA_FLOAT, index);
  }

  static void setFloat(MemorySegment memory, long index, float value) {
    memory.setAtIndex(ValueLayout.JAVA_FLOAT, index, value);
  }
}
