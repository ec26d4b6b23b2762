// Runs an operator on all rows, with the algorithm for their number of classes: narrow_rows.h, short_rows.h or
// long_rows.h. The algorithm, and so the order of additions, depends on C only.
#pragma once

#include "long_rows.h"
#include "narrow_rows.h"
#include "schedule.h"
#include "short_rows.h"

namespace ms_mml {
namespace {

// If Op::kAdds, returns the sum of scale * row sum over all rows.
template <class Op>
double walk(const Op& op) {
  if (op.classes <= kMaxNarrowClasses<Op>) {
    return walk_groups(op, kLanes, [&](int64_t first, int64_t last) { return sum_narrow_rows(op, first, last); });
  }
  if (op.classes <= kMaxShortClasses) {
    return walk_groups(op, 1, [&](int64_t first, int64_t last) { return sum_short_rows(op, first, last); });
  }
  return walk_segments(
      op, [&](int64_t row, int64_t first, int64_t last) { return sum_segment(op, row, first, last); },
      [&](int64_t row, double sum) {
        op.finish(row, op.target[row], sum);
        return Op::kAdds ? op.scale(row, op.target[row]) * sum : 0;
      });
}

}  // namespace
}  // namespace ms_mml
