// Short rows: one row at a time, kLanes classes at a time. Lane l adds up the classes l, l + kLanes, ...
//
// Every step is masked, because a branch on the target's position would cost more. The last step of a row may read
// beyond its end, in the next rows, and may write there, too, because the slopes of those rows are written later. At
// the end of the array (reads) or of a group (writes) it uses a padded copy of the row.
#pragma once

#include "prefetch.h"
#include "row.h"

namespace ms_mml {
namespace {

constexpr int64_t kMaxShortClasses = 256;  // measured: up to here this is the fastest algorithm

// Runs the operator on the rows [first, last).
template <class Op>
double sum_short_rows(const Op& shared, int64_t first, int64_t last) {
  using T = typename Op::T;
  const Op op = shared;  // a local copy stays in registers
  const int64_t classes = op.classes;
  const int64_t reach = (classes + kLanes - 1) / kLanes * kLanes;
  T x_copy[kMaxShortClasses + kLanes], dx_copy[kMaxShortClasses + kLanes];
  Sum total;
  for (int64_t row = first; row < last; ++row) {
    const int64_t target = op.target[row];
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
      const auto add_step = [&](int64_t i, int64_t left) {
        prefetch(op.input_row(row) + i, kLanes * sizeof(T));
        add_masked_step<Op>(lanes, coefficients, x + i, slopes_at<Op>(dx, i), left, target - i);
      };
      int64_t i = 0;
      for (; i + kLanes <= classes; i += kLanes) add_step(i, kLanes);
      if (i < classes) add_step(i, classes - i);
    };
    with_coefficients(op, row, target, add_row);
    if (writes_copy) std::memcpy(op.output_row(row), dx_copy, classes * sizeof(T));
    const double sum = lanes.sum();
    op.finish(row, target, sum);
    if (Op::kAdds) total.add(op.scale(row, target) * sum);
  }
  return total.value();
}

}  // namespace
}  // namespace ms_mml
