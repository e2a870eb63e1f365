// Layers of neural networks, in single precision and in halves of both formats.

#include <cuda_bf16.h>
#include <cuda_fp16.h>

__device__ __forceinline__ float warpSum(float v) {
#pragma unroll
  for (int d = 16; d > 0; d >>= 1) v += __shfl_xor_sync(~0u, v, d);
  return v;
}

__device__ __forceinline__ float warpMost(float v) {
#pragma unroll
  for (int d = 16; d > 0; d >>= 1) v = fmaxf(v, __shfl_xor_sync(~0u, v, d));
  return v;
}

// Over a block of whole warps; every thread has the result.
template <typename Combine> __device__ float overBlock(float v, float neutral, Combine combine) {
  __shared__ float parts[32];
  v = combine(v);
  __syncthreads();
  if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = v;
  __syncthreads();
  return combine(threadIdx.x % 32 < blockDim.x / 32 ? parts[threadIdx.x % 32] : neutral);
}

// Softmax of rows, a block for each.
extern "C" __global__ void softmaxRows(const float *in, float *out, int columns) {
  const float *row = in + blockIdx.x * columns;
  float most = -INFINITY, sum = 0;
  for (int i = threadIdx.x; i < columns; i += blockDim.x) most = fmaxf(most, row[i]);
  most = overBlock(most, -INFINITY, warpMost);
  for (int i = threadIdx.x; i < columns; i += blockDim.x) sum += __expf(row[i] - most);
  sum = overBlock(sum, 0.0f, warpSum);
  for (int i = threadIdx.x; i < columns; i += blockDim.x) out[blockIdx.x * columns + i] = __expf(row[i] - most) / sum;
}

// Normalises rows by Welford's running moments, merged over the lanes of a warp.
extern "C" __global__ void layerNorm(const float *in, const float *gain, const float *bias, float *out, float *deviations, int rows,
                                     int columns, float epsilon) {
  int row = blockIdx.x * blockDim.y + threadIdx.y, lane = threadIdx.x;
  if (row >= rows) return;
  float mean = 0, squares = 0, count = 0;
  for (int i = lane; i < columns; i += 32) {
    float x = in[row * columns + i], d = x - mean;
    count += 1;
    mean += d / count;
    squares += d * (x - mean);
  }
  for (int d = 16; d > 0; d >>= 1) {
    float otherMean = __shfl_xor_sync(~0u, mean, d), otherSquares = __shfl_xor_sync(~0u, squares, d);
    float otherCount = __shfl_xor_sync(~0u, count, d), total = count + otherCount, apart = otherMean - mean;
    if (total > 0) {
      mean = (mean * count + otherMean * otherCount) / total;
      squares += otherSquares + apart * apart * count * otherCount / total;
    }
    count = total;
  }
  float scale = rsqrtf(squares / columns + epsilon);
  if (lane == 0) deviations[row] = 1 / scale;
  for (int i = lane; i < columns; i += 32) {
    out[row * columns + i] = (in[row * columns + i] - mean) * scale * gain[i] + bias[i];
  }
}

// Attention without looking ahead: a warp for each query, keys and values by tiles, softmax as it goes.
#define HEAD 64
#define KEYS 32
extern "C" __global__ void __launch_bounds__(128) attention(const float *q, const float *k, const float *v, float *out, int length, float scale) {
  __shared__ float keys[KEYS][HEAD + 1], values[KEYS][HEAD];
  int warp = threadIdx.x / 32, lane = threadIdx.x % 32, query = blockIdx.x * (blockDim.x / 32) + warp;
  size_t head = (size_t)blockIdx.y * length * HEAD;
  float own[HEAD], sums[2] = {0, 0}, most = -INFINITY, weight = 0;
#pragma unroll
  for (int d = 0; d < HEAD; d++) own[d] = query < length ? q[head + query * HEAD + d] * scale : 0;
  int last = min(length, (int)((blockIdx.x + 1) * (blockDim.x / 32)));
  for (int base = 0; base < last; base += KEYS) {
    for (int i = threadIdx.x; i < KEYS * HEAD; i += blockDim.x) {
      int key = base + i / HEAD;
      keys[i / HEAD][i % HEAD] = key < length ? k[head + key * HEAD + i % HEAD] : 0;
      values[i / HEAD][i % HEAD] = key < length ? v[head + key * HEAD + i % HEAD] : 0;
    }
    __syncthreads();
    float score = 0;
#pragma unroll
    for (int d = 0; d < HEAD; d++) score += own[d] * keys[lane][d];
    if (base + lane > query) score = -INFINITY;
    float higher = fmaxf(most, warpMost(score));
    if (higher > -INFINITY) {
      float correction = __expf(most - higher), p = __expf(score - higher);
      weight = weight * correction + warpSum(p);
      sums[0] *= correction;
      sums[1] *= correction;
      for (int j = 0; j < KEYS; j++) {
        float pj = __shfl_sync(~0u, p, j);
        sums[0] += pj * values[j][lane];
        sums[1] += pj * values[j][lane + 32];
      }
      most = higher;
    }
    __syncthreads();
  }
  if (query < length) {
    out[head + query * HEAD + lane] = sums[0] / weight;
    out[head + query * HEAD + lane + 32] = sums[1] / weight;
  }
}

// y = a x + y by pairs of halves, and one alone at the end.
extern "C" __global__ void halfAxpy(__half a, const __half *x, __half *y, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  __half2 both = __half2half2(a);
  if (i < n / 2) ((__half2 *)y)[i] = __hfma2(both, ((const __half2 *)x)[i], ((__half2 *)y)[i]);
  if (i == 0 && n % 2 == 1) y[n - 1] = __hfma(a, x[n - 1], y[n - 1]);
}

// Before sm_80 only conversions know this format.
#if __CUDA_ARCH__ >= 800
__device__ __nv_bfloat16 fused(__nv_bfloat16 a, __nv_bfloat16 b, __nv_bfloat16 c) { return __hfma(a, b, c); }
__device__ __nv_bfloat162 fused(__nv_bfloat162 a, __nv_bfloat162 b, __nv_bfloat162 c) { return __hfma2(a, b, c); }
__device__ int warpTotal(int v) { return __reduce_add_sync(~0u, v); }
#else
__device__ __nv_bfloat16 fused(__nv_bfloat16 a, __nv_bfloat16 b, __nv_bfloat16 c) {
  return __float2bfloat16_rn(fmaf(__bfloat162float(a), __bfloat162float(b), __bfloat162float(c)));
}
__device__ __nv_bfloat162 fused(__nv_bfloat162 a, __nv_bfloat162 b, __nv_bfloat162 c) {
  float2 x = __bfloat1622float2(a), y = __bfloat1622float2(b), z = __bfloat1622float2(c);
  return __floats2bfloat162_rn(fmaf(x.x, y.x, z.x), fmaf(x.y, y.y, z.y));
}
__device__ int warpTotal(int v) {
  for (int d = 1; d < 32; d *= 2) v += __shfl_xor_sync(~0u, v, d);
  return v;
}
#endif

extern "C" __global__ void bfloatAxpy(__nv_bfloat16 a, const __nv_bfloat16 *x, __nv_bfloat16 *y, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  __nv_bfloat162 both = __bfloat162bfloat162(a);
  if (i < n / 2) ((__nv_bfloat162 *)y)[i] = fused(both, ((const __nv_bfloat162 *)x)[i], ((__nv_bfloat162 *)y)[i]);
  if (i == 0 && n % 2 == 1) y[n - 1] = fused(a, x[n - 1], y[n - 1]);
}

__device__ float widened(__half v) { return __half2float(v); }
__device__ float widened(__nv_bfloat16 v) { return __bfloat162float(v); }
__device__ void narrow(__half &to, float v) { to = __float2half_rn(v); }
__device__ void narrow(__nv_bfloat16 &to, float v) { to = __float2bfloat16_rn(v); }

// Tiles of halves in shared memory, sums in single precision, as tensor cores would.
template <typename T> __device__ void gemm(const T *a, const T *b, T *c, int m, int n, int k, float alpha, float beta) {
  __shared__ T aTile[16][18], bTile[16][18];
  int row = blockIdx.y * 16 + threadIdx.y, column = blockIdx.x * 16 + threadIdx.x;
  float sum = 0;
  for (int base = 0; base < k; base += 16) {
    T zero;
    narrow(zero, 0.0f);
    aTile[threadIdx.y][threadIdx.x] = row < m && base + threadIdx.x < k ? a[row * k + base + threadIdx.x] : zero;
    bTile[threadIdx.y][threadIdx.x] = column < n && base + threadIdx.y < k ? b[(base + threadIdx.y) * n + column] : zero;
    __syncthreads();
#pragma unroll
    for (int i = 0; i < 16; i++) sum = fmaf(widened(aTile[threadIdx.y][i]), widened(bTile[i][threadIdx.x]), sum);
    __syncthreads();
  }
  if (row < m && column < n) narrow(c[row * n + column], alpha * sum + beta * widened(c[row * n + column]));
}

extern "C" __global__ void halfGemm(const __half *a, const __half *b, __half *c, int m, int n, int k, float alpha, float beta) {
  gemm(a, b, c, m, n, k, alpha, beta);
}

extern "C" __global__ void bfloatGemm(const __nv_bfloat16 *a, const __nv_bfloat16 *b, __nv_bfloat16 *c, int m, int n, int k, float alpha,
                                      float beta) {
  gemm(a, b, c, m, n, k, alpha, beta);
}

// Products and sums in halves themselves, two columns at a time.
extern "C" __global__ void halfPairsGemm(const __half *a, const __half2 *b, __half2 *c, int m, int pairs, int k) {
  int row = blockIdx.y * blockDim.y + threadIdx.y, pair = blockIdx.x * blockDim.x + threadIdx.x;
  if (row >= m || pair >= pairs) return;
  __half2 sum = __float2half2_rn(0.0f);
  for (int i = 0; i < k; i++) sum = __hfma2(__half2half2(a[row * k + i]), b[i * pairs + pair], sum);
  c[row * pairs + pair] = sum;
}

// A dense layer with one of six activations.
__device__ float activated(float x, int kind) {
  switch (kind) {
  case 0: return fmaxf(x, 0.0f);
  case 1: return 0.5f * x * (1 + erff(x * 0.70710678f));
  case 2: return 0.5f * x * (1 + tanhf(0.79788456f * (x + 0.044715f * x * x * x)));
  case 3: return tanhf(x);
  case 4: return x / (1 + __expf(-x));
  default: return log1pf(expf(x));
  }
}

extern "C" __global__ void denseLayer(const float *in, const float4 *weights, const float *bias, float *out, int batch, int inputs,
                                      int outputs, int kind) {
  int o = blockIdx.x * blockDim.x + threadIdx.x, b = blockIdx.y;
  if (o >= outputs) return;
  float sum = bias[o];
  for (int i = 0; i < inputs / 4; i++) {
    float4 w = weights[o * (inputs / 4) + i], x = ((const float4 *)in)[b * (inputs / 4) + i];
    sum += w.x * x.x + w.y * x.y + w.z * x.z + w.w * x.w;
  }
  out[b * outputs + o] = activated(sum, kind);
}

// Functions of halves, comparisons and conversions.
extern "C" __global__ void halfFunctions(const __half *in, __half *out, int *integers, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  __half x = in[i], y = in[(i + 1) % n];
  __half *o = out + 12 * i;
  o[0] = hexp(x);
  o[1] = hlog(__habs(x));
  o[2] = hsqrt(__habs(x));
  o[3] = hrcp(x);
  o[4] = htanh(x);
  o[5] = __hdiv(x, y);
  o[6] = __hmax(x, __hneg(y));
  o[7] = __hadd_sat(x, y);
  o[8] = hrint(x);
  o[9] = hfloor(__hmul(x, y));
  o[10] = __hlt(x, y) ? hsin(x) : hcos(y);
  o[11] = __ushort_as_half((unsigned short)(__half_as_ushort(x) ^ 0x8000));
  __half2 pair = __halves2half2(x, y), swapped = __lowhigh2highlow(pair);
  integers[3 * i] = __half2int_rn(x) * 1000 + __half2short_rz(y);
  integers[3 * i + 1] = (int)__hgt2_mask(pair, swapped);
  integers[3 * i + 2] = __hbeq2(pair, swapped) ? 1 : __hisnan(__hsub(x, y)) ? 2 : 3;
}

// Weights of eight bits: products of four by dp4a, scaled back.
extern "C" __global__ void quantisedProduct(const int *weights, const float *in, float *out, const float *scales, int rows, int words) {
  extern __shared__ int quantised[];
  float most = 0;
  for (int i = threadIdx.x; i < 4 * words; i += 32) most = fmaxf(most, fabsf(in[i]));
  most = warpMost(most);
  float scale = most / 127;
  for (int i = threadIdx.x; i < words; i += 32) {
    int word = 0;
    for (int b = 0; b < 4; b++) word |= (__float2int_rn(in[4 * i + b] / scale) & 0xFF) << (8 * b);
    quantised[i] = word;
  }
  __syncwarp();
  for (int row = blockIdx.x; row < rows; row += gridDim.x) {
    int sum = 0;
    for (int i = threadIdx.x; i < words; i += 32) sum = __dp4a(weights[row * words + i], quantised[i], sum);
    sum = warpTotal(sum);
    if (threadIdx.x == 0) out[row] = sum * scale * scales[row];
  }
}

// A step of Adam, and the norm of the gradients on the way.
extern "C" __global__ void adamStep(float *weights, const float *gradients, float2 *moments, double *norm, float rate, float b1, float b2,
                                    int step, int n) {
  double square = 0;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
    float g = gradients[i];
    float2 m = moments[i];
    m.x = b1 * m.x + (1 - b1) * g;
    m.y = b2 * m.y + (1 - b2) * g * g;
    moments[i] = m;
    float first = m.x / (1 - powf(b1, step)), second = m.y / (1 - powf(b2, step));
    weights[i] -= rate * first / (sqrtf(second) + 1e-8f);
    square += (double)g * g;
  }
  for (int d = 16; d > 0; d >>= 1) square += __shfl_down_sync(~0u, square, d);
  if (threadIdx.x % 32 == 0) atomicAdd(norm, square);
}
