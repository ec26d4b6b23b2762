// How the GPU walks the rows of a matrix, by the number of classes.
//
//   up to kMaxClassesFor4Threads    4 threads to a row, element by element
//   up to kMaxClassesFor8Threads     8 threads to a row
//   up to kMaxClassesForWarp    a warp to a row; also up to kSegment where there are kManyRows
//   up to kSegment   a block to a row
//   beyond           a block to each segment of a row; their sums go through scratch to a second kernel
//
// Rows, and what they add up to, are shared by blocks whose number the shape alone fixes; each block leaves its total
// in scratch, and a last kernel of one block adds them. There are no atomics. So a result has the same bits in every
// run and on every GPU. Where one block does it all, no scratch is needed and nothing follows.
//
// A target out of range cannot be reported from here: its row becomes what Op::invalidate_row makes of it.
#pragma once

#include "elements.cuh"
#include "group_sum.cuh"

// after the loads and stores that it needs
#include "../operators.h"

namespace ms_mml {
namespace {

constexpr int64_t kMaxClassesFor4Threads = 32, kMaxClassesFor8Threads = 128, kMaxClassesForWarp = 1024;
constexpr int64_t kSegment = 16384;   // classes, at most: 16 packs of float32 for each thread
constexpr int64_t kManyRows = 16384;  // warps enough to keep every multiprocessor busy
constexpr int kPrefetch = 4;          // packs that a thread asks for before it uses the first

// Scores that are added in float before they go into a double: few enough to round off next to nothing.
template <class Real>
constexpr int kPartialSumTerms = std::is_same_v<Real, float> ? 4 : 1;

template <class Op>
using RowSum = Accumulator<typename Op::T, double>;

// Adds the scores of a pack, of which number `target`, if it is one of them, does not count; leaves their slopes in it.
template <class Op, class Row>
__device__ void add_pack(RowSum<Op>& sum, const Row& row, Pack<typename Op::T>& pack, int target) {
  using Real = typename Op::Real;
#pragma unroll
  for (int first = 0; first < pack.kSize; first += kPartialSumTerms<Real>) {
    Real together = 0;
#pragma unroll
    for (int i = first; i < first + kPartialSumTerms<Real>; ++i) {
      Real value;
      load(&pack.element[i], value);
      value = Op::contribution(row, value, &pack.element[i]);
      if (i == target) value = 0;
      together = i == first ? value : together + value;
    }
    sum.add(together);
  }
}

// What `count` classes of a row from `first` on add up to for number `thread` of the kThreadsPerRow threads that walk
// them: single elements up to the first boundary of a pack, packs, and what is left. Where the arrays themselves do not
// start at a boundary, packs are moved element by element, and everything is added in the same order.
//
// The first packs are asked for before anything else, for all the rest waits for the target, and then for its score.
template <class Op, int kThreadsPerRow>
__device__ RowSum<Op> walk_classes(const Op& op, int64_t row, int64_t first, int count, int thread) {
  using T = typename Op::T;
  using Real = typename Op::Real;
  constexpr int kPack = Pack<T>::kSize;
  constexpr bool kElementwise = kThreadsPerRow == 4;
  const T* x = op.input_row(row) + first;
  T* dx = Op::kWrites ? op.output_row(row) + first : nullptr;
  const int into_pack = static_cast<int>((row * op.classes + first) % kPack);
  const int head = kElementwise ? count : min(count, (kPack - into_pack) % kPack);
  const int packs = kElementwise ? 0 : (count - head) / kPack;
  const bool whole = starts_pack(op.input) && (!Op::kWrites || starts_pack(op.output));
  Pack<T> flight[kPrefetch];
  const auto ask = [&](int k) {
#pragma unroll
    for (int f = 0; f < kPrefetch; ++f) {
      if (k + f * kThreadsPerRow < packs) flight[f] = load_pack(x + head + (k + f * kThreadsPerRow) * kPack);
    }
  };
  if (whole) ask(thread);

  RowSum<Op> sum;
  const int64_t y = op.target[row];
  if (y < 0 || y >= op.classes) {
    for (int i = thread; Op::kWrites && i < count; i += kThreadsPerRow) store(dx + i, 0.0);
    return sum;
  }
  const auto coefficients = coefficients_of(op, row, y);
  const int target = first <= y && y < first + count ? static_cast<int>(y - first) : -1;
  const auto add_singly = [&](int begin, int end) {
    for (int i = begin + thread; i < end; i += kThreadsPerRow) {
      Real value;
      load(x + i, value);
      value = Op::contribution(coefficients, value, Op::kWrites ? dx + i : nullptr);
      sum.add(i == target ? Real{0} : value);
    }
  };
  add_singly(0, head);
  for (int k = thread; whole && k < packs; k += kPrefetch * kThreadsPerRow) {
    if (k > thread) ask(k);
#pragma unroll
    for (int f = 0; f < kPrefetch; ++f) {
      const int at = head + (k + f * kThreadsPerRow) * kPack;
      if (k + f * kThreadsPerRow >= packs) break;
      add_pack<Op>(sum, coefficients, flight[f], target - at);
      if (Op::kWrites) store_pack(dx + at, flight[f]);
    }
  }
  for (int k = thread; !whole && k < packs; k += kThreadsPerRow) {
    const int at = head + k * kPack;
    Pack<T> pack;
    for (int i = 0; i < kPack; ++i) pack.element[i] = x[at + i];
    add_pack<Op>(sum, coefficients, pack, target - at);
    for (int i = 0; Op::kWrites && i < kPack; ++i) dx[at + i] = pack.element[i];
  }
  add_singly(head + packs * kPack, count);
  return sum;
}

// Calls work(row, thread) with kThreadsPerRow threads for every row, finishes each row with the sum of what they
// return, and leaves what the rows of this block add up to: as the loss where there is no other block, and else in
// `totals`.
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
      if (Op::kAdds) total.add(op.factor(row, y) * sum.value());
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
