// A stub of CUDA's header of the same name: the float16 type and conversions that the GPU kernels use.
#pragma once

#include <cstdint>

struct __half {
  uint16_t bits;
};

float __half2float(__half half);
__half __float2half_rn(float value);
__half __double2half(double value);
