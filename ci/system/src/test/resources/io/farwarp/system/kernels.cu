// Kernels of the system tests: one that ends when its flag is set, which nobody does, and one that takes its time.

extern "C" __global__ void spin(const volatile unsigned *flag, unsigned *out) {
  while (*flag == 0) {
  }
  *out = 1;
}

extern "C" __global__ void work(const float *in, float *out, int n, int rounds) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  float value = in[i];
  for (int round = 0; round < rounds; round++) {
    value = value * 0.5f + 1.0f;
  }
  out[i] = value;
}

extern "C" __global__ void wild(unsigned *out, unsigned long long far) {
  out[far] = 1;
}
