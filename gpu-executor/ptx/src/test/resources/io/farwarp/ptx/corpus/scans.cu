// Scans, reductions, compaction and histograms.

// Work-efficient exclusive scan of 2 * blockDim.x elements for each block, whose totals go to sums.
extern "C" __global__ void scanBlelloch(const int *in, int *out, int *sums, int n) {
  extern __shared__ int values[];
  int t = threadIdx.x, base = blockIdx.x * blockDim.x * 2;
  values[2 * t] = base + 2 * t < n ? in[base + 2 * t] : 0;
  values[2 * t + 1] = base + 2 * t + 1 < n ? in[base + 2 * t + 1] : 0;
  int offset = 1;
  for (int d = blockDim.x; d > 0; d >>= 1) {
    __syncthreads();
    if (t < d) {
      values[offset * (2 * t + 2) - 1] += values[offset * (2 * t + 1) - 1];
    }
    offset *= 2;
  }
  if (t == 0) {
    if (sums) sums[blockIdx.x] = values[2 * blockDim.x - 1];
    values[2 * blockDim.x - 1] = 0;
  }
  for (int d = 1; d <= blockDim.x; d *= 2) {
    offset >>= 1;
    __syncthreads();
    if (t < d) {
      int left = offset * (2 * t + 1) - 1, right = offset * (2 * t + 2) - 1;
      int moved = values[left];
      values[left] = values[right];
      values[right] += moved;
    }
  }
  __syncthreads();
  if (base + 2 * t < n) out[base + 2 * t] = values[2 * t];
  if (base + 2 * t + 1 < n) out[base + 2 * t + 1] = values[2 * t + 1];
}

extern "C" __global__ void addBlockSums(int *out, const int *sums, int n) {
  int i = blockIdx.x * 2 * blockDim.x + threadIdx.x;
  if (i < n) out[i] += sums[blockIdx.x];
  if (i + blockDim.x < n) out[i + blockDim.x] += sums[blockIdx.x];
}

// Inclusive scan in one pass: each block waits for what the blocks before it publish.
// state[i]: 0 nothing yet, 1 the block's own sum, 2 the sum up to its end.
extern "C" __global__ void scanLookBack(const int *in, int *out, volatile int *state, volatile int *own, volatile int *upTo,
                                        int n) {
  __shared__ int warps[32];
  __shared__ int before;
  int i = blockIdx.x * blockDim.x + threadIdx.x, lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  int value = i < n ? in[i] : 0;
  for (int d = 1; d < 32; d <<= 1) {
    int other = __shfl_up_sync(~0u, value, d);
    if (lane >= d) value += other;
  }
  if (lane == 31) warps[warp] = value;
  __syncthreads();
  if (warp == 0) {
    int sum = lane < blockDim.x / 32 ? warps[lane] : 0;
    for (int d = 1; d < 32; d <<= 1) {
      int other = __shfl_up_sync(~0u, sum, d);
      if (lane >= d) sum += other;
    }
    warps[lane] = sum;
  }
  __syncthreads();
  if (warp > 0) value += warps[warp - 1];
  if (threadIdx.x == blockDim.x - 1) {
    own[blockIdx.x] = value;
    __threadfence();
    state[blockIdx.x] = 1;
    int sum = 0;
    for (int j = blockIdx.x - 1; j >= 0; j--) {
      int seen;
      while ((seen = state[j]) == 0) {
      }
      __threadfence();
      if (seen == 2) {
        sum += upTo[j];
        break;
      }
      sum += own[j];
    }
    upTo[blockIdx.x] = sum + value;
    __threadfence();
    state[blockIdx.x] = 2;
    before = sum;
  }
  __syncthreads();
  if (i < n) out[i] = before + value;
}

// Inclusive scan that starts again at each flag, for one block of up to 1,024 elements.
extern "C" __global__ void scanSegments(const float *in, const unsigned char *flags, float *out, int n) {
  __shared__ float values[1024];
  __shared__ bool heads[1024];
  int t = threadIdx.x;
  values[t] = t < n ? in[t] : 0;
  heads[t] = t < n ? flags[t] != 0 : true;
  __syncthreads();
  for (int d = 1; d < blockDim.x; d <<= 1) {
    float sum = values[t];
    bool head = heads[t];
    if (t >= d && !head) {
      sum += values[t - d];
      head = heads[t - d];
    }
    __syncthreads();
    values[t] = sum;
    heads[t] = head;
    __syncthreads();
  }
  if (t < n) out[t] = values[t];
}

// The reduction of CUDA's samples: by templates, unrolled to the last warp.
template <int SIZE> __device__ void reduceLastWarp(volatile float *sums, int t) {
  if (SIZE >= 64) sums[t] += sums[t + 32];
  __syncwarp();
  if (SIZE >= 32 && t < 16) sums[t] += sums[t + 16];
  __syncwarp();
  if (t < 8) sums[t] += sums[t + 8];
  __syncwarp();
  if (t < 4) sums[t] += sums[t + 4];
  __syncwarp();
  if (t < 2) sums[t] += sums[t + 2];
  __syncwarp();
  if (t < 1) sums[t] += sums[t + 1];
}

template <int SIZE> __device__ void reduceBlock(const float *in, float *out, int n) {
  __shared__ float sums[SIZE];
  int t = threadIdx.x;
  float sum = 0;
  for (int i = blockIdx.x * SIZE * 2 + t; i < n; i += SIZE * 2 * gridDim.x) {
    sum += in[i];
    if (i + SIZE < n) sum += in[i + SIZE];
  }
  sums[t] = sum;
  __syncthreads();
  if (SIZE >= 512) { if (t < 256) sums[t] += sums[t + 256]; __syncthreads(); }
  if (SIZE >= 256) { if (t < 128) sums[t] += sums[t + 128]; __syncthreads(); }
  if (SIZE >= 128) { if (t < 64) sums[t] += sums[t + 64]; __syncthreads(); }
  if (t < 32) reduceLastWarp<SIZE>(sums, t);
  if (t == 0) out[blockIdx.x] = sums[0];
}

extern "C" __global__ void reduceUnrolled512(const float *in, float *out, int n) { reduceBlock<512>(in, out, n); }
extern "C" __global__ void reduceUnrolled64(const float *in, float *out, int n) { reduceBlock<64>(in, out, n); }

// The sum in one launch: the block that is last adds up what all of them left.
__device__ unsigned arrived = 0;

extern "C" __global__ void reduceLastBlock(const float *in, volatile float *partial, float *out, int n) {
  __shared__ bool last;
  float sum = 0;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) sum += in[i];
  for (int d = 16; d; d >>= 1) sum += __shfl_down_sync(~0u, sum, d);
  if (threadIdx.x == 0) {
    partial[blockIdx.x] = sum;
    __threadfence();
    last = atomicInc(&arrived, gridDim.x - 1) == gridDim.x - 1;
  }
  __syncthreads();
  if (last) {
    sum = 0;
    for (int i = threadIdx.x; i < gridDim.x; i += blockDim.x) sum += partial[i];
    for (int d = 16; d; d >>= 1) sum += __shfl_down_sync(~0u, sum, d);
    if (threadIdx.x == 0) *out = sum;
  }
}

// The place of the largest value, and of the first of several: value and index shuffle together.
extern "C" __global__ void argMax(const float *in, int *where, int n) {
  float best = -INFINITY;
  int at = 0x7fffffff;
  for (int i = threadIdx.x; i < n; i += 32) {
    if (in[i] > best) {
      best = in[i];
      at = i;
    }
  }
  for (int d = 16; d; d >>= 1) {
    float otherBest = __shfl_xor_sync(~0u, best, d);
    int otherAt = __shfl_xor_sync(~0u, at, d);
    if (otherBest > best || (otherBest == best && otherAt < at)) {
      best = otherBest;
      at = otherAt;
    }
  }
  if (threadIdx.x == 0) *where = at;
}

// Keeps what is over a limit, in order within each block, by ballots.
extern "C" __global__ void compactBallot(const int *in, int *out, int *count, int limit, int n) {
  __shared__ int perWarp[32];
  __shared__ int base;
  int i = blockIdx.x * blockDim.x + threadIdx.x, lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  int value = i < n ? in[i] : 0;
  bool kept = i < n && value > limit;
  unsigned ballot = __ballot_sync(~0u, kept);
  int rank = __popc(ballot & ((1u << lane) - 1));
  if (lane == 0) perWarp[warp] = __popc(ballot);
  __syncthreads();
  if (threadIdx.x == 0) {
    int total = 0;
    for (int w = 0; w < blockDim.x / 32; w++) {
      int own = perWarp[w];
      perWarp[w] = total;
      total += own;
    }
    base = atomicAdd(count, total);
  }
  __syncthreads();
  if (kept) out[base + perWarp[warp] + rank] = value;
}

extern "C" __global__ void histogramGlobal(const unsigned char *in, unsigned *bins, int n) {
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
    atomicAdd(&bins[in[i]], 1u);
  }
}

// Four bytes at once into a histogram of the block; n is a multiple of 4.
extern "C" __global__ void histogramShared(const uchar4 *in, unsigned *bins, int n) {
  __shared__ unsigned own[256];
  for (int i = threadIdx.x; i < 256; i += blockDim.x) own[i] = 0;
  __syncthreads();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n / 4; i += gridDim.x * blockDim.x) {
    uchar4 v = in[i];
    atomicAdd(&own[v.x], 1u);
    atomicAdd(&own[v.y], 1u);
    atomicAdd(&own[v.z], 1u);
    atomicAdd(&own[v.w], 1u);
  }
  __syncthreads();
  for (int i = threadIdx.x; i < 256; i += blockDim.x) {
    if (own[i]) atomicAdd(&bins[i], own[i]);
  }
}

// One atomic for all lanes with the same key.
extern "C" __global__ void histogramMatched(const int *in, int *bins, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  unsigned active = __ballot_sync(~0u, i < n);
  if (i < n) {
    unsigned same = __match_any_sync(active, in[i]);
    if ((threadIdx.x & 31) == __ffs(same) - 1) atomicAdd(&bins[in[i]], __popc(same));
  }
}
