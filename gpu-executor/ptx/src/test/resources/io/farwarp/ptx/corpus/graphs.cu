// Sparse matrices and graphs, as in SHOC and Rodinia.

extern "C" __global__ void spmvScalar(const int *rows, const int *columns, const float *values, const float *x, float *y,
                                      int n) {
  int row = blockIdx.x * blockDim.x + threadIdx.x;
  if (row < n) {
    float sum = 0;
    for (int i = rows[row]; i < rows[row + 1]; i++) {
      sum += values[i] * x[columns[i]];
    }
    y[row] = sum;
  }
}

// A warp for each row, through volatile shared memory.
extern "C" __global__ void spmvVector(const int *rows, const int *columns, const double *values, const double *x,
                                      double *y, int n) {
  __shared__ volatile double sums[128 + 16];
  int thread = blockIdx.x * blockDim.x + threadIdx.x, lane = thread & 31;
  for (int row = thread / 32; row < n; row += gridDim.x * blockDim.x / 32) {
    double sum = 0;
    for (int i = rows[row] + lane; i < rows[row + 1]; i += 32) {
      sum += values[i] * x[columns[i]];
    }
    sums[threadIdx.x] = sum;
    __syncwarp();
    for (int d = 16; d > 0; d >>= 1) {
      double other = lane < d ? sums[threadIdx.x + d] : 0;
      __syncwarp();
      if (lane < d) sums[threadIdx.x] = sum = sum + other;
      __syncwarp();
    }
    if (lane == 0) y[row] = sum;
  }
}

// ELLPACK: column-major, padded with columns of -1.
extern "C" __global__ void spmvEllpack(const int *columns, const float *values, const float *x, float *y, int n, int width) {
  int row = blockIdx.x * blockDim.x + threadIdx.x;
  if (row >= n) return;
  float sum = 0;
  for (int k = 0; k < width; k++) {
    int column = columns[k * n + row];
    if (column < 0) break;
    sum = fmaf(values[k * n + row], x[column], sum);
  }
  y[row] = sum;
}

// Rodinia's breadth-first search: masks of nodes, two kernels for each level.
struct Node {
  int first;
  int degree;
};

extern "C" __global__ void bfsExpand(const Node *nodes, const int *edges, bool *mask, bool *updating, const bool *visited,
                                     int *cost, int n) {
  int node = blockIdx.x * blockDim.x + threadIdx.x;
  if (node < n && mask[node]) {
    mask[node] = false;
    for (int i = nodes[node].first; i < nodes[node].first + nodes[node].degree; i++) {
      int next = edges[i];
      if (!visited[next]) {
        cost[next] = cost[node] + 1;
        updating[next] = true;
      }
    }
  }
}

extern "C" __global__ void bfsUpdate(bool *mask, bool *updating, bool *visited, bool *over, int n) {
  int node = blockIdx.x * blockDim.x + threadIdx.x;
  if (node < n && updating[node]) {
    mask[node] = true;
    visited[node] = true;
    *over = true;
    updating[node] = false;
  }
}

// The same with queues: each block gathers its part of the next level in shared memory.
extern "C" __global__ void bfsQueue(const Node *nodes, const int *edges, int *level, const int *queue, int size, int *next,
                                    int *nextSize, int depth) {
  __shared__ int own[256];
  __shared__ int count, base;
  if (threadIdx.x == 0) count = 0;
  __syncthreads();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < size; i += gridDim.x * blockDim.x) {
    Node node = nodes[queue[i]];
    for (int e = 0; e < node.degree; e++) {
      int to = edges[node.first + e];
      if (atomicCAS(&level[to], -1, depth) == -1) {
        int at = atomicAdd(&count, 1);
        if (at < 256) {
          own[at] = to;
        } else {
          next[atomicAdd(nextSize, 1)] = to;
        }
      }
    }
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    count = min(count, 256);
    base = atomicAdd(nextSize, count);
  }
  __syncthreads();
  for (int i = threadIdx.x; i < count; i += blockDim.x) next[base + i] = own[i];
}

// Blocked all-pairs shortest paths: one block (16, 16) for one tile; phase 1, 2 or 3 of a round.
extern "C" __global__ void floydWarshall(int *distances, int n, int round, int phase) {
  __shared__ int own[16][17], row[16][17], column[16][17];
  int tx = threadIdx.x, ty = threadIdx.y, bx, by;
  if (phase == 1) {
    bx = by = round;
  } else if (phase == 2) {
    int other = blockIdx.x + (blockIdx.x >= round);
    bx = blockIdx.y ? other : round;
    by = blockIdx.y ? round : other;
  } else {
    bx = blockIdx.x + (blockIdx.x >= round);
    by = blockIdx.y + (blockIdx.y >= round);
  }
  const int far = 1 << 28;
  int i = by * 16 + ty, j = bx * 16 + tx;
  bool inside = i < n && j < n;
  own[ty][tx] = inside ? distances[i * n + j] : far;
  row[ty][tx] = round * 16 + ty < n && j < n ? distances[(round * 16 + ty) * n + j] : far;
  column[ty][tx] = i < n && round * 16 + tx < n ? distances[i * n + round * 16 + tx] : far;
  __syncthreads();
  for (int k = 0; k < 16; k++) {
    int through;
    switch (phase) {
      case 1: through = own[ty][k] + own[k][tx]; break;
      case 2: through = blockIdx.y ? column[ty][k] + own[k][tx] : own[ty][k] + row[k][tx]; break;
      default: through = column[ty][k] + row[k][tx];
    }
    __syncthreads();
    own[ty][tx] = min(own[ty][tx], through);
    __syncthreads();
  }
  if (inside) distances[i * n + j] = own[ty][tx];
}

// Bellman-Ford over edges, with atomicMin on 64 bits: distance above, parent below.
extern "C" __global__ void relaxEdges(const int3 *edges, unsigned long long *best, int count, int *changed) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) return;
  int3 edge = edges[i];
  unsigned long long from = best[edge.x] >> 32;
  if (from == 0x7fffffff) return;
  unsigned long long candidate = (from + edge.z) << 32 | (unsigned)edge.x;
  if (atomicMin(&best[edge.y], candidate) > candidate) atomicOr(changed, 1);
}

// Connected components by hooking with compare-and-swap, and pointer jumping.
__device__ int rootOf(const volatile int *parents, int node) {
  while (parents[node] != node) node = parents[node];
  return node;
}

extern "C" __global__ void hookEdges(const int2 *edges, int *parents, int count) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) return;
  int a = edges[i].x, b = edges[i].y;
  while (true) {
    a = rootOf(parents, a);
    b = rootOf(parents, b);
    if (a == b) return;
    int high = max(a, b), low = min(a, b);
    if (atomicCAS(&parents[high], high, low) == high) return;
  }
}

extern "C" __global__ void flattenParents(int *parents, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) parents[i] = rootOf(parents, i);
}

// Triangles by intersecting sorted neighbours, a warp for each node; the sum by redux or shuffles.
extern "C" __global__ void countTriangles(const int *first, const int *neighbours, unsigned long long *total, int n) {
  int node = (blockIdx.x * blockDim.x + threadIdx.x) / 32, lane = threadIdx.x & 31;
  if (node >= n) return;
  unsigned found = 0;
  for (int i = first[node] + lane; i < first[node + 1]; i += 32) {
    int other = neighbours[i], p = first[node], q = first[other];
    if (other < node) continue;
    while (p < first[node + 1] && q < first[other + 1]) {
      int a = neighbours[p], b = neighbours[q];
      if (a == b && a > other) found++;
      p += a <= b;
      q += b <= a;
    }
  }
#if __CUDA_ARCH__ >= 800
  found = __reduce_add_sync(~0u, found);
#else
  for (int d = 16; d > 0; d /= 2) found += __shfl_down_sync(~0u, found, d);
#endif
  if (lane == 0) atomicAdd(total, (unsigned long long)found);
}

// PageRank, pulling: in-edges in CSR, ranks divided by out-degrees.
extern "C" __global__ void pageRank(const int *first, const int *sources, const int *outDegrees, const float *ranks,
                                    float *next, float *difference, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  float change = 0;
  if (i < n) {
    float sum = 0;
    for (int e = first[i]; e < first[i + 1]; e++) {
      sum += ranks[sources[e]] / outDegrees[sources[e]];
    }
    next[i] = 0.15f / n + 0.85f * sum;
    change = fabsf(next[i] - ranks[i]);
  }
  for (int d = 16; d > 0; d >>= 1) change += __shfl_xor_sync(~0u, change, d);
  if ((threadIdx.x & 31) == 0) atomicAdd(difference, change);
}
