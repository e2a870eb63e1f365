package io.farwarp.cli.bench;

import org.jspecify.annotations.Nullable;

/**
 * One loop, by kernels and in C.
 *
 * @param figure what it is and how large
 * @param unit of its rate
 * @param amount what one run does, in the unit times nanoseconds
 * @param reach least rate over that in C
 * @param reachNote what else there is to say of the reach, or empty
 * @param ours runs it by kernels
 * @param inC runs it in C; null where there is no gcc
 * @param check after each has run once: throws a {@link io.farwarp.cli.CommandException} if their
 *     results differ
 */
record PtxWork(
    String figure,
    String unit,
    double amount,
    double reach,
    String reachNote,
    Runnable ours,
    @Nullable Runnable inC,
    Runnable check) {}
