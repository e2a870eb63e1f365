// Kernels whose threads wait for each other, in the ways that published code has them do it.
#include <cooperative_groups.h>

namespace cg = cooperative_groups;

extern "C" __global__ void reduceShared(const float *in, float *out, int n) {
  extern __shared__ float partial[];
  float sum = 0;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
    sum += in[i];
  }
  partial[threadIdx.x] = sum;
  __syncthreads();
  for (int stride = blockDim.x / 2; stride > 0; stride >>= 1) {
    if (threadIdx.x < stride) {
      partial[threadIdx.x] += partial[threadIdx.x + stride];
    }
    __syncthreads();
  }
  if (threadIdx.x == 0) {
    out[blockIdx.x] = partial[0];
  }
}

__device__ float warpSum(float value) {
  for (int offset = 16; offset > 0; offset >>= 1) {
    value += __shfl_down_sync(0xffffffffu, value, offset);
  }
  return value;
}

extern "C" __global__ void reduceShuffle(const float *in, float *out, int n) {
  __shared__ float warps[32];
  float sum = 0;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
    sum += in[i];
  }
  sum = warpSum(sum);
  int lane = threadIdx.x % 32;
  int warp = threadIdx.x / 32;
  if (lane == 0) {
    warps[warp] = sum;
  }
  __syncthreads();
  if (warp == 0) {
    sum = lane < blockDim.x / 32 ? warps[lane] : 0;
    sum = warpSum(sum);
    if (lane == 0) {
      out[blockIdx.x] = sum;
    }
  }
}

#define TILE 16

extern "C" __global__ void sgemmTiled(int m, int n, int k, const float *a, const float *b,
                                      float *c) {
  __shared__ float tileA[TILE][TILE];
  __shared__ float tileB[TILE][TILE];
  int row = blockIdx.y * TILE + threadIdx.y;
  int column = blockIdx.x * TILE + threadIdx.x;
  float sum = 0;
  for (int t = 0; t < k; t += TILE) {
    int ka = t + threadIdx.x;
    int kb = t + threadIdx.y;
    tileA[threadIdx.y][threadIdx.x] = row < m && ka < k ? a[row * k + ka] : 0;
    tileB[threadIdx.y][threadIdx.x] = kb < k && column < n ? b[kb * n + column] : 0;
    __syncthreads();
    for (int i = 0; i < TILE; i++) {
      sum += tileA[threadIdx.y][i] * tileB[i][threadIdx.x];
    }
    __syncthreads();
  }
  if (row < m && column < n) {
    c[row * n + column] = sum;
  }
}

extern "C" __global__ void scanBlocks(const int *in, int *out, int n) {
  __shared__ int buffer[2][256];
  int i = blockIdx.x * 256 + threadIdx.x;
  int from = 0;
  buffer[0][threadIdx.x] = i < n ? in[i] : 0;
  __syncthreads();
  for (int offset = 1; offset < 256; offset *= 2) {
    int value = buffer[from][threadIdx.x];
    if (threadIdx.x >= offset) {
      value += buffer[from][threadIdx.x - offset];
    }
    buffer[1 - from][threadIdx.x] = value;
    from = 1 - from;
    __syncthreads();
  }
  if (i < n) {
    out[i] = buffer[from][threadIdx.x];
  }
}

extern "C" __global__ void scanWarps(const int *in, int *out, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  int lane = threadIdx.x & 31;
  int value = i < n ? in[i] : 0;
  for (int offset = 1; offset < 32; offset *= 2) {
    int other = __shfl_up_sync(0xffffffffu, value, offset);
    if (lane >= offset) {
      value += other;
    }
  }
  if (i < n) {
    out[i] = value;
  }
}

extern "C" __global__ void bitonicSort(int *keys) {
  extern __shared__ int sorted[];
  int *mine = keys + blockIdx.x * blockDim.x;
  sorted[threadIdx.x] = mine[threadIdx.x];
  __syncthreads();
  for (int size = 2; size <= blockDim.x; size *= 2) {
    for (int stride = size / 2; stride > 0; stride /= 2) {
      int other = threadIdx.x ^ stride;
      if (other > threadIdx.x) {
        bool up = (threadIdx.x & size) == 0;
        int a = sorted[threadIdx.x];
        int b = sorted[other];
        if ((a > b) == up) {
          sorted[threadIdx.x] = b;
          sorted[other] = a;
        }
      }
      __syncthreads();
    }
  }
  mine[threadIdx.x] = sorted[threadIdx.x];
}

extern "C" __global__ void histogram(const unsigned char *in, unsigned *bins, int n) {
  __shared__ unsigned local[256];
  for (int i = threadIdx.x; i < 256; i += blockDim.x) {
    local[i] = 0;
  }
  __syncthreads();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
    atomicAdd(&local[in[i]], 1u);
  }
  __syncthreads();
  for (int i = threadIdx.x; i < 256; i += blockDim.x) {
    atomicAdd(&bins[i], local[i]);
  }
}

extern "C" __global__ void transpose(const float *in, float *out, int width, int height) {
  __shared__ float tile[32][33];
  int x = blockIdx.x * 32 + threadIdx.x;
  for (int j = threadIdx.y; j < 32; j += blockDim.y) {
    int y = blockIdx.y * 32 + j;
    if (x < width && y < height) {
      tile[j][threadIdx.x] = in[y * width + x];
    }
  }
  __syncthreads();
  x = blockIdx.y * 32 + threadIdx.x;
  for (int j = threadIdx.y; j < 32; j += blockDim.y) {
    int y = blockIdx.x * 32 + j;
    if (x < height && y < width) {
      out[y * height + x] = tile[threadIdx.x][j];
    }
  }
}

// Keeps the elements over a limit, in any order of warps but in order within each.
extern "C" __global__ void compact(const int *in, int *out, int *count, int limit, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  bool keep = i < n && in[i] > limit;
  unsigned kept = __ballot_sync(0xffffffffu, keep);
  int lane = threadIdx.x & 31;
  int base = 0;
  if (lane == 0) {
    base = atomicAdd(count, __popc(kept));
  }
  base = __shfl_sync(0xffffffffu, base, 0);
  if (keep) {
    out[base + __popc(kept & ((1u << lane) - 1))] = in[i];
  }
}

// As above with the groups library, whose lanes are those that happen to be together.
extern "C" __global__ void compactCoalesced(const int *in, int *out, int *count, int limit, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n && in[i] > limit) {
    cg::coalesced_group together = cg::coalesced_threads();
    int base = 0;
    if (together.thread_rank() == 0) {
      base = atomicAdd(count, together.size());
    }
    out[together.shfl(base, 0) + together.thread_rank()] = in[i];
  }
}

// Sums each group of 8 lanes.
extern "C" __global__ void tileSums(const int *in, int *out) {
  cg::thread_block block = cg::this_thread_block();
  cg::thread_block_tile<8> tile = cg::tiled_partition<8>(block);
  int sum = in[blockIdx.x * blockDim.x + threadIdx.x];
  for (int i = tile.size() / 2; i > 0; i /= 2) {
    sum += tile.shfl_xor(sum, i);
  }
  block.sync();
  out[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}

// Threads hand a token on in order, through shared memory.
extern "C" __global__ void relayShared(int *order) {
  __shared__ volatile int turn;
  __shared__ int next;
  if (threadIdx.x == 0) {
    turn = blockDim.x - 1;
    next = 0;
  }
  __syncthreads();
  while (turn != threadIdx.x) {
  }
  order[next++] = threadIdx.x;
  __threadfence_block();
  turn = threadIdx.x - 1;
}

// The last thread of a block sets a flag in global memory for which all others wait.
extern "C" __global__ void waitGlobal(int *flags, int *out) {
  int *flag = flags + blockIdx.x;
  if (threadIdx.x == blockDim.x - 1) {
    atomicExch(flag, 42);
  }
  int seen;
  do {
    seen = atomicAdd(flag, 0);
  } while (seen == 0);
  out[blockIdx.x * blockDim.x + threadIdx.x] = seen;
}

// A spin lock as published code writes it, so that lanes of a warp do not wait for one another.
extern "C" __global__ void lockedCounter(int *lock, volatile int *counter) {
  bool done = false;
  while (!done) {
    if (atomicCAS(lock, 0, 1) == 0) {
      *counter = *counter + 1;
      __threadfence();
      atomicExch(lock, 0);
      done = true;
    }
  }
}

// Threads over the limit leave before the barrier.
extern "C" __global__ void leaveEarly(int *out, int limit) {
  __shared__ int tile[256];
  if (threadIdx.x >= limit) {
    return;
  }
  tile[threadIdx.x] = threadIdx.x;
  __syncthreads();
  out[blockIdx.x * blockDim.x + threadIdx.x] = tile[limit - 1 - threadIdx.x];
}

// Counts by the barriers that reduce.
extern "C" __global__ void countAndAgree(const int *in, int *out) {
  int value = in[threadIdx.x];
  int positive = __syncthreads_count(value > 0);
  int all = __syncthreads_and(value > -100);
  int any = __syncthreads_or(value == 7);
  out[threadIdx.x] = positive * 4 + all * 2 + any;
}

// A pipeline of two halves with numbered barriers: the first half produces, the second consumes.
extern "C" __global__ void produceConsume(int *out, int rounds) {
  __shared__ int slot[64];
  int half = blockDim.x / 2;
  int rank = threadIdx.x % half;
  for (int i = 0; i < rounds; i++) {
    if (threadIdx.x < half) {
      asm volatile("barrier.sync 1, %0;" ::"r"(blockDim.x) : "memory");
      slot[rank] = i * 1000 + rank;
      asm volatile("barrier.arrive 2, %0;" ::"r"(blockDim.x) : "memory");
    } else {
      asm volatile("barrier.arrive 1, %0;" ::"r"(blockDim.x) : "memory");
      asm volatile("barrier.sync 2, %0;" ::"r"(blockDim.x) : "memory");
      out[i * half + rank] = slot[half - 1 - rank];
    }
  }
}

// Local arrays keep their contents over barriers.
extern "C" __global__ void localOverBarriers(const int *in, int *out, int rounds) {
  __shared__ int board[128];
  int mine[8];
  for (int i = 0; i < 8; i++) {
    mine[i] = in[(threadIdx.x + i) % blockDim.x];
  }
  for (int r = 0; r < rounds; r++) {
    board[threadIdx.x] = mine[r % 8];
    __syncthreads();
    mine[(r + in[0]) % 8] += board[(threadIdx.x + 1) % blockDim.x];
    __syncthreads();
  }
  int sum = 0;
  for (int i = 0; i < 8; i++) {
    sum = sum * 31 + mine[i];
  }
  out[threadIdx.x] = sum;
}
