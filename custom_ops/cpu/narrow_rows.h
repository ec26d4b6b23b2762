// Narrow rows: blocks of kLanes rows, one row in each lane.
//
//   input [row][class]  --transpose-->  columns [class][row]  --transpose-->  output [row][class]
//
// The columns stay in the L1 cache. Whatever the number of classes, every operation on them fills its vectors. An
// operator that writes slopes puts them in place of the scores. The score of a row's target moves to an array of its
// own, and -infinity takes its place. The hinge of -infinity is 0, so the target needs no mask.
#pragma once

#include "../operators.h"
#include "lanes.h"
#include "prefetch.h"
#include "transpose.h"

namespace ms_mml {
namespace {

// Measured with scores that no cache holds: up to here this is the fastest algorithm. Slopes are transposed back, which
// costs more. float16 gains the most, because 16 rows fill a vector of floats.
template <class Op>
constexpr int64_t kMaxNarrowClasses = std::is_same_v<typename Op::T, Half>     ? (Op::kWrites ? 47 : 256)
                                      : Op::kWrites                            ? 16
                                      : std::is_same_v<typename Op::T, double> ? 20
                                                                               : 31;

constexpr int kBlocks = 2;  // at a time, so that each hides the latency of the other's gaps: measured

template <class Op>
struct Block {
  using T = typename Op::T;

  int64_t first;            // row
  int count;                // rows: kLanes, except at the end of the array
  int64_t targets[kLanes];  // a padded copy, if there are fewer
  alignas(kLine) Tag<T> tags[kTags<T>];
  alignas(kLine) T scores[kLanes];  // of the targets
  alignas(kLine) double scales[kLanes], sums[kLanes];
  alignas(kLine) typename Op::Real factors[kLanes];  // of the slopes
  alignas(kLine) T columns[(kMaxNarrowClasses<Op> + kTile<T>)*kLanes];
  T rows[kMaxNarrowClasses<Op> * kLanes + kTile<T>];  // a padded copy, if the last tile reaches beyond the rows
};

// Whether the last tile of a block reaches beyond the row `last`.
template <class Op>
MS_MML_INLINE bool reaches_beyond(const Op& op, const Block<Op>& block, int64_t last) {
  return (last - block.first - kLanes) * op.classes < kTile<typename Op::T>;
}

// Reads the targets and the scores of a block. At the end of the array, the scores are read from a padded copy.
template <class Op>
MS_MML_INLINE void read_block(const Op& op, Block<Op>& block) {
  using T = typename Op::T;
  const int64_t* targets = op.target + block.first;
  const T* rows = op.input_row(block.first);
  prefetch(targets, kLanes * sizeof *targets);
  if (block.count < kLanes) {
    std::fill(std::copy(targets, targets + block.count, block.targets), block.targets + kLanes, 0);
    targets = block.targets;
  }
  write_tags<T>(targets, block.tags);
  if (reaches_beyond(op, block, op.rows)) {
    std::memset(block.rows, 0, sizeof block.rows);
    rows = static_cast<const T*>(std::memcpy(block.rows, rows, block.count * op.classes * sizeof(T)));
  }
  read_columns(rows, op.classes, block.tags, block.columns, block.scores);
}

// The gaps of a vector of rows.
template <class Real, class Op>
MS_MML_INLINE ExactSum<Vector<Real>> gaps_at(const Op& op, const Block<Op>& block, int at) {
  if constexpr (std::is_same_v<Real, double>) {
    Vector<double> score;
    load(block.scores + at, score);
    return two_sum(Vector<double>{} + op.margin, -score);
  } else {
    Floats high[2], low[2];
    for (int half = 0; half < 2; ++half) {
      const ExactSum<Vector<double>> gap = gaps_at<double>(op, block, at + half * kWidth<double>);
      high[half] = narrow(gap.high);
      low[half] = narrow((gap.high - widen(high[half])) + gap.low);
    }
    return {join(high[0], high[1]), join(low[0], low[1])};
  }
}

// Adds up the columns, and replaces scores by slopes if the operator writes them. `exact`: `high` holds every gap
// exactly. Otherwise a gap may be infinite or NaN. Then the hinge of -infinity is NaN, and targets must be masked.
template <bool exact, class Op, class Gaps>
MS_MML_INLINE void add_columns(const Op& op, Block<Op>& block, const Gaps& gaps) {
  using T = typename Op::T;
  using Real = typename Op::Real;
  constexpr int kTerms = kPartialSumTerms<Real>;
  const int classes = static_cast<int>(op.classes), whole = classes / kTerms * kTerms;
  Lanes<T> lanes;
#pragma GCC unroll 8
  for (int v = 0; v < kVectors<Real>; ++v) {
    const int at = v * kWidth<Real>;
    const auto rows = [&] {
      const auto factor = read<Vector<Real>>(block.factors + at);
      if constexpr (exact) {
        return SingleGapCoefficients<Vector<Real>>{gaps[v].high, factor};
      } else {
        return Coefficients<Vector<Real>>{{gaps[v].high, keep(gaps[v].low - gaps[v].low == 0, gaps[v].low)}, factor};
      }
    }();
    auto targets = lane_numbers<Real>();
    for (int l = 0; !exact && l < kWidth<Real>; ++l) targets[l] = block.tags[(at + l) * kTags<T> / kLanes];
    const auto contribution = [&](int c) {
      T* column = block.columns + c * kLanes + at;
      Vector<Real> value;
      load(column, value);
      value = Op::contribution(rows, value, column);
      return exact ? value : keep(targets != c, value);
    };
    for (int c = 0; c < whole; c += kTerms) {
      Vector<Real> partial_sum = contribution(c);
      for (int term = 1; term < kTerms; ++term) partial_sum += contribution(c + term);
      lanes.add(v, partial_sum);
    }
    for (int c = whole; c < classes; ++c) lanes.add(v, contribution(c));
  }
  lanes.store(block.sums);
}

// Computes the sums of a block's rows, and their slopes if the operator writes them.
template <class Op>
MS_MML_INLINE void add_block(const Op& op, Block<Op>& block) {
  using Real = typename Op::Real;
  ExactSum<Vector<Real>> gaps[kVectors<Real>];
  decltype(lane_numbers<Real>()) is_inexact = {};
#pragma GCC unroll 8
  for (int v = 0; v < kVectors<Real>; ++v) {
    gaps[v] = gaps_at<Real>(op, block, v * kWidth<Real>);
    is_inexact |= gaps[v].low != 0;  // also if it is NaN, because the gap is infinite or NaN
  }
  if (__builtin_expect(any(is_inexact), false)) {
    add_columns<false>(op, block, gaps);
  } else {
    add_columns<true>(op, block, gaps);
  }
}

// Writes the slopes of a block. `last` is the end of the rows of this group. There the slopes are written to a copy,
// because another thread may own the rows that follow.
template <class Op>
MS_MML_INLINE void write_block(const Op& op, int64_t last, Block<Op>& block) {
  using T = typename Op::T;
  alignas(kLine) T slopes[kLanes];  // of the targets
  for (int at = 0; at < kLanes; at += kWidth<double>) {
    const auto scale = read<Vector<double>>(block.scales + at), sum = read<Vector<double>>(block.sums + at);
    store(slopes + at, Op::target_slope(scale, sum));
  }
  T* const out = op.output_row(block.first);
  if (reaches_beyond(op, block, last)) {
    write_columns(block.columns, op.classes, block.tags, slopes, block.rows);
    std::memcpy(out, block.rows, block.count * op.classes * sizeof(T));
  } else {
    write_columns(block.columns, op.classes, block.tags, slopes, out);
  }
}

// Sets the scales and factors of a block, for rows with scales of their own.
template <class Op>
MS_MML_INLINE void set_scales(const Op& op, Block<Op>& block) {
  for (int l = 0; l < block.count; ++l) block.scales[l] = op.scale(block.first + l, op.target[block.first + l]);
  for (int at = 0; at < kLanes; at += kWidth<double>) {
    store(block.factors + at, Op::slope_factor(read<Vector<double>>(block.scales + at)));
  }
}

// Runs the operator on the rows [first, last).
template <class Op>
double sum_narrow_rows(const Op& shared, int64_t first, int64_t last) {
  const Op op = shared;  // a local copy stays in registers
  const bool has_one_scale = op.has_one_scale();
  const double scale = has_one_scale ? op.scale(0, 0) : 0;
  Block<Op> blocks[kBlocks];
  for (Block<Op>& block : blocks) {
    std::fill(block.scales, block.scales + kLanes, scale);
    std::fill(block.factors, block.factors + kLanes, static_cast<typename Op::Real>(Op::slope_factor(scale)));
  }
  Lanes<typename Op::T> total;
  for (int64_t row = first; row < last; row += kBlocks * kLanes) {
    Block<Op>* end = blocks;
    for (int64_t begin = row; begin < last && end < blocks + kBlocks; begin += kLanes, ++end) {
      end->first = begin;
      end->count = static_cast<int>(std::min<int64_t>(kLanes, last - begin));
      read_block(op, *end);
      if (!has_one_scale) set_scales(op, *end);
    }
    for (Block<Op>* block = blocks; block < end; ++block) add_block(op, *block);
    for (Block<Op>* block = blocks; block < end; ++block) {
      if constexpr (Op::kWrites) {
        write_block(op, last, *block);
      } else {
        for (int l = 0; l < block->count; ++l) op.finish(block->first + l, op.target[block->first + l], block->sums[l]);
      }
      for (int v = 0; Op::kAdds && v < kVectors<double>; ++v) {
        const int at = v * kWidth<double>;
        const auto scales = read<Vector<double>>(block->scales + at), sums = read<Vector<double>>(block->sums + at);
        total.add(v, keep(lane_numbers<double>() + at < block->count, scales * sums));
      }
    }
  }
  return total.sum();
}

}  // namespace
}  // namespace ms_mml
