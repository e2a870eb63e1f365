// Takes tensors and touches none: what handing them over costs when the kernel costs nothing.
extern "C" __global__ void untouched(const unsigned int* in, unsigned int* out) {}
