// Filters, resizing, transforms and fractals on images.

#define RADIUS 2
#define TILE 16

// Convolution by a mask, through a tile with a border; zeros outside the image.
extern "C" __global__ void convolveTiled(const float *in, float *out, int width, int height, int pitch, const float *weights) {
  __shared__ float tile[TILE + 2 * RADIUS][TILE + 2 * RADIUS + 1];
  int x0 = blockIdx.x * TILE - RADIUS, y0 = blockIdx.y * TILE - RADIUS;
  for (int ty = threadIdx.y; ty < TILE + 2 * RADIUS; ty += blockDim.y) {
    for (int tx = threadIdx.x; tx < TILE + 2 * RADIUS; tx += blockDim.x) {
      int x = x0 + tx, y = y0 + ty;
      tile[ty][tx] = x >= 0 && x < width && y >= 0 && y < height ? in[y * pitch + x] : 0.0f;
    }
  }
  __syncthreads();
  for (int ty = threadIdx.y; ty < TILE; ty += blockDim.y) {
    int x = blockIdx.x * TILE + threadIdx.x, y = blockIdx.y * TILE + ty;
    if (x >= width || y >= height) continue;
    float sum = 0;
#pragma unroll
    for (int dy = 0; dy <= 2 * RADIUS; dy++) {
#pragma unroll
      for (int dx = 0; dx <= 2 * RADIUS; dx++) sum += weights[dy * (2 * RADIUS + 1) + dx] * tile[ty + dy][threadIdx.x + dx];
    }
    out[y * pitch + x] = sum;
  }
}

// Rows of a separable filter with the border mirrored; eight results for each thread.
template <int LENGTH> __device__ void filterRow(const float *in, float *out, const float *weights, int width, int step) {
  for (int k = 0; k < 8; k++) {
    int x = (blockIdx.x * 8 + k) * blockDim.x + threadIdx.x;
    if (x >= width) return;
    float sum = 0;
#pragma unroll
    for (int d = -LENGTH; d <= LENGTH; d++) {
      int at = x + d;
      at = at < 0 ? -at : at >= width ? 2 * width - 2 - at : at;
      sum = fmaf(weights[d + LENGTH], in[at * step], sum);
    }
    out[x * step] = sum;
  }
}

extern "C" __global__ void filterRows(const float *in, float *out, const float *weights, int width, int height) {
  filterRow<4>(in + blockIdx.y * width, out + blockIdx.y * width, weights, width, 1);
}

extern "C" __global__ void filterColumns(const float *in, float *out, const float *weights, int width, int height) {
  filterRow<3>(in + blockIdx.y, out + blockIdx.y, weights, height, width);
}

// Bilinear resizing of four channels of a byte, rounded.
extern "C" __global__ void resizeBilinear(const uchar4 *in, uchar4 *out, int width, int height, int newWidth, int newHeight) {
  int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
  if (x >= newWidth || y >= newHeight) return;
  float u = fminf(fmaxf((x + 0.5f) * width / newWidth - 0.5f, 0.0f), width - 1.0f);
  float v = fminf(fmaxf((y + 0.5f) * height / newHeight - 0.5f, 0.0f), height - 1.0f);
  int x0 = (int)u, y0 = (int)v, x1 = min(x0 + 1, width - 1), y1 = min(y0 + 1, height - 1);
  float fx = u - x0, fy = v - y0;
  uchar4 a = in[y0 * width + x0], b = in[y0 * width + x1], c = in[y1 * width + x0], d = in[y1 * width + x1];
  auto mix = [=](unsigned char p, unsigned char q, unsigned char r, unsigned char s) {
    float top = p + fx * (q - p), bottom = r + fx * (s - r);
    return (unsigned char)__float2uint_rn(__saturatef((top + fy * (bottom - top)) / 255.0f) * 255.0f);
  };
  out[y * newWidth + x] = make_uchar4(mix(a.x, b.x, c.x, d.x), mix(a.y, b.y, c.y, d.y), mix(a.z, b.z, c.z, d.z), mix(a.w, b.w, c.w, d.w));
}

// The mean of near pixels, weighted by their distance in place and value.
extern "C" __global__ void bilateral(const float *in, float *out, int width, int height, int radius, float place, float value) {
  int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
  if (x >= width || y >= height) return;
  float own = in[y * width + x], sum = 0, weight = 0;
  for (int dy = -radius; dy <= radius; dy++) {
    for (int dx = -radius; dx <= radius; dx++) {
      int px = min(max(x + dx, 0), width - 1), py = min(max(y + dy, 0), height - 1);
      float other = in[py * width + px], difference = other - own;
      float w = __expf(-(dx * dx + dy * dy) / (2 * place * place)) * expf(-difference * difference / (2 * value * value));
      sum += w * other;
      weight += w;
    }
  }
  out[y * width + x] = __fdividef(sum, weight);
}

// Gradients of bytes and their direction in eighths of a turn, in a tile of shared memory.
extern "C" __global__ void sobel(const unsigned char *in, unsigned char *size, signed char *direction, int width, int height) {
  __shared__ unsigned char tile[TILE + 2][TILE + 2];
  int x = blockIdx.x * TILE + threadIdx.x, y = blockIdx.y * TILE + threadIdx.y;
  for (int i = threadIdx.y * TILE + threadIdx.x; i < (TILE + 2) * (TILE + 2); i += TILE * TILE) {
    int px = min(max((int)(blockIdx.x * TILE + i % (TILE + 2)) - 1, 0), width - 1);
    int py = min(max((int)(blockIdx.y * TILE + i / (TILE + 2)) - 1, 0), height - 1);
    tile[i / (TILE + 2)][i % (TILE + 2)] = in[py * width + px];
  }
  __syncthreads();
  if (x >= width || y >= height) return;
  const unsigned char(*t)[TILE + 2] = &tile[threadIdx.y];
  int c = threadIdx.x;
  int gx = t[0][c + 2] + 2 * t[1][c + 2] + t[2][c + 2] - t[0][c] - 2 * t[1][c] - t[2][c];
  int gy = t[2][c] + 2 * t[2][c + 1] + t[2][c + 2] - t[0][c] - 2 * t[0][c + 1] - t[0][c + 2];
  size[y * width + x] = (unsigned char)min((int)sqrtf((float)(gx * gx + gy * gy)), 255);
  int eighth = abs(gx) > abs(gy) ? 0 : 1;
  direction[y * width + x] = (signed char)(gx == 0 && gy == 0 ? -1 : (gy < 0 ? 4 : 0) + (gx < 0 ? 2 : 0) + eighth);
}

__device__ __forceinline__ void order(unsigned short &a, unsigned short &b) {
  unsigned short low = min(a, b);
  b = max(a, b);
  a = low;
}

// Medians of nine by a sorting network on registers.
extern "C" __global__ void medianNine(const unsigned short *in, unsigned short *out, int width, int height) {
  int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
  if (x >= width || y >= height) return;
  unsigned short v[9];
#pragma unroll
  for (int i = 0; i < 9; i++) v[i] = in[min(max(y + i / 3 - 1, 0), height - 1) * width + min(max(x + i % 3 - 1, 0), width - 1)];
  order(v[1], v[2]); order(v[4], v[5]); order(v[7], v[8]); order(v[0], v[1]); order(v[3], v[4]);
  order(v[6], v[7]); order(v[1], v[2]); order(v[4], v[5]); order(v[7], v[8]); order(v[0], v[3]);
  order(v[5], v[8]); order(v[4], v[7]); order(v[3], v[6]); order(v[1], v[4]); order(v[2], v[5]);
  order(v[4], v[7]); order(v[4], v[2]); order(v[6], v[4]); order(v[4], v[2]);
  out[y * width + x] = v[4];
}

// Turns of z^2 + c until it leaves, in double precision, and a smooth shade in single.
extern "C" __global__ void mandelbrot(int *turns, float *shade, int width, int height, double left, double top, double step, int most) {
  int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
  if (x >= width || y >= height) return;
  double cr = left + x * step, ci = top - y * step, r = 0, i = 0;
  int turn = 0;
  while (turn < most) {
    double rr = __dmul_rn(r, r), ii = __dmul_rn(i, i);
    if (__dadd_rn(rr, ii) > 256.0) break;
    i = __dadd_rn(__dmul_rn(__dadd_rn(r, r), i), ci);
    r = __dadd_rn(__dsub_rn(rr, ii), cr);
    turn++;
  }
  turns[y * width + x] = turn;
  shade[y * width + x] = turn == most ? -1.0f : turn + 1 - log2f(0.5f * log2f((float)(r * r + i * i)));
}

// Colours to luminance and two differences, with packed pixels of three bytes; planes out.
struct Pixel {
  unsigned char red, green, blue;
};

extern "C" __global__ void splitColours(const Pixel *in, unsigned char *luminance, unsigned char *blueness, unsigned char *redness, int n) {
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
    Pixel p = in[i];
    luminance[i] = (unsigned char)((66 * p.red + 129 * p.green + 25 * p.blue + 128 >> 8) + 16);
    blueness[i] = (unsigned char)((-38 * p.red - 74 * p.green + 112 * p.blue + 128 >> 8) + 128);
    redness[i] = (unsigned char)((112 * p.red - 94 * p.green - 18 * p.blue + 128 >> 8) + 128);
  }
}

// The cosine transform of blocks of eight by eight as JPEG has it, quantised and in zigzag order.
__constant__ unsigned char zigzag[64] = {0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48,
                                         41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23,
                                         30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

extern "C" __global__ void cosineBlocks(const unsigned char *in, short *out, float *exact, int width, float scale) {
  __shared__ float block[8][9], rows[8][9];
  int x = threadIdx.x, y = threadIdx.y;
  block[y][x] = (float)in[(blockIdx.y * 8 + y) * width + blockIdx.x * 8 + x] - 128.0f;
  __syncthreads();
  float sum = 0;
  for (int k = 0; k < 8; k++) sum += block[y][k] * cospif((2 * k + 1) * x / 16.0f);
  rows[y][x] = sum * (x == 0 ? rsqrtf(8.0f) : 0.5f);
  __syncthreads();
  sum = 0;
  for (int k = 0; k < 8; k++) sum += rows[k][x] * cospif((2 * k + 1) * y / 16.0f);
  sum *= y == 0 ? rsqrtf(8.0f) : 0.5f;
  block[y][x] = sum / (scale * (1 + x + y));
  __syncthreads();
  int number = blockIdx.y * gridDim.x + blockIdx.x, place = y * 8 + x, from = zigzag[place];
  exact[number * 64 + place] = block[from / 8][from % 8];
  out[number * 64 + place] = (short)__float2int_rn(block[from / 8][from % 8]);
}

// Sums of all pixels above and to the left: rows by shuffles, then columns.
extern "C" __global__ void integralRows(const unsigned char *in, unsigned *out, int width) {
  unsigned carry = 0;
  for (int base = 0; base < width; base += 32) {
    int x = base + threadIdx.x;
    unsigned v = x < width ? in[blockIdx.x * width + x] : 0;
    for (int d = 1; d < 32; d <<= 1) {
      unsigned other = __shfl_up_sync(~0u, v, d);
      if (threadIdx.x >= d) v += other;
    }
    v += carry;
    if (x < width) out[blockIdx.x * width + x] = v;
    carry = __shfl_sync(~0u, v, 31);
  }
}

extern "C" __global__ void integralColumns(unsigned *sums, int width, int height) {
  int x = blockIdx.x * blockDim.x + threadIdx.x;
  if (x >= width) return;
  for (int y = 1; y < height; y++) sums[y * width + x] += sums[(y - 1) * width + x];
}
