// Sums over the threads of a group: of part of a warp, or of a block. They are added in an order that the group's size
// fixes, so a result has the same bits in every run. Only the group's first thread has the sum.
//
// All threads of a block must come here together, those without a row too.
#pragma once

#include <cuda_runtime.h>

#include "../accumulator.h"

namespace ms_mml {
namespace {

constexpr int kWarpSize = 32, kThreadsPerBlock = 256;  // threads of a warp, and of a block
constexpr unsigned kAllLanes = 0xffffffff;

template <class T>
__device__ ExactSum<double> from_lane_above(const Accumulator<T, double>& sum, int distance, int group) {
  ExactSum<double> other = {__shfl_down_sync(kAllLanes, sum.parts.high, distance, group), 0};
  if (std::is_same_v<T, double>) other.low = __shfl_down_sync(kAllLanes, sum.parts.low, distance, group);
  return other;
}

inline __device__ ExactSum<double>* warp_sums() {
  __shared__ ExactSum<double> sums[kThreadsPerBlock / kWarpSize];
  return sums;
}

// Also orders memory: what the group's threads wrote before is there for the first of them afterwards.
template <int kGroupSize, class T>
__device__ Accumulator<T, double> group_sum(Accumulator<T, double> sum) {
  constexpr int kGroupLanes = kGroupSize < kWarpSize ? kGroupSize : kWarpSize;
  __syncwarp();
  for (int distance = kGroupLanes / 2; distance > 0; distance /= 2)
    sum.add(from_lane_above(sum, distance, kGroupLanes));
  if constexpr (kGroupSize > kWarpSize) {
    static_assert(kGroupSize == kThreadsPerBlock);
    ExactSum<double>* sums = warp_sums();
    if (threadIdx.x % kWarpSize == 0) sums[threadIdx.x / kWarpSize] = sum.parts;
    __syncthreads();  // every warp has left its sum
    if (threadIdx.x == 0) {
      for (int warp = 1; warp < kThreadsPerBlock / kWarpSize; ++warp) sum.add(sums[warp]);
    }
    __syncthreads();  // the first thread has read them all: the next row's may come
  }
  return sum;
}

}  // namespace
}  // namespace ms_mml
