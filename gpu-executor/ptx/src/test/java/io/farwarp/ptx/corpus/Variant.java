package io.farwarp.ptx.corpus;

import io.farwarp.ptx.PtxException;
import io.farwarp.ptx.PtxModule;
import io.farwarp.ptx.PtxOptions;
import io.farwarp.ptx.fatbin.Fatbin;
import java.io.IOException;
import java.io.InputStream;
import java.util.Objects;

/** How nvcc was told to compile a family of kernels. */
enum Variant {
  OPTIMISED_SM_75("", 1),
  OPTIMISED_SM_90("", 0),
  DEBUG_SM_75("-debug", 1),
  DEBUG_SM_90("-debug", 0);

  private final String suffix;

  /** In the fatbin, whose texts are in falling order of architecture. */
  private final int index;

  Variant(String suffix, int index) {
    this.suffix = suffix;
    this.index = index;
  }

  PtxModule load(String family) throws PtxException, IOException {
    return PtxModule.load(text(family), PtxOptions.defaults());
  }

  /** The PTX of a family. */
  String text(String family) throws PtxException, IOException {
    String name = family + suffix + ".fatbin";
    try (InputStream in = Objects.requireNonNull(Variant.class.getResourceAsStream(name), name)) {
      Fatbin fatbin = Fatbin.of(in.readAllBytes());
      return fatbin.ptx(index, PtxOptions.defaults().maxTextChars());
    }
  }
}
