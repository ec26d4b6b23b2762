// Three ways to walk the rows of a matrix, by the number of classes.
//
//   narrow  kLanes rows at a time, one in each lane: transposed in the first cache
//   short   row by row, kLanes classes at a time; the target is left out by a mask in every step
//   long    segment by segment, kLanes classes at a time; only the step that holds the target goes through a mask
//
// In short and long rows lane l adds up the classes l, l + kLanes, ... Which way a row goes depends on C alone, and so
// do its bits.
#pragma once

#include "lanes.h"
#include "schedule.h"

// after the loads and stores that it needs
#include "../operators.h"

namespace ms_mml {
namespace {

constexpr int64_t kMaxNarrowClasses = 16, kMaxShortClasses = 256;  // classes: where each way stops being the fastest

// Steps that are added in float before they go into a double: few enough to round off next to nothing.
template <class Real>
constexpr int kPartialSumTerms = std::is_same_v<Real, float> ? 4 : 1;

// Coefficients where margin - x[y] is one number, as it is for most scores in float32 and float16.
template <class Value>
struct Single {
  Value gap, factor;
};

// ---------------------------------------------------------------------------------------------------------------------
// Narrow rows: kLanes of them at a time, one in each lane
// ---------------------------------------------------------------------------------------------------------------------

// The operator over the rows [first, last).
template <class Op>
double sum_narrow_rows(const Op& shared, int64_t first, int64_t last, TargetCheck& check) {
  using T = typename Op::T;
  const Op op = shared;  // a copy of its own stays in registers
  const int64_t classes = op.classes;
  T rest[kMaxNarrowClasses * kLanes] = {};                          // the last rows, where they do not fill the lanes
  T x[kMaxNarrowClasses * kLanes], dx[kMaxNarrowClasses * kLanes];  // by class, then row
  Lanes<double> total;
  for (int64_t row = first; row < last; row += kLanes) {
    const int64_t count = std::min<int64_t>(kLanes, last - row);
    if (!check(row, row + count)) continue;
    const T* rows = op.input_row(row);
    if (count < kLanes) rows = static_cast<const T*>(std::memcpy(rest, rows, count * classes * sizeof(T)));
    for (int64_t c = 0; c < classes; ++c) {
      for (int64_t l = 0; l < kLanes; ++l) x[c * kLanes + l] = rows[l * classes + c];
    }
    int64_t target[kLanes] = {};
    T score[kLanes];
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

// Where the slopes of a step go; an operator that writes none is given nowhere.
template <class Op>
MS_MML_INLINE typename Op::T* slopes_at(typename Op::T* dx, int64_t i) {
  return Op::kWrites ? dx + i : nullptr;
}

// Adds one step, of which `left` classes are of the row, and number `target`, if it is one of them, does not count.
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

// The operator over the rows [first, last), short ones. Every step goes through a mask: a branch on where the target is
// would cost more. A step may read the rows that follow, and write those that are yet to come; where there are none, a
// copy of the row does for it.
template <class Op>
double sum_short_rows(const Op& shared, int64_t first, int64_t last, TargetCheck& check) {
  using T = typename Op::T;
  const Op op = shared;  // a copy of its own stays in registers
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
      add_row(Single<typename Op::Real>{coefficients.gap.high, coefficients.factor});
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

// The sum of the classes [first, last) of a long row. Its last step, where the segment ends within it, is read from a
// copy and written to another.
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
        Vector<Real> sum = {};
        for (int step = 0; step < kPartialSumTerms<Real>; ++step) {
          const int64_t at = i + step * kLanes + v * kWidth<Real>;
          Vector<Real> value;
          load(x + at, value);
          value = Op::contribution(coefficients, value, slopes_at<Op>(dx, at));
          sum = step == 0 ? value : sum + value;
        }
        lanes.add(v, sum);
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

// Walks all rows of an operator; returns the sum of what they add.
template <class Op>
double walk(const Op& op, const Call& call) {
  if (call.classes <= kMaxNarrowClasses) {
    return walk_groups(
        call, [&](int64_t first, int64_t last, TargetCheck& check) { return sum_narrow_rows(op, first, last, check); });
  }
  if (call.classes <= kMaxShortClasses) {
    return walk_groups(
        call, [&](int64_t first, int64_t last, TargetCheck& check) { return sum_short_rows(op, first, last, check); });
  }
  return walk_segments(
      call, [&](int64_t row, int64_t first, int64_t last) { return sum_segment(op, row, first, last); },
      [&](int64_t row, double sum) {
        op.finish(row, call.target[row], sum);
        return Op::kAdds ? op.factor(row, call.target[row]) * sum : 0;
      });
}

}  // namespace
}  // namespace ms_mml
