// Long rows: one segment of a row at a time, kLanes classes at a time. Lane l adds up the classes l, l + kLanes, ...
// Only the step with the target and the tail are masked.
#pragma once

#include "prefetch.h"
#include "row.h"

namespace ms_mml {
namespace {

// The sum of the classes [first, last) of a long row. The tail of the segment is read from one padded copy and written
// to another.
template <class Op>
double sum_segment(const Op& shared, int64_t row, int64_t first, int64_t last) {
  using T = typename Op::T;
  using Real = typename Op::Real;
  constexpr int64_t kStride = kPartialSumTerms<Real> * kLanes;
  const Op op = shared;  // a local copy stays in registers
  const T* x = op.input_row(row) + first;
  T* dx = slopes_at<Op>(op.output, row * op.classes + first);
  const int64_t count = last - first, whole = count / kLanes * kLanes;
  const int64_t y = op.target[row], target = first <= y && y < last ? y - first : -1;
  T x_tail[kLanes] = {}, dx_tail[kLanes];
  std::memcpy(x_tail, x + whole, (count - whole) * sizeof(T));

  Lanes<T> lanes;
  const auto add_stride = [&](const auto& coefficients, int64_t i) {
    prefetch(x + i, kStride * sizeof(T));
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
  };
  with_coefficients(op, row, y, [&](const auto& coefficients) {
    for (int64_t i = 0; i < count;) {
      for (const int64_t unmasked = i <= target ? target : count; i + kStride <= unmasked; i += kStride) {
        add_stride(coefficients, i);
      }
      for (const int64_t end = std::min(count, i + kStride); i < end; i += kLanes) {
        add_masked_step<Op>(lanes, coefficients, i < whole ? x + i : x_tail, i < whole ? slopes_at<Op>(dx, i) : dx_tail,
                            count - i, target - i);
      }
    }
  });
  if (Op::kWrites) std::memcpy(dx + whole, dx_tail, (count - whole) * sizeof(T));
  return lanes.sum();
}

}  // namespace
}  // namespace ms_mml
