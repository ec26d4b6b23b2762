// Sums over the threads of a group: of part of a warp, or of a block. They are added in an order that the group's size
// fixes, so a result has the same bits in every run. Only the group's first thread has the sum.
//
// All threads of a block must come here together, those without a row too.
#pragma once

#include <cuda_runtime.h>

#include "../sum.h"

namespace ms_mml {
namespace {

constexpr int kWarp = 32, kThreads = 256;  // threads of a warp, and of a block
constexpr unsigned kAllLanes = 0xffffffff;

template <class T>
__device__ ExactSum<double> from_lane_above(const Accumulator<T, double>& sum, int distance, int group) {
  ExactSum<double> other = {__shfl_down_sync(kAllLanes, sum.parts.high, distance, group), 0};
  if (std::is_same_v<T, double>) other.low = __shfl_down_sync(kAllLanes, sum.parts.low, distance, group);
  return other;
}

inline __device__ ExactSum<double>* sums_of_warps() {
  __shared__ ExactSum<double> sums[kThreads / kWarp];
  return sums;
}

// Also orders memory: what the group's threads wrote before is there for the first of them afterwards.
template <int kGroup, class T>
__device__ Accumulator<T, double> sum_of_group(Accumulator<T, double> sum) {
  constexpr int kLanes = kGroup < kWarp ? kGroup : kWarp;
  __syncwarp();
  for (int distance = kLanes / 2; distance > 0; distance /= 2) sum.add(from_lane_above(sum, distance, kLanes));
  if constexpr (kGroup > kWarp) {
    static_assert(kGroup == kThreads);
    ExactSum<double>* sums = sums_of_warps();
    if (threadIdx.x % kWarp == 0) sums[threadIdx.x / kWarp] = sum.parts;
    __syncthreads();  // every warp has left its sum
    if (threadIdx.x == 0) {
      for (int warp = 1; warp < kThreads / kWarp; ++warp) sum.add(sums[warp]);
    }
    __syncthreads();  // the first thread has read them all: the next row's may come
  }
  return sum;
}

}  // namespace
}  // namespace ms_mml
