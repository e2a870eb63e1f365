package io.farwarp.executor.device.cuda;

import io.farwarp.executor.device.KernelSignature;

/**
 * A kernel of a loaded module.
 *
 * @param staticSharedBytes shared memory that it declares, before what a launch adds
 */
record CudaKernel(Handles.Function function, KernelSignature signature, int staticSharedBytes) {}
