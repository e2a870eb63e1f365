// Atomics of every width, fences, and threads that wait for each other.
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
#include <cooperative_groups/scan.h>
#include <cuda/atomic>
#include <cuda_fp16.h>
namespace cg = cooperative_groups;

extern "C" __global__ void wideAtomics(const long long *in, unsigned long long *results, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  long long v = in[i];
  atomicAdd(&results[0], (unsigned long long)v);
  atomicMax((long long *)&results[1], v);
  atomicMin((long long *)&results[2], v);
  atomicMax(&results[3], (unsigned long long)v);
  atomicMin(&results[4], (unsigned long long)v);
  atomicAnd(&results[5], (unsigned long long)v | 0xff00ff00ff00ff00ull);
  atomicOr(&results[6], (unsigned long long)v & 0x0f0f0f0f0f0f0f0full);
  atomicXor(&results[7], (unsigned long long)v);
}

extern "C" __global__ void narrowAtomics(const int *in, int *results, int n) {
  __shared__ int own[9];
  if (threadIdx.x < 9) own[threadIdx.x] = threadIdx.x == 4 ? -1 : 0;
  __syncthreads();
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) {
    atomicAdd(&own[0], in[i]);
    atomicSub(&own[1], in[i]);
    atomicMax(&own[2], in[i]);
    atomicMin(&own[3], in[i]);
    atomicAnd(&own[4], in[i] | 0xfff00000);
    atomicOr(&own[5], in[i] & 0xffff);
    atomicXor(&own[6], in[i]);
    atomicInc((unsigned *)&own[7], 9);
    atomicDec((unsigned *)&own[8], 100);
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    for (int k = 0; k < 7; k++) {
      switch (k) {
        case 2: atomicMax(&results[2], own[2]); break;
        case 3: atomicMin(&results[3], own[3]); break;
        case 4: atomicAnd(&results[4], own[4]); break;
        case 5: atomicOr(&results[5], own[5]); break;
        case 6: atomicXor(&results[6], own[6]); break;
        default: atomicAdd(&results[k], own[k]);
      }
    }
    results[7 + 2 * blockIdx.x] = own[7];
    results[8 + 2 * blockIdx.x] = own[8];
  }
}

// What the hardware lacks, by compare-and-swap: a product of doubles, a maximum of floats, 16-bit words.
__device__ double atomicMultiply(double *address, double value) {
  unsigned long long *words = (unsigned long long *)address, old = *words, assumed;
  do {
    assumed = old;
    old = atomicCAS(words, assumed, __double_as_longlong(value * __longlong_as_double(assumed)));
  } while (assumed != old);
  return __longlong_as_double(old);
}

extern "C" __global__ void swappedAtomics(const double *in, double *product, float *largest, unsigned short *counts, __half *halves,
                                          int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  atomicMultiply(product, in[i]);
  float v = (float)in[i];
  if (v >= 0) atomicMax((int *)largest, __float_as_int(v)); else atomicMin((unsigned *)largest, __float_as_uint(v));
  unsigned short old = counts[i % 5], assumed;
  do {
    assumed = old;
    old = atomicCAS(&counts[i % 5], assumed, (unsigned short)(assumed + 3));
  } while (old != assumed);
  atomicAdd(&halves[i % 3], __float2half(0.5f));
  atomicAdd((__half2 *)(halves + 4), __floats2half2_rn(0.25f, -0.25f));
}

// libcu++: atomics with scopes and orders, waited for with wait and notify.
extern "C" __global__ void orderedAtomics(int *data, int *flags, long long *sum) {
  cuda::atomic_ref<int, cuda::thread_scope_device> flag(flags[0]);
  cuda::atomic_ref<long long, cuda::thread_scope_block> total(*sum);
  if (threadIdx.x == 0) {
    for (int i = 0; i < 64; i++) data[i] = i * i;
    flag.store(1, cuda::memory_order_release);
  } else {
    while (flag.load(cuda::memory_order_acquire) == 0) {
    }
    total.fetch_add(data[threadIdx.x], cuda::memory_order_relaxed);
    total.fetch_max(0);
    int expected = 5;
    cuda::atomic_ref<int> other(flags[1]);
    other.compare_exchange_strong(expected, 6, cuda::memory_order_acq_rel);
    other.fetch_xor(1 << threadIdx.x % 8 << 4);
  }
}

// A ring that one warp fills and another empties.
extern "C" __global__ void ringBuffer(const int *in, long long *out, int n) {
  __shared__ volatile int ring[8];
  __shared__ volatile int head, tail;
  if (threadIdx.x == 0) head = tail = 0;
  __syncthreads();
  if (threadIdx.x == 0) {
    for (int i = 0; i < n; i++) {
      while (head - tail == 8) {
      }
      ring[head % 8] = in[i];
      __threadfence_block();
      head = head + 1;
    }
  } else if (threadIdx.x == 32) {
    long long sum = 0;
    for (int i = 0; i < n; i++) {
      while (tail == head) {
      }
      sum = sum * 31 + ring[tail % 8];
      __threadfence_block();
      tail = tail + 1;
    }
    *out = sum;
  }
}

// A lock for each bin, held while two words change together.
extern "C" __global__ void lockedPairs(const int *keys, int *locks, int *sums, int *squares, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  int bin = keys[i] & 7;
  bool done = false;
  while (!done) {
    if (atomicExch(&locks[bin], 1) == 0) {
      __threadfence();
      *(volatile int *)&sums[bin] += keys[i];
      *(volatile int *)&squares[bin] += keys[i] * keys[i];
      __threadfence();
      atomicExch(&locks[bin], 0);
      done = true;
    }
  }
}

// Blocks take numbers: each gets one, whatever the order.
extern "C" __global__ void ticketOrder(int *ticket, int *order) {
  __shared__ int mine;
  if (threadIdx.x == 0) mine = atomicAdd(ticket, 1);
  __syncthreads();
  if (threadIdx.x == 0) order[mine] = blockIdx.x;
}

// Cooperative groups: tiles, scans, reductions, coalesced threads, partitions by label.
extern "C" __global__ void groups(const int *in, int *sums, int *scans, int *counted, int *labels, int n) {
  cg::thread_block block = cg::this_thread_block();
  cg::thread_block_tile<8> tile = cg::tiled_partition<8>(block);
  cg::thread_block_tile<32> warp = cg::tiled_partition<32>(block);
  int i = block.group_index().x * block.size() + block.thread_rank();
  int value = i < n ? in[i] : 0;
  int sum = cg::reduce(tile, value, cg::plus<int>());
  int most = cg::reduce(warp, value, cg::greater<int>());
  int scan = cg::exclusive_scan(warp, value, cg::plus<int>());
  int third = tile.shfl(value, 3);
  if (i < n) {
    sums[i] = sum + most;
    scans[i] = scan + third + tile.meta_group_rank();
  }
  if (value > 50) {
    cg::coalesced_group active = cg::coalesced_threads();
    int at = 0;
    if (active.thread_rank() == 0) at = atomicAdd(counted, active.size());
    at = active.shfl(at, 0) + active.thread_rank();
    counted[1 + at] = value;
  }
  block.sync();
  auto same = cg::labeled_partition(warp, value % 3);
  if (i < n) labels[i] = same.size() * 100 + same.thread_rank();
}

// Votes over the block, and over what is left of it.
extern "C" __global__ void votes(const int *in, int *out) {
  int t = threadIdx.x, v = in[t];
  int positive = __syncthreads_count(v > 0), all = __syncthreads_and(v > -100), any = __syncthreads_or(v == 42);
  unsigned mask = __ballot_sync(~0u, v & 1);
  int same;
  unsigned agreeing = __match_all_sync(~0u, v >> 8, &same);
  int r = positive * 4 + all * 2 + any + (__any_sync(~0u, v > 90) << 10) + (__all_sync(~0u, v > -90) << 11) + (same << 12);
  if (t & 1) {
    r += __popc(__activemask()) << 13;
    r += __shfl_sync(0xaaaaaaaau, v, (t + 2) & 31) & 1;
  }
  out[t] = r ^ __popc(mask) ^ (agreeing == ~0u ? 1 << 20 : 0);
}
