package io.farwarp.ptx;

/**
 * A formal parameter of a kernel. A struct passed by value is {@link PtxType#B8} with the size of
 * the whole array.
 *
 * @param offsetBytes where it starts in the kernel's parameter block
 */
public record PtxParameter(
    String name, PtxType type, int sizeBytes, int alignBytes, int offsetBytes) {}
