// Code from before sm_70, whose warps go in step by volatile shared memory and no barrier.

// The last warp of a block reduces without barriers, unrolled.
extern "C" __global__ void reduceLastWarp(const float *in, float *out, int n) {
  extern __shared__ float sums[];
  int t = threadIdx.x, i = blockIdx.x * blockDim.x * 2 + t;
  sums[t] = (i < n ? in[i] : 0) + (i + blockDim.x < n ? in[i + blockDim.x] : 0);
  __syncthreads();
  for (int k = blockDim.x / 2; k > 32; k >>= 1) {
    if (t < k) sums[t] += sums[t + k];
    __syncthreads();
  }
  if (t < 32) {
    volatile float *v = sums;
    if (blockDim.x >= 64) v[t] += v[t + 32];
    v[t] += v[t + 16];
    v[t] += v[t + 8];
    v[t] += v[t + 4];
    v[t] += v[t + 2];
    v[t] += v[t + 1];
  }
  if (t == 0) out[blockIdx.x] = sums[0];
}

// Each warp scans in its own part, of which the first half is zero; then the warps' sums are scanned.
__device__ int scanWarp(int value, volatile int *s) {
  int at = 2 * threadIdx.x - (threadIdx.x & 31);
  s[at] = 0;
  at += 32;
  s[at] = value;
#pragma unroll
  for (int d = 1; d < 32; d *= 2) s[at] = value = value + s[at - d];
  return s[at - 1];
}

extern "C" __global__ void scanWarps(const int *in, int *out, int n) {
  __shared__ volatile int s[512];
  __shared__ int sums[32];
  int i = blockIdx.x * blockDim.x + threadIdx.x, value = i < n ? in[i] : 0;
  int before = scanWarp(value, s);
  __syncthreads();
  if (threadIdx.x % 32 == 31) sums[threadIdx.x / 32] = before + value;
  __syncthreads();
  if (threadIdx.x < 32) {
    int sum = threadIdx.x < blockDim.x / 32 ? sums[threadIdx.x] : 0;
    sums[threadIdx.x] = scanWarp(sum, s);
  }
  __syncthreads();
  if (i < n) out[i] = before + sums[threadIdx.x / 32];
}

// Rows of a sparse matrix, a warp for each; fewer and fewer lanes take part.
extern "C" __global__ void spmvWarps(const int *rows, const int *columns, const double *values, const double *x, double *y, int n) {
  __shared__ volatile double partial[128];
  int lane = threadIdx.x & 31, t = threadIdx.x;
  for (int row = (blockIdx.x * blockDim.x + t) / 32; row < n; row += gridDim.x * blockDim.x / 32) {
    double sum = 0;
    for (int k = rows[row] + lane; k < rows[row + 1]; k += 32) sum += values[k] * x[columns[k]];
    partial[t] = sum;
    if (lane < 16) partial[t] = sum = sum + partial[t + 16];
    if (lane < 8) partial[t] = sum = sum + partial[t + 8];
    if (lane < 4) partial[t] = sum = sum + partial[t + 4];
    if (lane < 2) partial[t] = sum = sum + partial[t + 2];
    if (lane < 1) y[row] = sum + partial[t + 1];
  }
}

// A histogram for each warp, whose lanes find by tags who has written last.
extern "C" __global__ void histogramTagged(const unsigned char *in, unsigned *bins, int n) {
  __shared__ volatile unsigned counts[4 * 64];
  volatile unsigned *own = counts + threadIdx.x / 32 * 64;
  for (int i = threadIdx.x; i < 4 * 64; i += blockDim.x) counts[i] = 0;
  __syncthreads();
  unsigned tag = threadIdx.x << 27;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
    int bin = in[i] & 63;
    unsigned count;
    do {
      count = own[bin] & 0x07FFFFFF;
      count = tag | (count + 1);
      own[bin] = count;
    } while (own[bin] != count);
  }
  __syncthreads();
  for (int i = threadIdx.x; i < 64; i += blockDim.x) {
    unsigned sum = 0;
    for (int w = 0; w < blockDim.x / 32; w++) sum += counts[w * 64 + i] & 0x07FFFFFF;
    atomicAdd(&bins[i], sum);
  }
}
