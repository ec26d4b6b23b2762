// The coefficients of a row, and a step of kLanes classes along it. Short and long rows use both.
#pragma once

#include <algorithm>

#include "../operators.h"
#include "lanes.h"

namespace ms_mml {
namespace {

// Calls work with the coefficients of a row.
template <class Op, class Work>
MS_MML_INLINE void with_coefficients(const Op& op, int64_t row, int64_t target, Work work) {
  const auto coefficients = coefficients_of(op, row, target);
  if (coefficients.gap.low == 0) {
    work(SingleGapCoefficients<typename Op::Real>{coefficients.gap.high, coefficients.factor});
  } else {
    work(coefficients);
  }
}

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

}  // namespace
}  // namespace ms_mml
