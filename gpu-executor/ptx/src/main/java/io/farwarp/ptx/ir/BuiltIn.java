package io.farwarp.ptx.ir;

import io.farwarp.ptx.PtxException;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Functions that a module only declares and the device brings: CUDA's device-side system calls. */
public enum BuiltIn {
  /** {@code int vprintf(const char *format, void *arguments)}. */
  VPRINTF("vprintf", "4", "8 8"),
  /** {@code void __assertfail(message, file, line, function, size of a character)}. */
  ASSERT_FAIL("__assertfail", "", "8 8 4 8 8"),
  /** {@code void *malloc(size_t size)}, which {@code new} calls too. */
  MALLOC("malloc", "8", "8"),
  /** {@code void free(void *memory)}, which {@code delete} and virtual destructors call too. */
  FREE("free", "", "8");

  private final String text;

  /** Sizes in bytes. */
  private final String results;

  private final String arguments;

  BuiltIn(String text, String results, String arguments) {
    this.text = text;
    this.results = results;
    this.arguments = arguments;
  }

  /** The function's name in PTX. */
  public String text() {
    return text;
  }

  static @Nullable BuiltIn of(String name) {
    for (BuiltIn builtIn : values()) {
      if (builtIn.text.equals(name)) {
        return builtIn;
      }
    }
    return null;
  }

  void check(int line, List<Symbol.FrameVariable> actualResults, List<Symbol.FrameVariable> actual)
      throws PtxException {
    if (!sizes(actualResults).equals(results) || !sizes(actual).equals(arguments)) {
      throw new PtxException(line, "the call of '" + text + "' has other parameters than it takes");
    }
  }

  private static String sizes(List<Symbol.FrameVariable> variables) {
    return variables.stream()
        .map(variable -> String.valueOf(variable.sizeBytes()))
        .collect(Collectors.joining(" "));
  }
}
