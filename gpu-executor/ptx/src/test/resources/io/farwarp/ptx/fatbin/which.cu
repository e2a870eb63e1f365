// Tells which architecture's code runs.
extern "C" __global__ void which(int *architecture) { *architecture = __CUDA_ARCH__; }

#ifdef TENSOR_CORES
#include <mma.h>
// Refused where there are no tensor cores; only the code for sm_90 has it.
extern "C" __global__ void matrix(half *a) {
#if __CUDA_ARCH__ >= 900
  nvcuda::wmma::fragment<nvcuda::wmma::matrix_a, 16, 16, 16, half, nvcuda::wmma::row_major> f;
  nvcuda::wmma::load_matrix_sync(f, a, 16);
  a[0] = f.x[0];
#endif
}
#endif
