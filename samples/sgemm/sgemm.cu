// C = alpha A B + beta C, row-major, one element of C for each thread: the plain form, with no tiles in shared memory.
extern "C" __global__ void sgemm(int m, int n, int k, float alpha, const float* __restrict__ a,
                                 const float* __restrict__ b, float beta, float* __restrict__ c) {
  int column = blockIdx.x * blockDim.x + threadIdx.x;
  int row = blockIdx.y * blockDim.y + threadIdx.y;
  if (row >= m || column >= n) {
    return;
  }
  float sum = 0.0f;
  for (int i = 0; i < k; i++) {
    sum = fmaf(a[static_cast<long long>(row) * k + i], b[static_cast<long long>(i) * n + column], sum);
  }
  long long at = static_cast<long long>(row) * n + column;
  c[at] = fmaf(alpha, sum, beta * c[at]);
}
