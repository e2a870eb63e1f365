package io.farwarp.ptx.syntax;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A kernel ({@code .entry}) or a device function ({@code .func}).
 *
 * @param body the statements, or null for a declaration
 * @param maxThreads most threads a block may have by {@code .maxntid} or {@code .reqntid}, or 0
 * @param requiredBlock the exact block by {@code .reqntid}, or empty
 */
public record SourceFunction(
    int line,
    boolean entry,
    String name,
    List<SourceVariable> returns,
    List<SourceVariable> parameters,
    int maxThreads,
    List<Integer> requiredBlock,
    @Nullable List<SourceStatement> body) {}
