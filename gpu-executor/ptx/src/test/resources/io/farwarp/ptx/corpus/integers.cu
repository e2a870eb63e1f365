// Hashes, strings, numbers of many words, searches.

__constant__ unsigned K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
    0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
    0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
    0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
    0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

__device__ __forceinline__ unsigned rotr(unsigned x, int n) { return __funnelshift_r(x, x, n); }

__device__ void sha256Block(unsigned *h, const unsigned *block) {
  unsigned w[64];
#pragma unroll
  for (int i = 0; i < 16; i++) w[i] = block[i];
#pragma unroll
  for (int i = 16; i < 64; i++) {
    unsigned s0 = rotr(w[i - 15], 7) ^ rotr(w[i - 15], 18) ^ (w[i - 15] >> 3);
    unsigned s1 = rotr(w[i - 2], 17) ^ rotr(w[i - 2], 19) ^ (w[i - 2] >> 10);
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  unsigned a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], f = h[5], g = h[6], k = h[7];
#pragma unroll
  for (int i = 0; i < 64; i++) {
    unsigned t1 = k + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + w[i];
    unsigned t2 = (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    k = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + t2;
  }
  h[0] += a; h[1] += b; h[2] += c; h[3] += d; h[4] += e; h[5] += f; h[6] += g; h[7] += k;
}

// Digests of messages of any length, a thread for each, with the padding.
extern "C" __global__ void sha256(const unsigned char *text, const int *offsets, unsigned *digests, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  const unsigned char *message = text + offsets[i];
  int length = offsets[i + 1] - offsets[i];
  unsigned h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  int blocks = (length + 9 + 63) / 64;
  for (int b = 0; b < blocks; b++) {
    unsigned words[16];
    for (int k = 0; k < 16; k++) {
      unsigned word = 0;
      for (int j = 0; j < 4; j++) {
        int at = b * 64 + k * 4 + j;
        unsigned byte = at < length ? message[at] : at == length ? 0x80 : 0;
        word = word << 8 | byte;
      }
      words[k] = word;
    }
    if (b == blocks - 1) {
      words[14] = (unsigned)((unsigned long long)length >> 29);
      words[15] = (unsigned)length << 3;
    }
    sha256Block(h, words);
  }
  for (int k = 0; k < 8; k++) digests[i * 8 + k] = h[k];
}

// CRC-32 by a table that each block makes for itself; pieces of a buffer.
extern "C" __global__ void crc32(const unsigned char *data, int size, int piece, unsigned *out) {
  __shared__ unsigned table[256];
  for (int i = threadIdx.x; i < 256; i += blockDim.x) {
    unsigned crc = i;
    for (int k = 0; k < 8; k++) crc = crc & 1 ? crc >> 1 ^ 0xEDB88320u : crc >> 1;
    table[i] = crc;
  }
  __syncthreads();
  int p = blockIdx.x * blockDim.x + threadIdx.x;
  if (p * piece >= size) return;
  unsigned crc = ~0u;
  for (int i = p * piece; i < min(size, (p + 1) * piece); i++) crc = table[(crc ^ data[i]) & 0xff] ^ crc >> 8;
  out[p] = ~crc;
}

// All places of a pattern, by words of four bytes; counts and the first place.
extern "C" __global__ void stringMatch(const unsigned char *text, int length, const unsigned char *pattern, int size, int *count, int *first) {
  extern __shared__ unsigned char own[];
  int base = blockIdx.x * blockDim.x;
  for (int i = threadIdx.x; i < blockDim.x + size; i += blockDim.x) own[i] = base + i < length ? text[base + i] : 0;
  __syncthreads();
  int i = base + threadIdx.x;
  bool found = i + size <= length;
  for (int k = 0; found && k < size; k++) {
    if (own[threadIdx.x + k] != pattern[k]) found = false;
  }
  int matches = __syncthreads_count(found);
  if (threadIdx.x == 0 && matches) atomicAdd(count, matches);
  if (found) atomicMin(first, i);
}

// Several patterns at once: shift-and, with masks of 64 bits in constant memory that a thread uses for its piece.
__constant__ unsigned long long masks[256];
__device__ unsigned long long masksBuilt[256];

extern "C" __global__ void shiftAndBuild(const char *patterns, int count) {
  int bit = 0;
  for (int i = 0; i < count; i++) {
    for (; *patterns; patterns++) masksBuilt[(unsigned char)*patterns] |= 1ull << bit++;
    patterns++;
  }
}

extern "C" __global__ void shiftAnd(const char *text, int length, unsigned long long starts, unsigned long long ends, int *hits) {
  __shared__ unsigned long long own[256];
  for (int i = threadIdx.x; i < 256; i += blockDim.x) own[i] = masksBuilt[i] | masks[i];
  __syncthreads();
  int piece = (length + gridDim.x * blockDim.x - 1) / (gridDim.x * blockDim.x);
  int begin = (blockIdx.x * blockDim.x + threadIdx.x) * piece;
  unsigned long long state = 0;
  for (int i = max(0, begin - 64); i < min(length, begin + piece); i++) {
    state = (state << 1 & ~starts | starts) & own[(unsigned char)text[i]];
    unsigned long long ended = state & ends;
    while (i >= begin && ended) {
      atomicAdd(&hits[__ffsll(ended) - 1], 1);
      ended &= ended - 1;
    }
  }
}

// Numbers of 256 bits: products by carry chains, remainders by 64-bit Montgomery steps.
struct Wide {
  unsigned words[8];
};

extern "C" __global__ void wideMultiply(const Wide *a, const Wide *b, unsigned *products, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  unsigned r[16] = {};
#pragma unroll
  for (int x = 0; x < 8; x++) {
    unsigned carry = 0, u = a[i].words[x];
#pragma unroll
    for (int y = 0; y < 8; y++) {
      unsigned v = b[i].words[y];
      asm("{ .reg .u32 low, high;\n"
          "mul.lo.u32 low, %2, %3;\n"
          "mul.hi.u32 high, %2, %3;\n"
          "add.cc.u32 low, low, %1;\n"
          "addc.u32 high, high, 0;\n"
          "add.cc.u32 %0, %0, low;\n"
          "addc.u32 %1, high, 0; }"
          : "+r"(r[x + y]), "+r"(carry)
          : "r"(u), "r"(v));
    }
    r[x + 8] = carry;
  }
  for (int k = 0; k < 16; k++) products[i * 16 + k] = r[k];
}

typedef unsigned long long u64;
typedef unsigned __int128 u128;

// b^e mod m by 128-bit arithmetic, and the same by Montgomery's method; m is odd.
extern "C" __global__ void powerModulo(const u64 *bases, const u64 *exponents, const u64 *moduli, u64 *plain, u64 *montgomery, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  u64 m = moduli[i], e = exponents[i], b = bases[i] % m, r = 1 % m;
  for (u64 k = e; k; k >>= 1) {
    if (k & 1) r = (u64)((u128)r * b % m);
    b = (u64)((u128)b * b % m);
  }
  plain[i] = r;
  u64 inverse = m;
  for (int k = 0; k < 6; k++) inverse *= 2 - m * inverse;
  auto reduce = [=](u128 t) {
    u64 q = (u64)t * inverse, high = (u64)(t >> 64), low = __umul64hi(q, m);
    return high >= low ? high - low : high - low + m;
  };
  u64 one = (u64)(((u128)1 << 64) % m), x = (u64)(((u128)(bases[i] % m) << 64) % m);
  for (u64 k = e; k; k >>= 1) {
    if (k & 1) one = reduce((u128)one * x);
    x = reduce((u128)x * x);
  }
  montgomery[i] = reduce(one);
}

// Signed 128-bit division and shifts, and multiplication that overflows.
extern "C" __global__ void wideDivide(const __int128 *a, const __int128 *b, __int128 *out, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  __int128 x = a[i], y = b[i], q = x / y, r = x % y;
  out[4 * i] = q;
  out[4 * i + 1] = r;
  out[4 * i + 2] = (x << (i % 127)) ^ (y >> (i % 100));
  out[4 * i + 3] = x * y + (x < y ? q : r);
}

// Queens on a board by backtracking with bit masks, each thread from another beginning.
__device__ __noinline__ int place(unsigned columns, unsigned left, unsigned right, unsigned all) {
  if (columns == all) return 1;
  int found = 0;
  unsigned open = all & ~(columns | left | right);
  while (open) {
    unsigned bit = open & -open;
    open ^= bit;
    found += place(columns | bit, (left | bit) << 1, (right | bit) >> 1, all);
  }
  return found;
}

extern "C" __global__ void queens(int n, int *solutions) {
  int first = threadIdx.x, second = threadIdx.y;
  if (abs(first - second) < 2) return;
  unsigned a = 1u << first, b = 1u << second, all = (1u << n) - 1;
  atomicAdd(solutions, place(a | b, (a << 1 | b) << 1, (a >> 1 | b) >> 1, all));
}

// Primes by a segmented sieve in shared memory.
extern "C" __global__ void sieve(const int *small, int smallCount, unsigned *bits, int perBlock) {
  extern __shared__ unsigned segment[];
  int from = blockIdx.x * perBlock;
  for (int i = threadIdx.x; i < perBlock / 32; i += blockDim.x) segment[i] = 0;
  __syncthreads();
  for (int k = threadIdx.x; k < smallCount; k += blockDim.x) {
    int p = small[k], start = max(p * p, (from + p - 1) / p * p);
    for (int j = start; j < from + perBlock; j += p) atomicOr(&segment[(j - from) >> 5], 1u << ((j - from) & 31));
  }
  __syncthreads();
  for (int i = threadIdx.x; i < perBlock / 32; i += blockDim.x) bits[from / 32 + i] = ~segment[i];
}

// What bits have: counts, reversals, permutations, fields, saturating and rounded arithmetic.
extern "C" __global__ void bitTricks(const unsigned *in, const u64 *wide, u64 *out, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  unsigned x = in[i], y = in[(i + 1) % n];
  u64 w = wide[i], r = __popc(x) + __popcll(w);
  r = r * 31 + __clz(x) + __clzll((long long)w) + __ffs((int)x) + __ffsll((long long)w);
  r = r * 31 + __brev(x);
  r = r * 31 + __brevll(w);
  r = r * 31 + __byte_perm(x, y, x & 0x7777);
  r = r * 31 + (unsigned)__hadd((int)x, (int)y) + __uhadd(x, y) + (unsigned)__rhadd((int)x, (int)y);
  r = r * 31 + __usad(x, y, 5) + __sad((int)x, (int)y, 7u);
  r = r * 31 + (unsigned)__mul24((int)x, (int)y) + __umul24(x, y);
  r = r * 31 + (unsigned)__mulhi((int)x, (int)y) + __umulhi(x, y);
  r = r * 31 + __umul64hi(w, w ^ x);
  r = r * 31 + (u64)__mul64hi((long long)w, (long long)x - (long long)y);
  r = r * 31 + __funnelshift_lc(x, y, x & 63) + __funnelshift_rc(x, y, y & 63);
  r = r * 31 + __vadd4(x, y) + __vsubus2(x, y) + __vabsdiffu4(x, y) + __vcmpgtu2(x, y) + __vmaxs4(x, y) + __vavgu4(x, y);
  r = r * 31 + (unsigned)__dp4a((int)x, (int)y, (int)r) + __dp2a_lo(x, y, 3u);
  out[i] = r;
}
