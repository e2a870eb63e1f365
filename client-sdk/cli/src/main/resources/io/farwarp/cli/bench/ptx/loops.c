/*
 * The loops of `farwarp bench ptx` in C, for gcc -O3 -march=native -fopenmp: what the kernels of the same names in
 * kernels.cu do, on the same memory.
 */
#include <math.h>
#include <omp.h>
#include <stdint.h>
#include <string.h>

#define TILE 16
#define BINS 256

void use_threads(int32_t threads) { omp_set_num_threads(threads); }

static float cumulative_normal(float d) {
  float k = 1.0f / fmaf(0.2316419f, fabsf(d), 1.0f);
  float polynomial = fmaf(k, 1.330274429f, -1.821255978f);
  polynomial = fmaf(k, polynomial, 1.781477937f);
  polynomial = fmaf(k, polynomial, -0.356563782f);
  polynomial = fmaf(k, polynomial, 0.319381530f);
  float tail = 0.39894228040143267794f * expf(-0.5f * d * d) * (k * polynomial);
  return d > 0.0f ? 1.0f - tail : tail;
}

void black_scholes(const float *restrict spot, const float *restrict strike, const float *restrict rate,
                   const float *restrict volatility, const float *restrict time, const float *restrict type,
                   float *restrict price, int64_t n) {
#pragma omp parallel for
  for (int64_t i = 0; i < n; i++) {
    float s = spot[i], v = volatility[i], t = time[i];
    float sign = fmaf(-2.0f, type[i], 1.0f);
    float deviation = v * sqrtf(t);
    float d1 = (logf(s / strike[i]) + fmaf(0.5f * v, v, rate[i]) * t) / deviation;
    float d2 = d1 - deviation;
    float discounted = strike[i] * expf(-rate[i] * t);
    price[i] = sign * (s * cumulative_normal(sign * d1) - discounted * cumulative_normal(sign * d2));
  }
}

void vecadd(const float *restrict a, const float *restrict b, float *restrict c, int64_t n) {
#pragma omp parallel for
  for (int64_t i = 0; i < n; i++) c[i] = a[i] + b[i];
}

void saxpy(float a, const float *restrict x, float *restrict y, int64_t n) {
#pragma omp parallel for
  for (int64_t i = 0; i < n; i++) y[i] = a * x[i] + y[i];
}

void sgemm(const float *restrict a, const float *restrict b, float *restrict c, int32_t n) {
#pragma omp parallel for collapse(2)
  for (int row = 0; row < n; row += TILE) {
    for (int column = 0; column < n; column += TILE) {
      float tile_a[TILE][TILE], tile_b[TILE][TILE], sums[TILE][TILE];
      memset(sums, 0, sizeof sums);
      for (int t = 0; t < n; t += TILE) {
        for (int y = 0; y < TILE; y++) {
          for (int x = 0; x < TILE; x++) {
            tile_a[y][x] = a[(row + y) * n + t + x];
            tile_b[y][x] = b[(t + y) * n + column + x];
          }
        }
        for (int y = 0; y < TILE; y++) {
          for (int x = 0; x < TILE; x++) {
            float sum = sums[y][x];
            for (int i = 0; i < TILE; i++) sum += tile_a[y][i] * tile_b[i][x];
            sums[y][x] = sum;
          }
        }
      }
      for (int y = 0; y < TILE; y++) {
        for (int x = 0; x < TILE; x++) c[(row + y) * n + column + x] = sums[y][x];
      }
    }
  }
}

void nbody(const float *restrict bodies, float *restrict accelerations, int32_t n) {
#pragma omp parallel for
  for (int i = 0; i < n; i++) {
    float x = 0, y = 0, z = 0;
    for (int j = 0; j < n; j++) {
      float dx = bodies[4 * j] - bodies[4 * i];
      float dy = bodies[4 * j + 1] - bodies[4 * i + 1];
      float dz = bodies[4 * j + 2] - bodies[4 * i + 2];
      float inverse = 1.0f / sqrtf(dx * dx + dy * dy + dz * dz + 1e-3f);
      float pull = bodies[4 * j + 3] * inverse * inverse * inverse;
      x += pull * dx;
      y += pull * dy;
      z += pull * dz;
    }
    accelerations[4 * i] = x;
    accelerations[4 * i + 1] = y;
    accelerations[4 * i + 2] = z;
    accelerations[4 * i + 3] = 0;
  }
}

void jacobi(const float *restrict in, float *restrict out, int32_t width, int32_t height) {
#pragma omp parallel for
  for (int y = 1; y < height - 1; y++) {
    for (int x = 1; x < width - 1; x++) {
      int i = y * width + x;
      out[i] = 0.25f * (in[i - 1] + in[i + 1] + in[i - width] + in[i + width]);
    }
  }
}

void reduce(const float *restrict in, float *restrict out, int32_t n) {
  float sum = 0;
#pragma omp parallel for reduction(+ : sum)
  for (int i = 0; i < n; i++) sum += in[i];
  *out = sum;
}

void histogram(const uint8_t *restrict in, uint32_t *restrict bins, int32_t n) {
#pragma omp parallel
  {
    uint32_t mine[BINS] = {0};
#pragma omp for
    for (int i = 0; i < n; i++) mine[in[i]]++;
#pragma omp critical
    for (int i = 0; i < BINS; i++) bins[i] += mine[i];
  }
}

void scan(const uint32_t *restrict in, uint32_t *restrict out, int32_t n) {
  uint32_t sums[1024] = {0};
#pragma omp parallel
  {
    int threads = omp_get_num_threads(), me = omp_get_thread_num();
    int64_t from = (int64_t)n * me / threads, to = (int64_t)n * (me + 1) / threads;
    uint32_t sum = 0;
    for (int64_t i = from; i < to; i++) sum += in[i];
    sums[me] = sum;
#pragma omp barrier
    sum = 0;
    for (int i = 0; i < me; i++) sum += sums[i];
    for (int64_t i = from; i < to; i++) out[i] = sum += in[i];
  }
}
