// Sums over a group of threads: 4 or 8 threads of a warp, a warp or a block. The size of the group fixes the order of
// the additions, so a result has the same bits in every run.
//
// All threads of a block must call group_sum() together, including those without a row. The group's first thread gets
// the sum.
#pragma once

#include <cuda_runtime.h>

#include "../accumulator.h"

namespace ms_mml {
namespace {

constexpr int kWarpSize = 32, kThreadsPerBlock = 256;
constexpr unsigned kAllLanes = 0xffffffff;

// The sum held by the lane `distance` above, within a group of `lanes` lanes.
template <class T>
__device__ ExactSum<double> shuffle_down(const Accumulator<T, double>& sum, int distance, int lanes) {
  ExactSum<double> other = {__shfl_down_sync(kAllLanes, sum.parts.high, distance, lanes), 0};
  if (std::is_same_v<T, double>) other.low = __shfl_down_sync(kAllLanes, sum.parts.low, distance, lanes);
  return other;
}

inline __device__ ExactSum<double>* warp_sums() {
  __shared__ ExactSum<double> sums[kThreadsPerBlock / kWarpSize];
  return sums;
}

// Also a memory fence: afterwards the group's first thread sees all earlier writes of the other threads of its group.
template <int kGroupSize, class T>
__device__ Accumulator<T, double> group_sum(Accumulator<T, double> sum) {
  constexpr int kGroupLanes = kGroupSize < kWarpSize ? kGroupSize : kWarpSize;
  __syncwarp();
  for (int distance = kGroupLanes / 2; distance > 0; distance /= 2) sum.add(shuffle_down(sum, distance, kGroupLanes));
  if constexpr (kGroupSize > kWarpSize) {
    static_assert(kGroupSize == kThreadsPerBlock);
    ExactSum<double>* sums = warp_sums();
    if (threadIdx.x % kWarpSize == 0) sums[threadIdx.x / kWarpSize] = sum.parts;
    __syncthreads();  // all warps must have written their sums before the first thread reads them
    if (threadIdx.x == 0) {
      for (int warp = 1; warp < kThreadsPerBlock / kWarpSize; ++warp) sum.add(sums[warp]);
    }
    __syncthreads();  // the first thread must have read all sums before the next row's overwrite them
  }
  return sum;
}

}  // namespace
}  // namespace ms_mml
