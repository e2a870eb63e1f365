// Function pointers, virtual functions, and what kernels say: printf and assert.
#include <cassert>
#include <cstdio>

struct Shape {
  __device__ virtual float area(float x) const = 0;
};

struct Square : Shape {
  float k;
  __device__ float area(float x) const override { return k * x * x; }
};

struct Circle : Shape {
  float k;
  __device__ float area(float x) const override { return 3.0f * x * x + k; }
};

typedef float (*Function)(float, int);

__device__ __noinline__ float twice(float x, int n) { return 2 * x + n; }
__device__ __noinline__ float thrice(float x, int n) { return 3 * x - n; }
__device__ Function table[2] = {twice, thrice};

__device__ __noinline__ void leave(int i) {
  if (i == 5) {
    asm volatile("exit;");
  }
}

extern "C" __global__ void pointers(float *data, int n) {
  int i = threadIdx.x;
  leave(i);
  data[i] = table[i & 1](data[i], n);
}

extern "C" __global__ void virtuals(float *data, int n) {
  int i = threadIdx.x;
  Square square;
  square.k = 2;
  Circle circle;
  circle.k = 1;
  Shape *shape = (i & n) ? (Shape *)&square : (Shape *)&circle;
  data[i] = shape->area(data[i]);
}

extern "C" __global__ void speak(int *data, float x) {
  int used = printf("thread %d of %s: %.2f %lld%c", threadIdx.x, "block", x, 123456789012LL, '\n');
  data[threadIdx.x] = used;
}

extern "C" __global__ void check(int *data) { assert(data[threadIdx.x] != 3 && "no threes"); }
