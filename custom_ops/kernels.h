// The kernels of a device as a table: what a device gives, and the entry points call.
#pragma once

#include "call.h"

#define MS_MML_EXPORT extern "C" __attribute__((visibility("default")))

namespace ms_mml {

using Kernel = void (*)(const Call&);

struct Kernels {
  Kernel of[3][2][3];  // by Operator, p - 1 and Dtype
};

const Kernels& kernels();

}  // namespace ms_mml
