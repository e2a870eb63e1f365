// Products of vectors and matrices, as in PolyBench and STREAM.

extern "C" __global__ void streamTriad(double *a, const double *b, const double *c, double scalar, long long n) {
  long long stride = (long long)gridDim.x * blockDim.x;
  for (long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x; i < n; i += stride) {
    a[i] = b[i] + scalar * c[i];
  }
}

// Vectors of four: n is a multiple of 4.
extern "C" __global__ void saxpyVectors(float4 *y, const float4 *__restrict__ x, float a, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n / 4) {
    float4 u = __ldg(&x[i]), v = y[i];
    y[i] = make_float4(fmaf(a, u.x, v.x), fmaf(a, u.y, v.y), fmaf(a, u.z, v.z), fmaf(a, u.w, v.w));
  }
}

// Double precision, by shuffles and an atomic for each block.
extern "C" __global__ void dotDouble(const double *x, const double *y, double *result, int n) {
  __shared__ double sums[32];
  double sum = 0;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
    sum = fma(x[i], y[i], sum);
  }
  for (int offset = 16; offset > 0; offset >>= 1) {
    sum += __shfl_down_sync(0xffffffff, sum, offset);
  }
  if (threadIdx.x % warpSize == 0) {
    sums[threadIdx.x / warpSize] = sum;
  }
  __syncthreads();
  if (threadIdx.x < warpSize) {
    sum = threadIdx.x < blockDim.x / warpSize ? sums[threadIdx.x] : 0;
    for (int offset = 16; offset > 0; offset >>= 1) {
      sum += __shfl_xor_sync(0xffffffff, sum, offset);
    }
    if (threadIdx.x == 0) {
      atomicAdd(result, sum);
    }
  }
}

extern "C" __global__ void gemverRankTwo(double *a, const double *u1, const double *v1, const double *u2,
                                         const double *v2, int n) {
  int i = blockIdx.y * blockDim.y + threadIdx.y, j = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n && j < n) {
    a[i * n + j] += u1[i] * v1[j] + u2[i] * v2[j];
  }
}

extern "C" __global__ void gemverTransposed(const double *a, double *x, const double *y, const double *z, double beta,
                                            int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) {
    for (int j = 0; j < n; j++) {
      x[i] += beta * a[j * n + i] * y[j];
    }
    x[i] += z[i];
  }
}

extern "C" __global__ void gemverProduct(const double *a, const double *x, double *w, double alpha, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) {
    for (int j = 0; j < n; j++) {
      w[i] += alpha * a[i * n + j] * x[j];
    }
  }
}

// q = A p by rows, s = A' r by columns: BiCG's two products.
extern "C" __global__ void bicgRows(const float *a, const float *p, float *q, int rows, int columns) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < rows) {
    q[i] = 0.0f;
    for (int j = 0; j < columns; j++) {
      q[i] += a[i * columns + j] * p[j];
    }
  }
}

extern "C" __global__ void bicgColumns(const float *a, const float *r, float *s, int rows, int columns) {
  int j = blockIdx.x * blockDim.x + threadIdx.x;
  if (j < columns) {
    s[j] = 0.0f;
    for (int i = 0; i < rows; i++) {
      s[j] += a[i * columns + j] * r[i];
    }
  }
}

// y = A' (A x): a warp for each row, atomics for the columns.
extern "C" __global__ void ataxWarps(const float *a, const float *x, float *y, int rows, int columns) {
  int row = (blockIdx.x * blockDim.x + threadIdx.x) / 32, lane = threadIdx.x % 32;
  if (row >= rows) return;
  float sum = 0;
  for (int j = lane; j < columns; j += 32) {
    sum += a[row * columns + j] * x[j];
  }
  for (int offset = 16; offset > 0; offset /= 2) {
    sum += __shfl_xor_sync(~0u, sum, offset);
  }
  for (int j = lane; j < columns; j += 32) {
    atomicAdd(&y[j], a[row * columns + j] * sum);
  }
}

// Correlation of the columns of a table, in three kernels.
extern "C" __global__ void columnMoments(const float *table, float *mean, float *deviation, int rows, int columns) {
  int j = blockIdx.x * blockDim.x + threadIdx.x;
  if (j >= columns) return;
  float sum = 0, squares = 0;
  for (int i = 0; i < rows; i++) {
    sum += table[i * columns + j];
  }
  float m = sum / rows;
  for (int i = 0; i < rows; i++) {
    float d = table[i * columns + j] - m;
    squares += d * d;
  }
  mean[j] = m;
  deviation[j] = sqrtf(squares / rows);
  if (deviation[j] <= 0.1f) {
    deviation[j] = 1.0f;
  }
}

extern "C" __global__ void standardise(float *table, const float *mean, const float *deviation, int rows, int columns) {
  int j = blockIdx.x * blockDim.x + threadIdx.x, i = blockIdx.y * blockDim.y + threadIdx.y;
  if (i < rows && j < columns) {
    table[i * columns + j] = (table[i * columns + j] - mean[j]) / (sqrtf((float)rows) * deviation[j]);
  }
}

extern "C" __global__ void correlate(const float *table, float *symmetric, int rows, int columns) {
  int j1 = blockIdx.x * blockDim.x + threadIdx.x;
  if (j1 >= columns) return;
  symmetric[j1 * columns + j1] = 1.0f;
  for (int j2 = j1 + 1; j2 < columns; j2++) {
    float sum = 0;
    for (int i = 0; i < rows; i++) {
      sum += table[i * columns + j1] * table[i * columns + j2];
    }
    symmetric[j1 * columns + j2] = sum;
    symmetric[j2 * columns + j1] = sum;
  }
}
