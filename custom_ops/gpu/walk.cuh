// The device code that runs an operator on the rows of a matrix. kernels.cu launches it.
//
//   classes                        threads
//   up to kMaxClassesFor4Threads   4 for each row, which load element by element
//   up to kMaxClassesFor8Threads   8 for each row
//   up to kMaxClassesForWarp       a warp for each row; with kManyRows rows or more, up to kSegment classes
//   up to kSegment                 a block for each row
//   more                           a block for each segment of a row, which writes its sum to a workspace; a second
//                                  kernel adds up the segments
//
// Order of additions: the number of blocks depends on the shape only, and there are no atomics. A block adds up its
// rows and writes its total to a workspace; a final kernel of one block adds up the totals. So a result has the same
// bits in every run and on every GPU. If one block handles all rows, it stores the loss directly.
//
// The device cannot raise an error. If a target is out of range, it sets the row's slopes to 0 and calls
// Op::invalidate_row.
#pragma once

#include "../operators.h"
#include "elements.cuh"
#include "group_sum.cuh"

namespace ms_mml {
namespace {

constexpr int64_t kMaxClassesFor4Threads = 32, kMaxClassesFor8Threads = 128, kMaxClassesForWarp = 1024;
constexpr int64_t kSegment = 16384;   // classes: 16 packs of float32 for each thread of a block
constexpr int64_t kManyRows = 16384;  // with a warp for each, they keep every multiprocessor busy
constexpr int kPrefetch = 4;          // packs that a thread loads before it uses the first of them
constexpr int kThreadsPerNarrowRow = 4;

template <class Op>
using RowSum = Accumulator<typename Op::T, double>;

// Adds the terms of a pack's scores to `sum`, except that of `target`, which may be outside this pack. An operator that
// writes slopes replaces the scores by them.
template <class Op, class Row>
__device__ void add_pack(RowSum<Op>& sum, const Row& row, Pack<typename Op::T>& pack, int target) {
  using Real = typename Op::Real;
#pragma unroll
  for (int first = 0; first < pack.kSize; first += kPartialSumTerms<Real>) {
    Real partial_sum = 0;
#pragma unroll
    for (int i = first; i < first + kPartialSumTerms<Real>; ++i) {
      Real value;
      load(&pack.element[i], value);
      value = Op::contribution(row, value, &pack.element[i]);
      if (i == target) value = 0;
      partial_sum = i == first ? value : partial_sum + value;
    }
    sum.add(partial_sum);
  }
}

// Runs the operator on `count` classes of a row, from `first` on, with kThreadsPerRow threads. The classes are divided
// into single elements up to the first pack boundary, packs, and the tail. Returns the sum of the classes that thread
// number `thread` handles. If the arrays are not aligned to packs, the packs are read and written element by element,
// so that the order of additions stays the same.
//
// The first packs are prefetched before anything else, so that their loads overlap those of the target and its score.
template <class Op, int kThreadsPerRow>
__device__ RowSum<Op> walk_classes(const Op& op, int64_t row, int64_t first, int count, int thread) {
  using T = typename Op::T;
  using Real = typename Op::Real;
  constexpr int kPack = Pack<T>::kSize;
  const T* x = op.input_row(row) + first;
  T* dx = Op::kWrites ? op.output_row(row) + first : nullptr;
  const int into_pack = static_cast<int>((row * op.classes + first) % kPack);
  const int head = min(count, (kPack - into_pack) % kPack);
  const int packs = (count - head) / kPack;
  const bool aligned = is_pack_aligned(op.input) && (!Op::kWrites || is_pack_aligned(op.output));
  Pack<T> prefetched[kPrefetch];
  const auto prefetch = [&](int k) {
#pragma unroll
    for (int f = 0; f < kPrefetch; ++f) {
      if (k + f * kThreadsPerRow < packs) prefetched[f] = load_pack(x + head + (k + f * kThreadsPerRow) * kPack);
    }
  };
  if (aligned) prefetch(thread);

  RowSum<Op> sum;
  const int64_t y = op.target[row];
  if (y < 0 || y >= op.classes) {
    for (int i = thread; Op::kWrites && i < count; i += kThreadsPerRow) store(dx + i, 0.0);
    return sum;
  }
  const auto coefficients = coefficients_of(op, row, y);
  const int target = first <= y && y < first + count ? static_cast<int>(y - first) : -1;
  const auto add_elements = [&](int begin, int end) {
    for (int i = begin + thread; i < end; i += kThreadsPerRow) {
      Real value;
      load(x + i, value);
      value = Op::contribution(coefficients, value, Op::kWrites ? dx + i : nullptr);
      sum.add(i == target ? Real{0} : value);
    }
  };
  add_elements(0, head);
  for (int k = thread; aligned && k < packs; k += kPrefetch * kThreadsPerRow) {
    if (k > thread) prefetch(k);
#pragma unroll
    for (int f = 0; f < kPrefetch; ++f) {
      const int at = head + (k + f * kThreadsPerRow) * kPack;
      if (k + f * kThreadsPerRow >= packs) break;
      add_pack<Op>(sum, coefficients, prefetched[f], target - at);
      if (Op::kWrites) store_pack(dx + at, prefetched[f]);
    }
  }
  for (int k = thread; !aligned && k < packs; k += kThreadsPerRow) {
    const int at = head + k * kPack;
    Pack<T> pack;
    for (int i = 0; i < kPack; ++i) pack.element[i] = x[at + i];
    add_pack<Op>(sum, coefficients, pack, target - at);
    for (int i = 0; Op::kWrites && i < kPack; ++i) dx[at + i] = pack.element[i];
  }
  add_elements(head + packs * kPack, count);
  return sum;
}

// Runs the operator on a narrow row with kThreadsPerNarrowRow threads. Returns the sum of the classes that thread
// number `thread` handles. It loads all of them before anything else, so that the loads overlap.
template <class Op>
__device__ RowSum<Op> walk_narrow_row(const Op& op, int64_t row, int thread) {
  using T = typename Op::T;
  using Real = typename Op::Real;
  constexpr int kElements = kMaxClassesFor4Threads / kThreadsPerNarrowRow;
  const T* x = op.input_row(row);
  T* dx = Op::kWrites ? op.output_row(row) : nullptr;
  const int count = static_cast<int>(op.classes);
  T elements[kElements];
#pragma unroll
  for (int e = 0; e < kElements; ++e) {
    const int i = thread + e * kThreadsPerNarrowRow;
    if (i < count) elements[e] = x[i];
  }

  RowSum<Op> sum;
  const int64_t y = op.target[row];
  if (y < 0 || y >= count) {
    for (int i = thread; Op::kWrites && i < count; i += kThreadsPerNarrowRow) store(dx + i, 0.0);
    return sum;
  }
  const auto coefficients = coefficients_of(op, row, y);
#pragma unroll
  for (int e = 0; e < kElements; ++e) {
    const int i = thread + e * kThreadsPerNarrowRow;
    if (i >= count) break;
    Real value;
    load(&elements[e], value);
    value = Op::contribution(coefficients, value, Op::kWrites ? dx + i : nullptr);
    sum.add(i == y ? Real{0} : value);
  }
  return sum;
}

// Calls work(row, thread) with kThreadsPerRow threads for every row of this block, and finishes each row with the sum
// of their results. For the loss it also adds up the rows: a single block stores the loss, and each of several blocks
// writes its total to `totals`.
template <class Op, int kThreadsPerRow, class Work>
__device__ void for_rows(const Op& op, ExactSum<double>* totals, Work work) {
  constexpr int kRows = kThreadsPerBlock / kThreadsPerRow;
  const int thread = threadIdx.x % kThreadsPerRow;
  RowSum<Op> total;
  for (int64_t first = int64_t{blockIdx.x} * kRows; first < op.rows; first += int64_t{gridDim.x} * kRows) {
    const int64_t row = first + threadIdx.x / kThreadsPerRow;
    RowSum<Op> sum;
    if (row < op.rows) sum = work(row, thread);
    sum = group_sum<kThreadsPerRow>(sum);
    if (thread > 0 || row >= op.rows) continue;
    const int64_t y = op.target[row];
    if (0 <= y && y < op.classes) {
      op.finish(row, y, sum.value());
      if (Op::kAdds) total.add(op.scale(row, y) * sum.value());
    } else {
      op.invalidate_row(row);
      if (Op::kAdds) total.add(double{NAN});
    }
  }
  if constexpr (Op::kAdds) {
    total = group_sum<kThreadsPerBlock>(total);
    if (threadIdx.x > 0) return;
    if (gridDim.x == 1) {
      op.finish_all(total.value());
    } else if (totals != nullptr) {
      totals[blockIdx.x] = total.parts;
    }
  }
}

}  // namespace
}  // namespace ms_mml
