// Dense linear algebra, as in suites of BLAS kernels, PolyBench and Rodinia.
#define TILE 16

// C = alpha A B + beta C; every size may end inside a tile.
extern "C" __global__ void sgemmTiled(int m, int n, int k, float alpha, const float *a, const float *b, float beta,
                                      float *c) {
  __shared__ float tileA[TILE][TILE];
  __shared__ float tileB[TILE][TILE + 1];
  int row = blockIdx.y * TILE + threadIdx.y, column = blockIdx.x * TILE + threadIdx.x;
  float sum = 0;
  for (int t = 0; t < k; t += TILE) {
    tileA[threadIdx.y][threadIdx.x] = row < m && t + threadIdx.x < k ? a[row * k + t + threadIdx.x] : 0.0f;
    tileB[threadIdx.y][threadIdx.x] = column < n && t + threadIdx.y < k ? b[(t + threadIdx.y) * n + column] : 0.0f;
    __syncthreads();
#pragma unroll
    for (int i = 0; i < TILE; i++) {
      sum += tileA[threadIdx.y][i] * tileB[i][threadIdx.x];
    }
    __syncthreads();
  }
  if (row < m && column < n) {
    c[row * n + column] = alpha * sum + beta * c[row * n + column];
  }
}

// Each thread has 4 x 4 results in registers; n and m are multiples of 32, k of 8. Block (8, 8).
extern "C" __global__ void dgemmRegisters(int m, int n, int k, const double *a, const double *b, double *c) {
  __shared__ double tileA[8][32];
  __shared__ double tileB[8][32];
  int thread = threadIdx.y * 8 + threadIdx.x;
  double sums[4][4] = {};
  for (int t = 0; t < k; t += 8) {
    for (int i = thread; i < 256; i += 64) {
      tileA[i % 8][i / 8] = a[(blockIdx.y * 32 + i / 8) * k + t + i % 8];
      tileB[i / 32][i % 32] = b[(t + i / 32) * n + blockIdx.x * 32 + i % 32];
    }
    __syncthreads();
#pragma unroll
    for (int i = 0; i < 8; i++) {
      double x[4], y[4];
#pragma unroll
      for (int j = 0; j < 4; j++) {
        x[j] = tileA[i][threadIdx.y * 4 + j];
        y[j] = tileB[i][threadIdx.x + 8 * j];
      }
#pragma unroll
      for (int r = 0; r < 4; r++) {
#pragma unroll
        for (int s = 0; s < 4; s++) {
          sums[r][s] += x[r] * y[s];
        }
      }
    }
    __syncthreads();
  }
  for (int r = 0; r < 4; r++) {
    for (int s = 0; s < 4; s++) {
      c[(blockIdx.y * 32 + threadIdx.y * 4 + r) * n + blockIdx.x * 32 + threadIdx.x + 8 * s] = sums[r][s];
    }
  }
}

// Block (32, 8) moves a tile of 32 x 32.
extern "C" __global__ void transposeTiled(const float *in, float *out, int width, int height) {
  __shared__ float tile[32][33];
  int x = blockIdx.x * 32 + threadIdx.x, y = blockIdx.y * 32 + threadIdx.y;
  for (int i = 0; i < 32; i += 8) {
    if (x < width && y + i < height) {
      tile[threadIdx.y + i][threadIdx.x] = in[(y + i) * width + x];
    }
  }
  __syncthreads();
  x = blockIdx.y * 32 + threadIdx.x;
  y = blockIdx.x * 32 + threadIdx.y;
  for (int i = 0; i < 32; i += 8) {
    if (x < height && y + i < width) {
      out[(y + i) * height + x] = tile[threadIdx.x][threadIdx.y + i];
    }
  }
}

// LU in place by one block, with partial pivoting; pivots[i] is the row that came to i.
extern "C" __global__ void luPivoted(float *a, int *pivots, int n) {
  __shared__ float best[256];
  __shared__ int where[256];
  int t = threadIdx.x;
  for (int k = 0; k < n; k++) {
    best[t] = -1;
    where[t] = k;
    for (int row = k + t; row < n; row += blockDim.x) {
      float value = fabsf(a[row * n + k]);
      if (value > best[t]) {
        best[t] = value;
        where[t] = row;
      }
    }
    __syncthreads();
    for (int half = blockDim.x / 2; half > 0; half /= 2) {
      if (t < half && (best[t + half] > best[t] || best[t + half] == best[t] && where[t + half] < where[t])) {
        best[t] = best[t + half];
        where[t] = where[t + half];
      }
      __syncthreads();
    }
    int pivot = where[0];
    if (t == 0) {
      pivots[k] = pivot;
    }
    for (int column = t; column < n && pivot != k; column += blockDim.x) {
      float swapped = a[k * n + column];
      a[k * n + column] = a[pivot * n + column];
      a[pivot * n + column] = swapped;
    }
    __syncthreads();
    for (int row = k + 1 + t; row < n; row += blockDim.x) {
      float factor = a[row * n + k] /= a[k * n + k];
      for (int column = k + 1; column < n; column++) {
        a[row * n + column] -= factor * a[k * n + column];
      }
    }
    __syncthreads();
  }
}

// Gaussian elimination in two kernels for each column: factors, then the rest of the matrix.
extern "C" __global__ void gaussFactors(const float *a, float *factors, int size, int column) {
  int i = threadIdx.x + blockIdx.x * blockDim.x;
  if (i >= size - 1 - column) return;
  int row = column + i + 1;
  factors[size * row + column] = a[size * row + column] / a[size * column + column];
}

extern "C" __global__ void gaussEliminate(float *a, float *b, const float *factors, int size, int column) {
  if (threadIdx.x + blockIdx.x * blockDim.x >= size - 1 - column) return;
  if (threadIdx.y + blockIdx.y * blockDim.y >= size - column) return;
  int row = column + 1 + blockIdx.x * blockDim.x + threadIdx.x;
  int at = column + blockIdx.y * blockDim.y + threadIdx.y;
  a[size * row + at] -= factors[size * row + column] * a[size * column + at];
  if (at == column) {
    b[row] -= factors[size * row + column] * b[column];
  }
}

// Lower Cholesky factor of a small matrix for each block, in dynamic shared memory.
extern "C" __global__ void choleskyBatched(double *matrices, int n) {
  extern __shared__ double l[];
  double *a = matrices + (size_t)blockIdx.x * n * n;
  for (int i = threadIdx.x; i < n * n; i += blockDim.x) {
    l[i] = a[i];
  }
  __syncthreads();
  for (int k = 0; k < n; k++) {
    if (threadIdx.x == 0) {
      l[k * n + k] = sqrt(l[k * n + k]);
    }
    __syncthreads();
    for (int i = k + 1 + threadIdx.x; i < n; i += blockDim.x) {
      l[i * n + k] /= l[k * n + k];
    }
    __syncthreads();
    for (int i = k + 1 + threadIdx.x; i < n; i += blockDim.x) {
      for (int j = k + 1; j <= i; j++) {
        l[i * n + j] -= l[i * n + k] * l[j * n + k];
      }
    }
    __syncthreads();
  }
  for (int i = threadIdx.x; i < n * n; i += blockDim.x) {
    a[i] = i % n <= i / n ? l[i] : 0;
  }
}

// Solves L x = b for many right-hand sides, a thread for each; x stays in local memory.
extern "C" __global__ void triangularSolve(const float *l, const float *b, float *out, int n, int sides) {
  float x[48];
  int side = blockIdx.x * blockDim.x + threadIdx.x;
  if (side >= sides) return;
  for (int i = 0; i < n; i++) {
    float sum = b[i * sides + side];
    for (int j = 0; j < i; j++) {
      sum -= l[i * n + j] * x[j];
    }
    x[i] = sum / l[i * n + i];
  }
  for (int i = 0; i < n; i++) {
    out[i * sides + side] = x[i];
  }
}
