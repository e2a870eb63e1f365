// Particles, clusters, transforms, random numbers, and dynamic programming on grids.

// Accelerations of all bodies, tile by tile, then a leapfrog step.
extern "C" __global__ void nBodyStep(const float4 *positions, float4 *velocities, float4 *next, int n, float softening, float step) {
  extern __shared__ float4 tile[];
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  float4 own = i < n ? positions[i] : make_float4(0, 0, 0, 0);
  float3 a = make_float3(0, 0, 0);
  for (int base = 0; base < n; base += blockDim.x) {
    tile[threadIdx.x] = base + threadIdx.x < n ? positions[base + threadIdx.x] : make_float4(0, 0, 0, 0);
    __syncthreads();
#pragma unroll 8
    for (int j = 0; j < blockDim.x; j++) {
      float4 other = tile[j];
      float dx = other.x - own.x, dy = other.y - own.y, dz = other.z - own.z;
      float square = dx * dx + dy * dy + dz * dz + softening;
      float inverse = rsqrtf(square);
      float s = other.w * inverse * inverse * inverse;
      a.x += dx * s;
      a.y += dy * s;
      a.z += dz * s;
    }
    __syncthreads();
  }
  if (i < n) {
    float4 v = velocities[i];
    v = make_float4(v.x + a.x * step, v.y + a.y * step, v.z + a.z * step, 0);
    velocities[i] = v;
    next[i] = make_float4(own.x + v.x * step, own.y + v.y * step, own.z + v.z * step, own.w);
  }
}

// As lavaMD: a block for each box, which looks at its own and the neighbouring boxes' particles.
struct Box {
  int first;
  int count;
  int neighbours;
  int numbers[27];
};

extern "C" __global__ void boxForces(const Box *boxes, const double4_16a *positions, const double *charges, double4_16a *forces, double alpha) {
  __shared__ double4_16a others[32];
  __shared__ double otherCharges[32];
  Box box = boxes[blockIdx.x];
  for (int base = 0; base < box.count; base += blockDim.x) {
    int i = base + threadIdx.x;
    bool mine = i < box.count;
    double4_16a own = positions[box.first + (mine ? i : 0)];
    double4_16a force = {0, 0, 0, 0};
    for (int k = 0; k < box.neighbours; k++) {
      const Box &near = boxes[box.numbers[k]];
      for (int start = 0; start < near.count; start += 32) {
        __syncthreads();
        if (threadIdx.x < 32 && start + threadIdx.x < near.count) {
          others[threadIdx.x] = positions[near.first + start + threadIdx.x];
          otherCharges[threadIdx.x] = charges[near.first + start + threadIdx.x];
        }
        __syncthreads();
        for (int j = 0; mine && j < min(32, near.count - start); j++) {
          double dx = own.x - others[j].x, dy = own.y - others[j].y, dz = own.z - others[j].z;
          double square = dx * dx + dy * dy + dz * dz;
          if (square > 1.0) continue;
          double potential = exp(-alpha * square);
          double scale = 2 * potential * otherCharges[j];
          force.w += otherCharges[j] * potential;
          force.x += scale * dx;
          force.y += scale * dy;
          force.z += scale * dz;
        }
      }
    }
    if (mine) forces[box.first + i] = force;
  }
}

// k-means: the nearest centre, with the new sums by atomics in shared memory, and their division.
extern "C" __global__ void kMeansAssign(const float *points, const float *centres, int *membership, float *sums, int *counts,
                                        int *changed, int n, int k, int features) {
  extern __shared__ float own[];
  int *ownCounts = (int *)(own + k * features);
  for (int i = threadIdx.x; i < k * features; i += blockDim.x) own[i] = 0;
  for (int i = threadIdx.x; i < k; i += blockDim.x) ownCounts[i] = 0;
  __syncthreads();
  int p = blockIdx.x * blockDim.x + threadIdx.x;
  if (p < n) {
    int best = 0;
    float least = 3.402823466e+38f;
    for (int c = 0; c < k; c++) {
      float distance = 0;
      for (int f = 0; f < features; f++) {
        float d = points[f * n + p] - centres[c * features + f];
        distance += d * d;
      }
      if (distance < least) {
        least = distance;
        best = c;
      }
    }
    if (membership[p] != best) {
      membership[p] = best;
      atomicAdd(changed, 1);
    }
    atomicAdd(&ownCounts[best], 1);
    for (int f = 0; f < features; f++) atomicAdd(&own[best * features + f], points[f * n + p]);
  }
  __syncthreads();
  for (int i = threadIdx.x; i < k * features; i += blockDim.x) atomicAdd(&sums[i], own[i]);
  for (int i = threadIdx.x; i < k; i += blockDim.x) atomicAdd(&counts[i], ownCounts[i]);
}

extern "C" __global__ void kMeansUpdate(float *centres, const float *sums, const int *counts, int k, int features) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < k * features && counts[i / features] > 0) centres[i] = sums[i] / counts[i / features];
}

// Fourier transforms of 512 points in shared memory, radix 2 after a bit reversal; a block for each.
extern "C" __global__ void fftShared(float2 *data, float sign) {
  __shared__ float2 x[512];
  float2 *row = data + blockIdx.x * 512;
  int t = threadIdx.x;
  x[__brev(t) >> 23] = row[t];
  x[__brev(t + 256) >> 23] = row[t + 256];
  __syncthreads();
  for (int half = 1; half < 512; half *= 2) {
    int at = (t / half) * half * 2 + t % half;
    float s, c;
    sincospif(sign * (t % half) / half, &s, &c);
    float2 a = x[at], b = x[at + half];
    float2 turned = make_float2(b.x * c - b.y * s, b.x * s + b.y * c);
    x[at] = make_float2(a.x + turned.x, a.y + turned.y);
    x[at + half] = make_float2(a.x - turned.x, a.y - turned.y);
    __syncthreads();
  }
  row[t] = x[t];
  row[t + 256] = x[t + 256];
}

// One Stockham pass of radix 4 in double precision: n a power of four.
extern "C" __global__ void fftStockham(const double2 *in, double2 *out, int n, int size) {
  int i = blockIdx.x * blockDim.x + threadIdx.x, quarter = n / 4;
  if (i >= quarter) return;
  int k = i % size;
  double2 v[4];
  for (int r = 0; r < 4; r++) {
    double angle = -6.283185307179586 * r * k / (4.0 * size), s, c;
    sincos(angle, &s, &c);
    double2 u = in[i + r * quarter];
    v[r] = make_double2(u.x * c - u.y * s, u.x * s + u.y * c);
  }
  double2 a = make_double2(v[0].x + v[2].x, v[0].y + v[2].y), b = make_double2(v[0].x - v[2].x, v[0].y - v[2].y);
  double2 c = make_double2(v[1].x + v[3].x, v[1].y + v[3].y), d = make_double2(v[1].y - v[3].y, v[3].x - v[1].x);
  int at = (i / size) * size * 4 + k;
  out[at] = make_double2(a.x + c.x, a.y + c.y);
  out[at + size] = make_double2(b.x + d.x, b.y + d.y);
  out[at + 2 * size] = make_double2(a.x - c.x, a.y - c.y);
  out[at + 3 * size] = make_double2(b.x - d.x, b.y - d.y);
}

// Philox 4x32-10, a generator by counters, and pi by its numbers.
__device__ uint4 philox(uint4 counter, uint2 key) {
#pragma unroll
  for (int round = 0; round < 10; round++) {
    unsigned high0 = __umulhi(0xD2511F53u, counter.x), low0 = 0xD2511F53u * counter.x;
    unsigned high1 = __umulhi(0xCD9E8D57u, counter.z), low1 = 0xCD9E8D57u * counter.z;
    counter = make_uint4(high1 ^ counter.y ^ key.x, low1, high0 ^ counter.w ^ key.y, low0);
    key.x += 0x9E3779B9u;
    key.y += 0xBB67AE85u;
  }
  return counter;
}

extern "C" __global__ void monteCarloPi(unsigned long long *hits, uint4 *last, int turns, unsigned long long seed) {
  unsigned thread = blockIdx.x * blockDim.x + threadIdx.x;
  int inside = 0;
  uint4 numbers;
  for (int turn = 0; turn < turns; turn++) {
    numbers = philox(make_uint4(turn, 0, thread, 7), make_uint2((unsigned)seed, (unsigned)(seed >> 32)));
    unsigned long long x = numbers.x >> 1, y = numbers.y >> 1, z = numbers.z >> 1, w = numbers.w >> 1;
    inside += x * x + y * y < 1ull << 62;
    inside += z * z + w * w < 1ull << 62;
  }
  for (int d = 16; d > 0; d >>= 1) inside += __shfl_down_sync(~0u, inside, d);
  if (threadIdx.x % 32 == 0) atomicAdd(hits, (unsigned long long)inside);
  last[thread] = numbers;
}

// Rodinia's pathfinder: the cheapest way down a grid, several rows in a launch.
extern "C" __global__ void pathfinder(int iterations, const int *wall, const int *source, int *results, int columns, int start, int border) {
  __shared__ int prev[256], result[256];
  int tx = threadIdx.x, small = blockDim.x - iterations * 2;
  int begin = small * blockIdx.x - border, x = begin + tx, end = begin + blockDim.x - 1;
  int validMin = begin < 0 ? -begin : 0, validMax = end > columns - 1 ? blockDim.x - 1 - (end - columns + 1) : blockDim.x - 1;
  int west = max(tx - 1, validMin), east = min(tx + 1, validMax);
  bool valid = tx >= validMin && tx <= validMax, computed = false;
  if (x >= 0 && x <= columns - 1) prev[tx] = source[x];
  __syncthreads();
  for (int i = 0; i < iterations; i++) {
    computed = false;
    if (tx >= i + 1 && tx <= (int)blockDim.x - i - 2 && valid) {
      computed = true;
      int shortest = min(prev[west], min(prev[tx], prev[east]));
      result[tx] = shortest + wall[columns * (start + i) + x];
    }
    __syncthreads();
    if (i == iterations - 1) break;
    if (computed) prev[tx] = result[tx];
    __syncthreads();
  }
  if (computed) results[x] = result[tx];
}

// Needleman-Wunsch: one diagonal of tiles of 16 x 16; a block of 16 threads for each tile.
extern "C" __global__ void needle(const int *scores, int *matrix, int columns, int penalty, int diagonal, int firstTile) {
  __shared__ int temp[17][17], ref[16][16];
  int bx = firstTile + blockIdx.x, by = diagonal - bx, tx = threadIdx.x;
  int base = columns * 16 * by + 16 * bx;
  for (int ty = 0; ty < 16; ty++) ref[ty][tx] = scores[base + columns * (ty + 1) + tx + 1];
  if (tx == 0) temp[0][0] = matrix[base];
  temp[tx + 1][0] = matrix[base + columns * (tx + 1)];
  temp[0][tx + 1] = matrix[base + tx + 1];
  __syncthreads();
  for (int m = 0; m < 31; m++) {
    int row = m < 16 ? tx + 1 : tx + m - 14, column = m < 16 ? m - tx + 1 : 16 - tx;
    if (m < 16 ? tx <= m : tx <= 30 - m) {
      int best = temp[row - 1][column - 1] + ref[row - 1][column - 1];
      best = max(best, temp[row][column - 1] - penalty);
      temp[row][column] = max(best, temp[row - 1][column] - penalty);
    }
    __syncthreads();
  }
  for (int ty = 0; ty < 16; ty++) matrix[base + columns * (ty + 1) + tx + 1] = temp[ty + 1][tx + 1];
}

// The longest common subsequence, by diagonals that one block walks together.
extern "C" __global__ void longestCommon(const char *a, const char *b, int n, int m, short *table, int *length) {
  for (int d = 2; d <= n + m; d++) {
    for (int i = max(1, d - m) + threadIdx.x; i <= min(n, d - 1); i += blockDim.x) {
      int j = d - i;
      table[i * (m + 1) + j] = a[i - 1] == b[j - 1] ? table[(i - 1) * (m + 1) + j - 1] + 1
                                                    : max(table[(i - 1) * (m + 1) + j], table[i * (m + 1) + j - 1]);
    }
    __syncthreads();
  }
  if (threadIdx.x == 0) *length = table[n * (m + 1) + m];
}

// The knapsack of all weights, row by row, in two rows of shared memory.
extern "C" __global__ void knapsack(const int2 *items, int count, int capacity, long long *best) {
  extern __shared__ long long rows[];
  long long *now = rows, *next = rows + capacity + 1;
  for (int w = threadIdx.x; w <= capacity; w += blockDim.x) now[w] = 0;
  __syncthreads();
  for (int i = 0; i < count; i++) {
    int2 item = items[i];
    for (int w = threadIdx.x; w <= capacity; w += blockDim.x) {
      next[w] = w >= item.x ? max(now[w], now[w - item.x] + item.y) : now[w];
    }
    __syncthreads();
    long long *swapped = now;
    now = next;
    next = swapped;
  }
  if (threadIdx.x == 0) *best = now[capacity];
}
