// The CPU's kernel tables, one for each instruction set.
#pragma once

#include "../kernels.h"

namespace ms_mml {

extern const Kernels kernels_baseline;
#if defined(__x86_64__)
extern const Kernels kernels_avx2, kernels_avx512;
#endif

}  // namespace ms_mml
