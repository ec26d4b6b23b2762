// The CPU kernels as one table for each instruction set, and what they need from the code outside them.
#pragma once

#include <cstdint>

#include "../call.h"

namespace ms_mml {

using Kernel = void (*)(const Call&);

struct Kernels {
  Kernel of[3][2][3];  // by Operator, p - 1 and Dtype
};

extern const Kernels kernels_baseline;
#if defined(__x86_64__)
extern const Kernels kernels_avx2, kernels_avx512;
#endif

[[noreturn]] void fail_target(int64_t row, int64_t target, int64_t classes);

}  // namespace ms_mml
