// How the rows of a matrix are shared among threads, and in which order their results are added.
//
// The work is cut by C and N alone, never by the number of threads: groups of whole rows, about kSegment elements each,
// or, where a row is longer than that, segments of one row. A row's segments are added in order, then the rows of a
// group, then the groups. So the result has the same bits for any number of threads, and a row's own result has the
// same bits in any batch. When there are few rows, it is their segments that are shared among the threads.
//
// Scratch is one double for each group, or for each segment of few rows; the weight's gradient takes one more for each
// row and two for each class.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>

#include "../row.h"
#include "kernels.h"

namespace ms_mml {
namespace {

constexpr int64_t kSegment = 16384;  // elements: a few microseconds of work, and one double of scratch
constexpr int64_t kFewRows = 64;     // from here on whole rows keep every thread busy
constexpr int64_t kSerial = 32768;   // elements; below this, waking a second thread costs more than it saves

// Adds in the order given, carrying what each rounding loses.
class Sum {
 public:
  void add(double term) {
    const ExactSum<double> next = two_sum(sum_.high, term);
    sum_ = {next.high, sum_.low + next.low};
  }
  double value() const { return rounded(sum_); }

 private:
  ExactSum<double> sum_ = {0, 0};
};

// For each row: sums segment(row, y, first, last) over its classes in [first, last), then calls finish(row, y, sum).
// Returns the sum of what finish returns. y is the row's target; a row whose target is out of range is left out, and
// the first such row is reported once all threads are done.
template <class Segment, class Finish>
double walk_rows(const Call& call, Segment segment, Finish finish) {
  const int64_t rows = call.rows, classes = call.classes;
  const int64_t segments = (classes + kSegment - 1) / kSegment;
  const int64_t group = std::max<int64_t>(1, kSegment / classes);
  const int64_t groups = (rows + group - 1) / group;
  const bool parallel = rows * classes >= kSerial && !in_forked_process;
  const bool share_rows = segments == 1 || rows >= kFewRows;
  const int64_t partials = share_rows ? groups : rows * segments;
  const std::unique_ptr<double[]> partial(new double[partials]);
  int64_t bad_row = rows;

  const auto in_range = [&](int64_t y) { return y >= 0 && y < classes; };
  const auto segment_sum = [&](int64_t row, int64_t s) {
    return segment(row, call.target[row], s * kSegment, std::min(classes, (s + 1) * kSegment));
  };

  Sum total;
  if (share_rows) {
#pragma omp parallel for schedule(static) reduction(min : bad_row) if (parallel)
    for (int64_t g = 0; g < groups; ++g) {
      Sum group_sum;
      for (int64_t row = g * group; row < std::min(rows, (g + 1) * group); ++row) {
        const int64_t y = call.target[row];
        if (!in_range(y)) {
          bad_row = std::min(bad_row, row);
          continue;
        }
        Sum row_sum;
        for (int64_t s = 0; s < segments; ++s) row_sum.add(segment_sum(row, s));
        group_sum.add(finish(row, y, row_sum.value()));
      }
      partial[g] = group_sum.value();
    }
    for (int64_t g = 0; g < groups; ++g) total.add(partial[g]);
  } else {
    for (int64_t row = rows - 1; row >= 0; --row) {
      if (!in_range(call.target[row])) bad_row = row;
    }
    if (bad_row == rows) {
#pragma omp parallel for schedule(static) if (parallel)
      for (int64_t i = 0; i < rows * segments; ++i) partial[i] = segment_sum(i / segments, i % segments);
      for (int64_t row = 0; row < rows; ++row) {
        Sum row_sum;
        for (int64_t s = 0; s < segments; ++s) row_sum.add(partial[row * segments + s]);
        total.add(finish(row, call.target[row], row_sum.value()));
      }
    }
  }
  if (bad_row < rows) fail_target(bad_row, call.target[bad_row], classes);
  return total.value();
}

}  // namespace
}  // namespace ms_mml
