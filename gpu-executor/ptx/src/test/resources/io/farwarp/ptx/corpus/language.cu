// What C++ and CUDA offer: dispatch, templates, recursion, memories, shapes of grids.
#include <assert.h>
#include <stdio.h>

// Virtual functions, with a destructor, of objects that each thread makes in local memory.
struct Shape {
  float scale;
  __device__ Shape(float scale) : scale(scale) {}
  __device__ virtual float area() const = 0;
  __device__ virtual float perimeter() const { return 0; }
  __device__ virtual ~Shape() {}
};

struct Circle : Shape {
  __device__ Circle(float r) : Shape(r) {}
  __device__ float area() const override { return 3.0f * scale * scale; }
  __device__ float perimeter() const override { return 6.0f * scale; }
};

struct Square : Shape {
  float offset;
  __device__ Square(float side, float offset) : Shape(side), offset(offset) {}
  __device__ float area() const override { return scale * scale + offset; }
};

struct Frame : Square {
  __device__ Frame(float side) : Square(side, 1) {}
  __device__ float area() const override { return Square::area() - 0.5f; }
  __device__ float perimeter() const override { return 8 * scale; }
};

extern "C" __global__ void shapes(const int *kinds, const float *sizes, float *out, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  Circle circle(sizes[i]);
  Square square(sizes[i], 0.25f);
  Frame frame(sizes[i]);
  const Shape *all[] = {&circle, &square, &frame};
  const Shape *chosen = all[kinds[i]];
  out[i] = chosen->area() + chosen->perimeter();
}

// A table of functions in constant memory, and one that is passed on.
typedef int (*Operation)(int, int);
__device__ __noinline__ int addOp(int a, int b) { return a + b; }
__device__ __noinline__ int subOp(int a, int b) { return a - b; }
__device__ __noinline__ int mulOp(int a, int b) { return a * b; }
__device__ __noinline__ int gcdOp(int a, int b) {
  a = abs(a);
  b = abs(b);
  while (b) {
    int t = a % b;
    a = b;
    b = t;
  }
  return a;
}
__constant__ Operation operations[4] = {addOp, subOp, mulOp, gcdOp};

__device__ __noinline__ int fold(Operation op, const int *values, int count, int start) {
  for (int i = 0; i < count; i++) start = op(start, values[i]);
  return start;
}

extern "C" __global__ void interpreter(const unsigned char *program, int length, const int *inputs, int *out, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  int stack[16];
  int top = 0;
  for (int pc = 0; pc < length; pc++) {
    unsigned char code = program[pc];
    switch (code) {
      case 0: stack[top++] = inputs[i]; break;
      case 1: stack[top++] = i; break;
      case 2: stack[top] = stack[top - 1]; top++; break;
      case 3: { int s = stack[top - 1]; stack[top - 1] = stack[top - 2]; stack[top - 2] = s; break; }
      case 4: case 5: case 6: case 7: top--; stack[top - 1] = operations[code - 4](stack[top - 1], stack[top]); break;
      case 8: stack[top - 1] = -stack[top - 1]; break;
      case 9: stack[top - 1] = ~stack[top - 1]; break;
      case 10: if (stack[--top] > 0) pc++; break;
      case 11: stack[top - 1] >>= 1; break;
      default: stack[top++] = code - 12;
    }
  }
  out[i] = fold(operations[0], stack, top, 7) + fold(operations[threadIdx.x & 3], stack, top, 1);
}

// Recursion of several kinds.
__device__ __noinline__ unsigned ackermann(unsigned m, unsigned n) {
  return m == 0 ? n + 1 : n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}

__device__ int isOdd(int n);
__device__ __noinline__ int isEven(int n) { return n == 0 ? 1 : isOdd(n - 1); }
__device__ __noinline__ int isOdd(int n) { return n == 0 ? 0 : isEven(n - 1); }

__device__ __noinline__ double integrate(double (*f)(double), double a, double b, double fa, double fm, double fb, double whole,
                                         double tolerance, int depth) {
  double m = (a + b) / 2, left = (a + m) / 2, right = (m + b) / 2, fl = f(left), fr = f(right);
  double sumLeft = (m - a) / 6 * (fa + 4 * fl + fm), sumRight = (b - m) / 6 * (fm + 4 * fr + fb);
  double error = sumLeft + sumRight - whole;
  if (depth == 0 || fabs(error) < 15 * tolerance) return sumLeft + sumRight + error / 15;
  return integrate(f, a, m, fa, fl, fm, sumLeft, tolerance / 2, depth - 1) +
         integrate(f, m, b, fm, fr, fb, sumRight, tolerance / 2, depth - 1);
}

__device__ double wave(double x) { return sin(x) * exp(-x); }

extern "C" __global__ void recursive(unsigned *ackermanns, int *parities, double *integrals) {
  int t = threadIdx.x;
  ackermanns[t] = ackermann(t % 3, t / 3);
  parities[t] = isEven(t * 3);
  double a = 0, b = 1 + t, fa = wave(a), fb = wave(b), fm = wave((a + b) / 2);
  integrals[t] = integrate(wave, a, b, fa, fm, fb, (b - a) / 6 * (fa + 4 * fm + fb), 1e-10, 20);
}

// Expression templates over arrays of doubles, with compile-time recursion.
template <typename L, typename R> struct Sum {
  L l;
  R r;
  __device__ double at(int i) const { return l.at(i) + r.at(i); }
};
template <typename L, typename R> struct Product {
  L l;
  R r;
  __device__ double at(int i) const { return l.at(i) * r.at(i); }
};
struct Array {
  const double *values;
  __device__ double at(int i) const { return values[i]; }
};
template <typename L, typename R> __device__ Sum<L, R> operator+(L l, R r) { return {l, r}; }
template <typename L, typename R> __device__ Product<L, R> operator*(L l, R r) { return {l, r}; }
template <int N> struct Power {
  __device__ static double of(double x) { return x * Power<N - 1>::of(x); }
};
template <> struct Power<0> {
  __device__ static double of(double x) { return 1; }
};
template <typename T, typename... Rest> __device__ T largest(T first, Rest... rest) {
  if constexpr (sizeof...(rest) == 0) {
    return first;
  } else {
    T other = largest(rest...);
    return first > other ? first : other;
  }
}

extern "C" __global__ void expressions(const double *a, const double *b, const double *c, double *out, int n) {
  Array x{a}, y{b}, z{c};
  auto expression = x * y + z * (x + y * z);
  for (int i = threadIdx.x; i < n; i += blockDim.x) {
    out[i] = Power<5>::of(expression.at(i)) + largest(a[i], b[i], c[i], a[i] * b[i]);
  }
}

// Structs by value with bit fields and unions, returned by value from functions that are not inlined.
union Bits {
  float number;
  unsigned word;
  unsigned char bytes[4];
};
struct Packed {
  unsigned low : 5;
  int middle : 11;
  unsigned high : 16;
  long long wide;
  Bits bits;
  short shorts[3];
};

__device__ __noinline__ Packed mixed(Packed p, int i) {
  p.low += i;
  p.middle -= i * 3;
  p.high ^= i << 7;
  p.wide = p.wide * p.middle + p.low;
  p.bits.bytes[i & 3] ^= 0x5a;
  p.shorts[i % 3] += p.high;
  return p;
}

extern "C" __global__ void structs(Packed start, Packed *out, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  Packed p = start;
  for (int k = 0; k <= i % 5; k++) p = mixed(p, i + k);
  out[i] = p;
}

// Every index of a grid and a block in three dimensions, each once.
extern "C" __global__ void indices(int *out, int3 size) {
  int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y,
      z = blockIdx.z * blockDim.z + threadIdx.z;
  if (x < size.x && y < size.y && z < size.z) {
    int block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
    int thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
    atomicAdd(&out[(z * size.y + y) * size.x + x], block * 1000 + thread);
  }
}

// Dynamic shared memory of several types at once, beside static memory.
extern "C" __global__ void sharedArrays(const int *in, double *out, int n) {
  extern __shared__ double memory[];
  __shared__ int fixed[4];
  double *doubles = memory;
  int *ints = (int *)&doubles[n];
  short *shorts = (short *)&ints[n];
  unsigned char *bytes = (unsigned char *)&shorts[n];
  int t = threadIdx.x;
  if (t < 4) fixed[t] = in[t];
  ints[t] = in[t];
  shorts[n - 1 - t] = (short)in[t];
  bytes[(t * 7) % n] = (unsigned char)in[t];
  __syncthreads();
  doubles[t] = ints[n - 1 - t] + 0.5 * shorts[t] + 0.25 * bytes[t] + fixed[t & 3];
  __syncthreads();
  out[t] = doubles[(t + 1) % n];
}

// Variables of the module, constant tables among them, that keep what launches leave.
__device__ int generation = 5;
__device__ float table[2][3] = {{1, 2, 3}, {4, 5, 6}};
__device__ const char *const words[] = {"zero", "one", "two", "three"};
__constant__ double coefficients[6] = {1.0, -0.5, 0.25, -0.125, 0.0625, -0.03125};
__device__ float *tableEnd = &table[1][2];
__managed__ int managed = 17;

extern "C" __global__ void variables(double *out, int n) {
  int t = threadIdx.x;
  double x = t * 0.125, sum = 0;
  for (int k = 5; k >= 0; k--) sum = sum * x + coefficients[k];
  const char *word = words[t % 4];
  int length = 0;
  while (word[length]) length++;
  if (t < n) out[t] = sum + length * 100 + *(tableEnd - t % 6) + word[length - 1];
  __syncthreads();
  if (t == 0) {
    out[n] = generation++ + managed;
    table[0][0] += 10;
  }
}

// printf with every kind of argument, in an order that one thread fixes.
extern "C" __global__ void report(const float *values, int n) {
  if (threadIdx.x == 0) {
    for (int i = 0; i < n; i++) {
      printf("%d: %8.3f|%-6s|%5u|%c|%lld|%x|%%|%e\n", i, values[i], i & 1 ? "odd" : "even", 7u * i, 'a' + i, 1LL << (i * 20),
             i * 255, (double)values[i]);
    }
  }
}

extern "C" __global__ void asserting(const int *values, int limit) { assert(values[threadIdx.x] < limit); }

// A list and a tree that threads build on the device's heap, and take down again.
struct Link {
  int value;
  Link *next;
};

struct Tree {
  long long key;
  Tree *left = nullptr, *right = nullptr;
  __device__ explicit Tree(long long key) : key(key) {}
  __device__ ~Tree() {
    delete left;
    delete right;
  }
  __device__ void insert(long long other) {
    Tree *&side = other < key ? left : right;
    if (side) side->insert(other); else side = new Tree(other);
  }
  __device__ int depth() const {
    int l = left ? left->depth() : 0, r = right ? right->depth() : 0;
    return 1 + (l > r ? l : r);
  }
};

__device__ Link *pushed = nullptr;

extern "C" __global__ void heapPush(int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  Link *link = (Link *)malloc(sizeof(Link));
  link->value = i;
  Link *head = pushed;
  do {
    link->next = head;
    head = (Link *)atomicCAS((unsigned long long *)&pushed, (unsigned long long)head, (unsigned long long)link);
  } while (head != link->next);
}

extern "C" __global__ void heapPop(int *seen) {
  while (pushed) {
    Link *link = pushed;
    seen[link->value]++;
    pushed = link->next;
    free(link);
  }
}

extern "C" __global__ void heapTrees(int *depths, int n) {
  int t = threadIdx.x;
  unsigned state = t + 1;
  Tree *root = new Tree(0x80000000u);
  for (int i = 0; i < n; i++) {
    state = state * 1664525u + 1013904223u;
    root->insert(state);
  }
  depths[t] = root->depth();
  delete root;
}
