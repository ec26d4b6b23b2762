// The kernel table and `fill_with_nan`: the interface between a device and the entry points.
#pragma once

#include "call.h"

#define MS_MML_EXPORT extern "C" __attribute__((visibility("default")))

namespace ms_mml {

using Kernel = void (*)(const Call&);

struct Kernels {
  Kernel of[3][2][3];  // indexed by Operator, p - 1 and Dtype
};

// Defined once in each device's library.
const Kernels& kernels();

// Defined once in each device's library: sets all bits of the output, which makes every element NaN.
void fill_with_nan(const Call& call);

}  // namespace ms_mml
