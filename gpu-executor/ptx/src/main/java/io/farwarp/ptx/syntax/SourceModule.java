package io.farwarp.ptx.syntax;

import java.util.List;

/** A whole PTX text. */
public record SourceModule(
    List<SourceVariable> variables, List<SourceFunction> functions, SourceLines lines) {}
