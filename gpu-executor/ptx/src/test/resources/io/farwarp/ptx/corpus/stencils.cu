// Stencils in two and three dimensions.

extern "C" __global__ void jacobi2d(const float *in, float *out, int width, int height) {
  int x = blockIdx.x * blockDim.x + threadIdx.x + 1, y = blockIdx.y * blockDim.y + threadIdx.y + 1;
  if (x < width - 1 && y < height - 1) {
    int i = y * width + x;
    out[i] = 0.2f * (in[i] + in[i - 1] + in[i + 1] + in[i - width] + in[i + width]);
  }
}

// Nine points in double precision, through a tile with a halo; block (16, 16).
extern "C" __global__ void stencilNine(const double *in, double *out, int width, int height, double centre, double side,
                                       double corner) {
  __shared__ double tile[18][18];
  int x0 = blockIdx.x * 16 - 1, y0 = blockIdx.y * 16 - 1;
  for (int i = threadIdx.y * 16 + threadIdx.x; i < 18 * 18; i += 256) {
    int x = min(max(x0 + i % 18, 0), width - 1), y = min(max(y0 + i / 18, 0), height - 1);
    tile[i / 18][i % 18] = in[y * width + x];
  }
  __syncthreads();
  int x = x0 + 1 + threadIdx.x, y = y0 + 1 + threadIdx.y, tx = threadIdx.x + 1, ty = threadIdx.y + 1;
  if (x < width && y < height) {
    out[y * width + x] = centre * tile[ty][tx] +
                         side * (tile[ty - 1][tx] + tile[ty + 1][tx] + tile[ty][tx - 1] + tile[ty][tx + 1]) +
                         corner * (tile[ty - 1][tx - 1] + tile[ty - 1][tx + 1] + tile[ty + 1][tx - 1] + tile[ty + 1][tx + 1]);
  }
}

extern "C" __global__ void jacobi3d(const float *in, float *out, int nx, int ny, int nz) {
  int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y,
      z = blockIdx.z * blockDim.z + threadIdx.z;
  if (x < 1 || y < 1 || z < 1 || x >= nx - 1 || y >= ny - 1 || z >= nz - 1) return;
  int i = (z * ny + y) * nx + x;
  out[i] = (in[i - 1] + in[i + 1] + in[i - nx] + in[i + nx] + in[i - nx * ny] + in[i + nx * ny]) / 6.0f;
}

// Marches along z with three planes in registers and a tile in shared memory; 27 points.
extern "C" __global__ void stencil27(const float *in, float *out, int nx, int ny, int nz) {
  __shared__ float plane[10][10];
  int x = blockIdx.x * 8 + threadIdx.x, y = blockIdx.y * 8 + threadIdx.y;
  float sums[3] = {0, 0, 0};
  for (int z = 0; z < nz; z++) {
    for (int i = threadIdx.y * 8 + threadIdx.x; i < 100; i += 64) {
      int px = blockIdx.x * 8 + i % 10 - 1, py = blockIdx.y * 8 + i / 10 - 1;
      plane[i / 10][i % 10] = px >= 0 && py >= 0 && px < nx && py < ny ? in[(z * ny + py) * nx + px] : 0;
    }
    __syncthreads();
    float sum = 0;
#pragma unroll
    for (int dy = 0; dy < 3; dy++) {
#pragma unroll
      for (int dx = 0; dx < 3; dx++) sum += plane[threadIdx.y + dy][threadIdx.x + dx];
    }
    __syncthreads();
    sums[0] = sums[1];
    sums[1] = sums[2];
    sums[2] = sum;
    if (z > 0 && x < nx && y < ny) out[((z - 1) * ny + y) * nx + x] = (sums[0] + sums[1] + sums[2]) / 27;
  }
  if (x < nx && y < ny) out[((nz - 1) * ny + y) * nx + x] = (sums[1] + sums[2]) / 27;
}

// Rodinia's hotspot: several steps in one launch, in a tile that shrinks; block (16, 16).
#define IN_RANGE(x, low, high) ((x) >= (low) && (x) <= (high))

extern "C" __global__ void hotspot(int iterations, const float *power, const float *source, float *destination, int columns,
                                   int rows, float cap, float rx, float ry, float rz, float step) {
  __shared__ float now[16][16], powers[16][16], next[16][16];
  const float ambient = 80.0f;
  float stepPerCap = step / cap, rx1 = 1 / rx, ry1 = 1 / ry, rz1 = 1 / rz;
  int tx = threadIdx.x, ty = threadIdx.y, small = 16 - iterations * 2;
  int topY = small * blockIdx.y - iterations, topX = small * blockIdx.x - iterations;
  int y = topY + ty, x = topX + tx, index = columns * y + x;
  if (IN_RANGE(y, 0, rows - 1) && IN_RANGE(x, 0, columns - 1)) {
    now[ty][tx] = source[index];
    powers[ty][tx] = power[index];
  }
  __syncthreads();
  int validTop = topY < 0 ? -topY : 0, validBottom = topY + 15 > rows - 1 ? 15 - (topY + 15 - rows + 1) : 15;
  int validLeft = topX < 0 ? -topX : 0, validRight = topX + 15 > columns - 1 ? 15 - (topX + 15 - columns + 1) : 15;
  int north = max(ty - 1, validTop), south = min(ty + 1, validBottom);
  int west = max(tx - 1, validLeft), east = min(tx + 1, validRight);
  bool computed = false;
  for (int i = 0; i < iterations; i++) {
    computed = false;
    if (IN_RANGE(tx, i + 1, 16 - i - 2) && IN_RANGE(ty, i + 1, 16 - i - 2) && IN_RANGE(tx, validLeft, validRight) &&
        IN_RANGE(ty, validTop, validBottom)) {
      computed = true;
      next[ty][tx] = now[ty][tx] + stepPerCap * (powers[ty][tx] + (now[south][tx] + now[north][tx] - 2.0f * now[ty][tx]) * ry1 +
                                                 (now[ty][east] + now[ty][west] - 2.0f * now[ty][tx]) * rx1 +
                                                 (ambient - now[ty][tx]) * rz1);
    }
    __syncthreads();
    if (i == iterations - 1) break;
    if (computed) now[ty][tx] = next[ty][tx];
    __syncthreads();
  }
  if (computed) destination[index] = next[ty][tx];
}

// Rodinia's SRAD: coefficients with reciprocals, then the update by divergence.
extern "C" __global__ void sradCoefficients(const float *j, float *c, float *dn, float *ds, float *dw, float *de, int columns,
                                            int rows, float q0) {
  int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y, i = y * columns + x;
  if (x >= columns || y >= rows) return;
  float jc = j[i];
  float n = (y > 0 ? j[i - columns] : jc) - jc, s = (y < rows - 1 ? j[i + columns] : jc) - jc;
  float w = (x > 0 ? j[i - 1] : jc) - jc, e = (x < columns - 1 ? j[i + 1] : jc) - jc;
  float g2 = (n * n + s * s + w * w + e * e) / (jc * jc);
  float l = (n + s + w + e) / jc;
  float number = 0.5f * g2 - (1.0f / 16.0f) * (l * l);
  float denominator = 1 + 0.25f * l;
  float qsqr = number / (denominator * denominator);
  denominator = (qsqr - q0) / (q0 * (1 + q0));
  c[i] = __saturatef(1.0f / (1.0f + denominator));
  dn[i] = n;
  ds[i] = s;
  dw[i] = w;
  de[i] = e;
}

extern "C" __global__ void sradUpdate(float *j, const float *c, const float *dn, const float *ds, const float *dw,
                                      const float *de, int columns, int rows, float lambda) {
  int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y, i = y * columns + x;
  if (x >= columns || y >= rows) return;
  float south = y < rows - 1 ? c[i + columns] : c[i], east = x < columns - 1 ? c[i + 1] : c[i];
  float divergence = c[i] * dn[i] + south * ds[i] + c[i] * dw[i] + east * de[i];
  j[i] = j[i] + 0.25f * lambda * divergence;
}

// Life on a torus, 32 cells to a word: bitwise adders.
extern "C" __global__ void lifeBits(const unsigned *in, unsigned *out, int words, int height) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= words * height) return;
  int x = i % words, y = i / words;
  unsigned ones = 0, twos = 0, fours = 0;
  auto add = [&](unsigned bits) {
    unsigned carry = ones & bits;
    ones ^= bits;
    unsigned carry2 = twos & carry;
    twos ^= carry;
    fours |= carry2;
  };
  for (int dy = -1; dy <= 1; dy++) {
    const unsigned *row = in + (y + dy + height) % height * words;
    unsigned left = row[(x + words - 1) % words], middle = row[x], right = row[(x + 1) % words];
    add(__funnelshift_l(left, middle, 1));
    add(__funnelshift_r(middle, right, 1));
    if (dy) add(middle);
  }
  out[i] = twos & ~fours & (ones | in[i]);
}

// Maxwell's equations in two dimensions (PolyBench's FDTD), three kernels for a step.
extern "C" __global__ void fdtdEy(const double *source, const double *hz, double *ey, int t, int nx, int ny) {
  int j = blockIdx.x * blockDim.x + threadIdx.x, i = blockIdx.y * blockDim.y + threadIdx.y;
  if (i >= nx || j >= ny) return;
  ey[i * ny + j] = i == 0 ? source[t] : ey[i * ny + j] - 0.5 * (hz[i * ny + j] - hz[(i - 1) * ny + j]);
}

extern "C" __global__ void fdtdEx(const double *hz, double *ex, int nx, int ny) {
  int j = blockIdx.x * blockDim.x + threadIdx.x, i = blockIdx.y * blockDim.y + threadIdx.y;
  if (i < nx && j > 0 && j < ny) ex[i * ny + j] -= 0.5 * (hz[i * ny + j] - hz[i * ny + j - 1]);
}

extern "C" __global__ void fdtdHz(double *hz, const double *ex, const double *ey, int nx, int ny) {
  int j = blockIdx.x * blockDim.x + threadIdx.x, i = blockIdx.y * blockDim.y + threadIdx.y;
  if (i < nx - 1 && j < ny - 1) {
    hz[i * ny + j] -= 0.7 * (ex[i * ny + j + 1] - ex[i * ny + j] + ey[(i + 1) * ny + j] - ey[i * ny + j]);
  }
}
