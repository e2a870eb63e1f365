// Nothing: what an invocation costs when the kernel costs nothing.
extern "C" __global__ void null_kernel() {}
