// Breadth: structs by value, constants, local arrays, atomics, device functions, 64-bit hashing,
// f64 math with calls, a stencil, n-body, an escape-time loop and warp-free reductions.
__constant__ float weights[4] = {0.25f, 0.5f, 0.125f, 2.0f};
__device__ unsigned int launches = 7;
__device__ const float* weightTable = weights;

struct Affine { int shift; double scale; float offsets[3]; };

extern "C" __global__ void affine(Affine p, const float* in, float* out, size_t n) {
  float scratch[8];
  for (size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x; i < n;
       i += (size_t)gridDim.x * blockDim.x) {
    for (int k = 0; k < 8; k++) scratch[(k * p.shift) & 7] = (float)(p.scale * k);
    out[i] = in[i] + scratch[i & 7] + p.offsets[i % 3] + weights[i & 3] + weightTable[(i + 1) & 3];
  }
}

extern "C" __global__ void histogram(const unsigned char* in, unsigned int* bins, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) atomicAdd(&bins[in[i]], 1u);
  if (i == 0) atomicAdd(&launches, 1u);
  if (i == n - 1) bins[256] = launches;
}

extern "C" __global__ void hash(const unsigned long long* in, unsigned long long* out, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  unsigned long long h = in[i];
  h ^= h >> 33; h *= 0xff51afd7ed558ccdULL; h ^= h >> 33; h *= 0xc4ceb9fe1a85ec53ULL; h ^= h >> 33;
  unsigned int low = (unsigned int)h, high = (unsigned int)(h >> 32);
  low = (low << 13 | low >> 19) * 5 + 0xe6546b64u;
  out[i] = ((unsigned long long)__byte_perm(low, high, 0x2143) << 32 | __popc(high))
      + __umul64hi(h, in[i]) + (h % 1000003ULL) + __clzll(h);
}

extern "C" __global__ void waves(const double* in, double* out, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) out[i] = sin(in[i]) + exp(-in[i] * in[i]) * log1p(fabs(in[i])) + pow(fabs(in[i]), 1.25);
}

extern "C" __global__ void mandelbrot(int* out, int width, int height, int limit) {
  int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
  if (x >= width || y >= height) return;
  float cr = -2.0f + 3.0f * x / width, ci = -1.5f + 3.0f * y / height, r = 0, i = 0;
  int k = 0;
  while (k < limit && r * r + i * i < 4.0f) {
    float t = __fadd_rn(__fsub_rn(__fmul_rn(r, r), __fmul_rn(i, i)), cr);
    i = __fadd_rn(__fmul_rn(__fmul_rn(2.0f, r), i), ci);
    r = t;
    k++;
  }
  out[y * width + x] = k;
}

extern "C" __global__ void jacobi(const float* in, float* out, int width, int height) {
  int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
  if (x < 1 || y < 1 || x >= width - 1 || y >= height - 1) return;
  int at = y * width + x;
  out[at] = 0.25f * ((in[at - 1] + in[at + 1]) + (in[at - width] + in[at + width]));
}

extern "C" __global__ void nbody(const float4* in, float4* out, int n, float softening) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  float4 me = in[i];
  float ax = 0, ay = 0, az = 0;
  for (int j = 0; j < n; j++) {
    float4 other = in[j];
    float dx = other.x - me.x, dy = other.y - me.y, dz = other.z - me.z;
    float inverse = rsqrtf(dx * dx + dy * dy + dz * dz + softening);
    float force = other.w * inverse * inverse * inverse;
    ax += force * dx; ay += force * dy; az += force * dz;
  }
  out[i] = make_float4(ax, ay, az, me.w);
}

__device__ __noinline__ int collatz(long n, int depth) {
  if (n == 1 || depth > 500) return depth;
  return collatz(n & 1 ? 3 * n + 1 : n / 2, depth + 1);
}

extern "C" __global__ void steps(int* out, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) out[i] = collatz(i + 1, 0);
}
