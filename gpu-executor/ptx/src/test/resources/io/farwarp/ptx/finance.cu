// Black-Scholes as in NVIDIA's samples: expf, logf, sqrtf, divisions.
__device__ float cumulativeNormal(float d) {
  const float a1 = 0.31938153f, a2 = -0.356563782f, a3 = 1.781477937f;
  const float a4 = -1.821255978f, a5 = 1.330274429f, scale = 0.39894228040143267794f;
  float k = 1.0f / (1.0f + 0.2316419f * fabsf(d));
  float c = scale * expf(-0.5f * d * d) * (k * (a1 + k * (a2 + k * (a3 + k * (a4 + k * a5)))));
  return d > 0 ? 1.0f - c : c;
}

extern "C" __global__ void blackScholes(float* call, float* put, const float* price,
    const float* strike, const float* years, float riskless, float volatility, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  float s = price[i], x = strike[i], t = years[i];
  float rootT = sqrtf(t);
  float d1 = (logf(s / x) + (riskless + 0.5f * volatility * volatility) * t) / (volatility * rootT);
  float d2 = d1 - volatility * rootT;
  float n1 = cumulativeNormal(d1), n2 = cumulativeNormal(d2);
  float discount = expf(-riskless * t);
  call[i] = s * n1 - x * discount * n2;
  put[i] = x * discount * (1.0f - n2) - s * (1.0f - n1);
}
