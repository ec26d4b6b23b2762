// The CPU's three algorithms for the rows of a matrix, selected by the number of classes.
//
//   narrow rows  up to 16 classes   kLanes rows at a time, one in each lane: rows are transposed in the L1 cache
//   short rows   up to 256 classes  one row, kLanes classes at a time; every step masks out the target
//   long rows    more classes       one segment of a row, kLanes classes at a time; only the step with the target and
//                                   the tail are masked
//
// In short and long rows lane l adds up the classes l, l + kLanes, ... The algorithm, and so the order of additions,
// depends on C only. schedule.h divides the rows among threads.
#pragma once

#include <cstring>

#include "../operators.h"
#include "lanes.h"
#include "schedule.h"
#include "vector.h"

namespace ms_mml {
namespace {

// Measured: each algorithm is the fastest up to its limit.
constexpr int64_t kMaxNarrowClasses = 16, kMaxShortClasses = 256;

// Coefficients for a gap that a single Value holds exactly, as for most float16 and float32 scores.
template <class Value>
struct SingleGapCoefficients {
  Value gap, factor;
};

// ---------------------------------------------------------------------------------------------------------------------
// Narrow rows: kLanes rows at a time, one in each lane
// ---------------------------------------------------------------------------------------------------------------------

// Runs the operator on the rows [first, last).
template <class Op>
double sum_narrow_rows(const Op& shared, int64_t first, int64_t last, TargetCheck& check) {
  using T = typename Op::T;
  const Op op = shared;  // a local copy stays in registers
  const int64_t classes = op.classes;
  T padded[kMaxNarrowClasses * kLanes] = {};                        // padded copy of fewer than kLanes rows
  T x[kMaxNarrowClasses * kLanes], dx[kMaxNarrowClasses * kLanes];  // transposed: [class][row]
  Lanes<double> total;
  for (int64_t row = first; row < last; row += kLanes) {
    const int64_t count = std::min<int64_t>(kLanes, last - row);
    if (!check(row, row + count)) continue;
    const T* rows = op.input_row(row);
    if (count < kLanes) rows = static_cast<const T*>(std::memcpy(padded, rows, count * classes * sizeof(T)));
    for (int64_t c = 0; c < classes; ++c) {
      for (int64_t l = 0; l < kLanes; ++l) x[c * kLanes + l] = rows[l * classes + c];
    }
    int64_t target[kLanes] = {};
    T score[kLanes];  // target scores
    double factor[kLanes] = {}, sum[kLanes];
    for (int64_t l = 0; l < count; ++l) target[l] = op.target[row + l];
    for (int64_t l = 0; l < kLanes; ++l) score[l] = rows[l * classes + target[l]];
    for (int64_t l = 0; l < count; ++l) factor[l] = op.factor(row + l, target[l]);
    for (int v = 0; v < kVectors<double>; ++v) {
      const int at = v * kWidth<double>;
      Vector<double> scores;
      load(score + at, scores);
      const Coefficients<Vector<double>> coefficients = {margin_minus(op.margin, scores),
                                                         read<Vector<double>>(factor + at)};
      const auto targets = read<decltype(lane_numbers<double>())>(target + at);
      Accumulator<T, Vector<double>> lane_sum;
      for (int64_t c = 0; c < classes; ++c) {
        Vector<double> value;
        load(x + c * kLanes + at, value);
        value = Op::contribution(coefficients, value, dx + c * kLanes + at);
        lane_sum.add(keep(targets != c, value));
      }
      const Vector<double> sums = lane_sum.value();
      std::memcpy(sum + at, &sums, sizeof sums);
      const auto lane = lane_numbers<double>() + at;
      if (Op::kAdds) total.add(v, keep(lane < count, coefficients.factor * sums));
    }
    if (Op::kWrites) {
      T* out = op.output_row(row);
      for (int64_t l = 0; l < count; ++l) {
        for (int64_t c = 0; c < classes; ++c) out[l * classes + c] = dx[c * kLanes + l];
      }
    }
    for (int64_t l = 0; l < count; ++l) op.finish(row + l, target[l], sum[l]);
  }
  return total.sum();
}

// ---------------------------------------------------------------------------------------------------------------------
// Short and long rows: kLanes classes at a time
// ---------------------------------------------------------------------------------------------------------------------

// dx + i for an operator that writes slopes, otherwise null.
template <class Op>
MS_MML_INLINE typename Op::T* slopes_at(typename Op::T* dx, int64_t i) {
  return Op::kWrites ? dx + i : nullptr;
}

// Adds the next kLanes classes. Masks out the classes from `left` on, which are beyond the end of the row, and
// `target`, which may be outside this step.
template <class Op, class Row>
MS_MML_INLINE void add_masked_step(Lanes<typename Op::T>& lanes, const Row& row, const typename Op::T* x,
                                   typename Op::T* dx, int64_t left, int64_t target) {
  using Real = typename Op::Real;
  const int last = static_cast<int>(std::min<int64_t>(left, kLanes)), skipped = static_cast<int>(target);
  for (int v = 0; v < kVectors<Real>; ++v) {
    const int at = v * kWidth<Real>;
    if (at >= last) break;
    Vector<Real> value;
    load(x + at, value);
    value = Op::contribution(row, value, slopes_at<Op>(dx, at));
    const auto lane = lane_numbers<Real>() + at;
    lanes.add(v, keep((lane < last) & (lane != skipped), value));
  }
}

// Runs the operator on the short rows [first, last). Every step is masked, because a branch on the target's position
// would cost more. The last step of a row may read beyond its end, in the next rows, and may write there, too, because
// the slopes of those rows are written later. At the end of the array (reads) or of this group (writes) it uses a
// padded copy of the row.
template <class Op>
double sum_short_rows(const Op& shared, int64_t first, int64_t last, TargetCheck& check) {
  using T = typename Op::T;
  const Op op = shared;  // a local copy stays in registers
  const int64_t classes = op.classes;
  const int64_t reach = (classes + kLanes - 1) / kLanes * kLanes;
  T x_copy[kMaxShortClasses + kLanes], dx_copy[kMaxShortClasses + kLanes];
  Sum total;
  for (int64_t row = first; row < last; ++row) {
    const int64_t target = op.target[row];
    if (!check(row, row + 1)) continue;
    const T* x = op.input_row(row);
    T* dx = slopes_at<Op>(op.output, row * classes);
    const bool writes_copy = Op::kWrites && row * classes + reach > last * classes;
    if (row * classes + reach > op.rows * classes) {
      std::memset(x_copy + classes, 0, kLanes * sizeof(T));
      x = static_cast<const T*>(std::memcpy(x_copy, x, classes * sizeof(T)));
    }
    if (writes_copy) dx = dx_copy;
    Lanes<T> lanes;
    const auto add_row = [&](const auto& coefficients) {
      int64_t i = 0;
      for (; i + kLanes <= classes; i += kLanes) {
        add_masked_step<Op>(lanes, coefficients, x + i, slopes_at<Op>(dx, i), kLanes, target - i);
      }
      if (i < classes) add_masked_step<Op>(lanes, coefficients, x + i, slopes_at<Op>(dx, i), classes - i, target - i);
    };
    const auto coefficients = coefficients_of(op, row, target);
    if (coefficients.gap.low == 0) {
      add_row(SingleGapCoefficients<typename Op::Real>{coefficients.gap.high, coefficients.factor});
    } else {
      add_row(coefficients);
    }
    if (writes_copy) std::memcpy(op.output_row(row), dx_copy, classes * sizeof(T));
    const double sum = lanes.sum();
    op.finish(row, target, sum);
    if (Op::kAdds) total.add(op.factor(row, target) * sum);
  }
  return total.value();
}

// The sum of the classes [first, last) of a long row. The tail of the segment is read from one padded copy and written
// to another.
template <class Op>
double sum_segment(const Op& op, int64_t row, int64_t first, int64_t last) {
  using T = typename Op::T;
  using Real = typename Op::Real;
  constexpr int64_t kStride = kPartialSumTerms<Real> * kLanes;
  const auto coefficients = coefficients_of(op, row, op.target[row]);
  const T* x = op.input_row(row) + first;
  T* dx = slopes_at<Op>(op.output, row * op.classes + first);
  const int64_t count = last - first, whole = count / kLanes * kLanes;
  const int64_t y = op.target[row], target = first <= y && y < last ? y - first : -1;
  T x_tail[kLanes] = {}, dx_tail[kLanes];
  std::memcpy(x_tail, x + whole, (count - whole) * sizeof(T));

  Lanes<T> lanes;
  for (int64_t i = 0; i < count;) {
    const int64_t unmasked = i <= target ? target : count;
    for (; i + kStride <= unmasked; i += kStride) {
      for (int v = 0; v < kVectors<Real>; ++v) {
        Vector<Real> partial_sum = {};
        for (int term = 0; term < kPartialSumTerms<Real>; ++term) {
          const int64_t at = i + term * kLanes + v * kWidth<Real>;
          Vector<Real> value;
          load(x + at, value);
          value = Op::contribution(coefficients, value, slopes_at<Op>(dx, at));
          partial_sum = term == 0 ? value : partial_sum + value;
        }
        lanes.add(v, partial_sum);
      }
    }
    for (const int64_t end = std::min(count, i + kStride); i < end; i += kLanes) {
      add_masked_step<Op>(lanes, coefficients, i < whole ? x + i : x_tail, i < whole ? slopes_at<Op>(dx, i) : dx_tail,
                          count - i, target - i);
    }
  }
  if (Op::kWrites) std::memcpy(dx + whole, dx_tail, (count - whole) * sizeof(T));
  return lanes.sum();
}

// Runs an operator on all rows. If Op::kAdds, returns the sum of factor * row sum over all rows.
template <class Op>
double walk(const Op& op) {
  if (op.classes <= kMaxNarrowClasses) {
    return walk_groups(
        op, [&](int64_t first, int64_t last, TargetCheck& check) { return sum_narrow_rows(op, first, last, check); });
  }
  if (op.classes <= kMaxShortClasses) {
    return walk_groups(
        op, [&](int64_t first, int64_t last, TargetCheck& check) { return sum_short_rows(op, first, last, check); });
  }
  return walk_segments(
      op, [&](int64_t row, int64_t first, int64_t last) { return sum_segment(op, row, first, last); },
      [&](int64_t row, double sum) {
        op.finish(row, op.target[row], sum);
        return Op::kAdds ? op.factor(row, op.target[row]) * sum : 0;
      });
}

}  // namespace
}  // namespace ms_mml
