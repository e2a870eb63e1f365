// Sorts, merges and selection.

// One step of the bitonic network over global memory; n is a power of two.
extern "C" __global__ void bitonicStep(unsigned *keys, int j, int k) {
  unsigned i = blockIdx.x * blockDim.x + threadIdx.x, other = i ^ j;
  if (other > i) {
    unsigned a = keys[i], b = keys[other];
    if ((a > b) == ((i & k) == 0)) {
      keys[i] = b;
      keys[other] = a;
    }
  }
}

// Keys with values, a block of 1,024 threads in shared memory, ascending or descending.
extern "C" __global__ void __launch_bounds__(1024) bitonicPairs(float *keys, int *values, int size, int descending) {
  extern __shared__ char memory[];
  float *k = (float *)memory;
  int *v = (int *)(k + size);
  int t = threadIdx.x;
  for (int i = t; i < size; i += blockDim.x) {
    k[i] = keys[blockIdx.x * size + i];
    v[i] = values[blockIdx.x * size + i];
  }
  for (int width = 2; width <= size; width <<= 1) {
    for (int stride = width >> 1; stride > 0; stride >>= 1) {
      __syncthreads();
      for (int p = t; p < size / 2; p += blockDim.x) {
        int at = 2 * p - (p & (stride - 1));
        bool up = ((at & width) == 0) != (descending != 0);
        if ((k[at] > k[at + stride]) == up) {
          float key = k[at];
          k[at] = k[at + stride];
          k[at + stride] = key;
          int value = v[at];
          v[at] = v[at + stride];
          v[at + stride] = value;
        }
      }
    }
  }
  __syncthreads();
  for (int i = t; i < size; i += blockDim.x) {
    keys[blockIdx.x * size + i] = k[i];
    values[blockIdx.x * size + i] = v[i];
  }
}

// Radix sort by 4 bits: counts for each block, a scan of them, a stable scatter. Block 256, a key for each thread.
extern "C" __global__ void radixCount(const unsigned *keys, int *counts, int shift, int n) {
  __shared__ int own[16];
  if (threadIdx.x < 16) own[threadIdx.x] = 0;
  __syncthreads();
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) atomicAdd(&own[keys[i] >> shift & 15], 1);
  __syncthreads();
  if (threadIdx.x < 16) counts[threadIdx.x * gridDim.x + blockIdx.x] = own[threadIdx.x];
}

extern "C" __global__ void radixOffsets(int *counts, int count) {
  __shared__ int carry;
  if (threadIdx.x == 0) carry = 0;
  for (int base = 0; base < count; base += 32) {
    __syncwarp();
    int i = base + threadIdx.x, own = i < count ? counts[i] : 0, sum = own;
#pragma unroll
    for (int d = 1; d < 32; d *= 2) {
      int other = __shfl_up_sync(0xffffffffu, sum, d);
      if (threadIdx.x >= d) sum += other;
    }
    int before = carry;
    __syncwarp();
    if (i < count) counts[i] = before + sum - own;
    if (threadIdx.x == 31) carry = before + sum;
  }
}

extern "C" __global__ void radixScatter(const unsigned *keys, unsigned *out, const int *offsets, int shift, int n) {
  __shared__ int ranks[16][8];
  int i = blockIdx.x * blockDim.x + threadIdx.x, lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  unsigned key = i < n ? keys[i] : 0;
  int digit = i < n ? key >> shift & 15 : 16;
  int rank = 0;
  for (int d = 0; d < 16; d++) {
    unsigned lanes = __ballot_sync(~0u, digit == d);
    if (digit == d) rank = __popc(lanes & ((1u << lane) - 1));
    if (lane == 0) ranks[d][warp] = __popc(lanes);
  }
  __syncthreads();
  if (threadIdx.x < 16) {
    int sum = offsets[threadIdx.x * gridDim.x + blockIdx.x];
    for (int w = 0; w < 8; w++) {
      int own = ranks[threadIdx.x][w];
      ranks[threadIdx.x][w] = sum;
      sum += own;
    }
  }
  __syncthreads();
  if (i < n) out[ranks[digit][warp] + rank] = key;
}

// Merges runs of `width`: each element finds its place by searching the other run.
extern "C" __global__ void mergeRuns(const long long *in, long long *out, int width, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  int run = i / width, start = (run ^ 1) * width, low = start, high = min(start + width, n);
  if (low > n) low = high = n;
  long long key = in[i];
  while (low < high) {
    int middle = low + (high - low) / 2;
    bool before = run & 1 ? in[middle] <= key : in[middle] < key;
    if (before) low = middle + 1; else high = middle;
  }
  int pairStart = (run & ~1) * width;
  int smaller = start <= n ? low - start : 0;
  out[pairStart + (i - run * width) + smaller] = key;
}

// Odd-even transposition by one block until nothing has moved.
extern "C" __global__ void oddEvenSort(short *values, int n, int *rounds) {
  int round = 0;
  bool moved = true;
  while (__syncthreads_or(moved)) {
    moved = false;
    for (int phase = 0; phase < 2; phase++) {
      int i = 2 * threadIdx.x + phase;
      if (i + 1 < n && values[i] > values[i + 1]) {
        short swapped = values[i];
        values[i] = values[i + 1];
        values[i + 1] = swapped;
        moved = true;
      }
      __syncthreads();
    }
    round++;
  }
  if (threadIdx.x == 0) *rounds = round;
}

// Quicksort of a piece for each thread, with its own stack in local memory.
extern "C" __global__ void quickSortPieces(int *values, int pieceSize, int n) {
  int piece = blockIdx.x * blockDim.x + threadIdx.x;
  int first = piece * pieceSize;
  if (first >= n) return;
  int stack[64];
  int depth = 0;
  stack[depth++] = first;
  stack[depth++] = min(first + pieceSize, n) - 1;
  while (depth > 0) {
    int high = stack[--depth], low = stack[--depth];
    if (low >= high) continue;
    int pivot = values[(low + high) >> 1], i = low, j = high;
    while (i <= j) {
      while (values[i] < pivot) i++;
      while (values[j] > pivot) j--;
      if (i <= j) {
        int swapped = values[i];
        values[i++] = values[j];
        values[j--] = swapped;
      }
    }
    if (j - low > high - i) {
      stack[depth++] = low; stack[depth++] = j;
      stack[depth++] = i; stack[depth++] = high;
    } else {
      stack[depth++] = i; stack[depth++] = high;
      stack[depth++] = low; stack[depth++] = j;
    }
  }
}

// The place of each key by counting the smaller ones, tile by tile.
extern "C" __global__ void rankSort(const double *in, double *out, int n) {
  __shared__ double tile[64];
  int i = blockIdx.x * 64 + threadIdx.x, rank = 0;
  double key = i < n ? in[i] : 0;
  for (int base = 0; base < n; base += 64) {
    if (base + threadIdx.x < n) tile[threadIdx.x] = in[base + threadIdx.x];
    __syncthreads();
    int count = n - base < 64 ? n - base : 64;
    for (int j = 0; j < count; j++) {
      rank += tile[j] < key || (tile[j] == key && base + j < i);
    }
    __syncthreads();
  }
  if (i < n) out[rank] = key;
}
