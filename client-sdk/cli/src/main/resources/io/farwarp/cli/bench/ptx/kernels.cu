// The kernels of `farwarp bench ptx`: each is the loop of the same name in loops.c, as CUDA code has it.
#include "black-scholes.cu"  // of the samples

#define TILE 16
#define BLOCK 256
#define WARP 32
#define ALL 0xffffffffu

extern "C" __global__ void vecadd(const float *a, const float *b, float *c, long long n) {
  long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
  if (i < n) {
    c[i] = a[i] + b[i];
  }
}

extern "C" __global__ void saxpy(float a, const float *x, float *y, long long n) {
  long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
  if (i < n) {
    y[i] = a * x[i] + y[i];
  }
}

extern "C" __global__ void sgemmTiled(const float *a, const float *b, float *c, int n) {
  __shared__ float tileA[TILE][TILE];
  __shared__ float tileB[TILE][TILE];
  int row = blockIdx.y * TILE + threadIdx.y;
  int column = blockIdx.x * TILE + threadIdx.x;
  float sum = 0;
  for (int t = 0; t < n; t += TILE) {
    tileA[threadIdx.y][threadIdx.x] = a[row * n + t + threadIdx.x];
    tileB[threadIdx.y][threadIdx.x] = b[(t + threadIdx.y) * n + column];
    __syncthreads();
    for (int i = 0; i < TILE; i++) {
      sum += tileA[threadIdx.y][i] * tileB[i][threadIdx.x];
    }
    __syncthreads();
  }
  c[row * n + column] = sum;
}

// Accelerations; a body is x, y, z and mass.
extern "C" __global__ void nbody(const float4 *bodies, float4 *accelerations, int n) {
  __shared__ float4 tile[BLOCK];
  int i = blockIdx.x * BLOCK + threadIdx.x;
  float4 me = bodies[i];
  float3 sum = {0, 0, 0};
  for (int t = 0; t < n; t += BLOCK) {
    tile[threadIdx.x] = bodies[t + threadIdx.x];
    __syncthreads();
    for (int j = 0; j < BLOCK; j++) {
      float4 other = tile[j];
      float dx = other.x - me.x;
      float dy = other.y - me.y;
      float dz = other.z - me.z;
      float inverse = rsqrtf(dx * dx + dy * dy + dz * dz + 1e-3f);
      float pull = other.w * inverse * inverse * inverse;
      sum.x += pull * dx;
      sum.y += pull * dy;
      sum.z += pull * dz;
    }
    __syncthreads();
  }
  accelerations[i] = make_float4(sum.x, sum.y, sum.z, 0);
}

extern "C" __global__ void jacobi(const float *in, float *out, int width, int height) {
  int x = blockIdx.x * blockDim.x + threadIdx.x;
  int y = blockIdx.y * blockDim.y + threadIdx.y;
  if (x > 0 && y > 0 && x < width - 1 && y < height - 1) {
    int i = y * width + x;
    out[i] = 0.25f * (in[i - 1] + in[i + 1] + in[i - width] + in[i + width]);
  }
}

__device__ float warpSum(float value) {
  for (int offset = WARP / 2; offset > 0; offset /= 2) {
    value += __shfl_down_sync(ALL, value, offset);
  }
  return value;
}

// One sum for each block.
extern "C" __global__ void reduce(const float *in, float *out, int n) {
  __shared__ float warps[WARP];
  float sum = 0;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
    sum += in[i];
  }
  sum = warpSum(sum);
  int lane = threadIdx.x % WARP;
  int warp = threadIdx.x / WARP;
  if (lane == 0) {
    warps[warp] = sum;
  }
  __syncthreads();
  if (warp == 0) {
    sum = warpSum(lane < blockDim.x / WARP ? warps[lane] : 0);
    if (lane == 0) {
      out[blockIdx.x] = sum;
    }
  }
}

// The bins start at zero.
extern "C" __global__ void histogram(const unsigned char *in, unsigned *bins, int n) {
  __shared__ unsigned mine[BLOCK];
  mine[threadIdx.x] = 0;
  __syncthreads();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
    atomicAdd(&mine[in[i]], 1u);
  }
  __syncthreads();
  atomicAdd(&bins[threadIdx.x], mine[threadIdx.x]);
}

__device__ unsigned warpScan(unsigned value, int lane) {
  for (int offset = 1; offset < WARP; offset *= 2) {
    unsigned other = __shfl_up_sync(ALL, value, offset);
    if (lane >= offset) {
      value += other;
    }
  }
  return value;
}

__device__ unsigned blockScan(unsigned value) {
  __shared__ unsigned warps[WARP];
  int lane = threadIdx.x % WARP;
  int warp = threadIdx.x / WARP;
  value = warpScan(value, lane);
  if (lane == WARP - 1) {
    warps[warp] = value;
  }
  __syncthreads();
  if (warp == 0) {
    warps[lane] = warpScan(lane < blockDim.x / WARP ? warps[lane] : 0, lane);
  }
  __syncthreads();
  return warp == 0 ? value : value + warps[warp - 1];
}

// Scans each 1,024 elements, four a thread, and gives their sums.
extern "C" __global__ void scanBlocks(const uint4 *in, uint4 *out, unsigned *sums) {
  int i = blockIdx.x * BLOCK + threadIdx.x;
  uint4 four = in[i];
  four.y += four.x;
  four.z += four.y;
  four.w += four.z;
  unsigned all = blockScan(four.w);
  unsigned before = all - four.w;
  out[i] = make_uint4(four.x + before, four.y + before, four.z + before, all);
  if (threadIdx.x == BLOCK - 1) {
    sums[blockIdx.x] = all;
  }
}

// In one block: what comes before each of the sums.
extern "C" __global__ void scanSums(unsigned *sums, int n) {
  int each = (n + blockDim.x - 1) / blockDim.x;
  int from = min(threadIdx.x * each, n);
  int to = min(from + each, n);
  unsigned sum = 0;
  for (int i = from; i < to; i++) {
    sum += sums[i];
  }
  unsigned before = blockScan(sum) - sum;
  for (int i = from; i < to; i++) {
    unsigned value = sums[i];
    sums[i] = before;
    before += value;
  }
}

extern "C" __global__ void scanAdd(uint4 *out, const unsigned *sums) {
  int i = blockIdx.x * BLOCK + threadIdx.x;
  unsigned before = sums[blockIdx.x];
  uint4 four = out[i];
  out[i] = make_uint4(four.x + before, four.y + before, four.z + before, four.w + before);
}

// Four registers live over each barrier: a, b, c and the count.
extern "C" __global__ void barriers(unsigned *out, int rounds) {
  unsigned a = threadIdx.x;
  unsigned b = 3 * a + 1;
  unsigned c = blockIdx.x + a;
#pragma unroll 1
  for (int i = 0; i < rounds; i++) {
    __syncthreads();
    a += b;
    b ^= a;
    c += b;
  }
  out[blockIdx.x * blockDim.x + threadIdx.x] = a + b + c;
}

extern "C" __global__ void nothing() {}

// What follows is not timed: a module has 16 kernels when its loading is.

extern "C" __global__ void transpose(const float *in, float *out, int width, int height) {
  __shared__ float tile[WARP][WARP + 1];
  int x = blockIdx.x * WARP + threadIdx.x;
  int y = blockIdx.y * WARP + threadIdx.y;
  if (x < width && y < height) {
    tile[threadIdx.y][threadIdx.x] = in[y * width + x];
  }
  __syncthreads();
  x = blockIdx.y * WARP + threadIdx.x;
  y = blockIdx.x * WARP + threadIdx.y;
  if (x < height && y < width) {
    out[y * height + x] = tile[threadIdx.x][threadIdx.y];
  }
}

extern "C" __global__ void softmax(const float *in, float *out, int columns) {
  __shared__ float partial[BLOCK];
  const float *row = in + blockIdx.x * columns;
  float sum = 0;
  for (int i = threadIdx.x; i < columns; i += BLOCK) {
    sum += expf(row[i]);
  }
  partial[threadIdx.x] = sum;
  __syncthreads();
  for (int stride = BLOCK / 2; stride > 0; stride /= 2) {
    if (threadIdx.x < stride) {
      partial[threadIdx.x] += partial[threadIdx.x + stride];
    }
    __syncthreads();
  }
  for (int i = threadIdx.x; i < columns; i += BLOCK) {
    out[blockIdx.x * columns + i] = expf(row[i]) / partial[0];
  }
}

extern "C" __global__ void convolve(const float *in, float *out, const float *weights, int width,
                                    int height) {
  int x = blockIdx.x * blockDim.x + threadIdx.x;
  int y = blockIdx.y * blockDim.y + threadIdx.y;
  if (x < 1 || y < 1 || x >= width - 1 || y >= height - 1) {
    return;
  }
  float sum = 0;
  for (int dy = -1; dy <= 1; dy++) {
    for (int dx = -1; dx <= 1; dx++) {
      sum += weights[3 * dy + dx + 4] * in[(y + dy) * width + x + dx];
    }
  }
  out[y * width + x] = sum;
}
