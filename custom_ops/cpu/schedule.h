// How the rows of a matrix are divided among threads, and in which order their results are added.
//
// N and C alone determine how the work is divided, never the number of threads: into groups of whole rows of about
// kSegment elements, or, if a row is longer than that, into segments of a row. The segments of a row are added in
// order, then the rows of a group, then the groups. So a result has the same bits for any number of threads, and the
// result of a row has the same bits in any batch. If there are only a few rows, the threads share their segments.
//
// Workspace: one double for each group, or, with few rows, for each segment.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "../accumulator.h"
#include "../call.h"
#include "threads.h"

namespace ms_mml {
namespace {

constexpr int64_t kSegment = 16384;               // elements: a few microseconds of work for one double of workspace
constexpr int64_t kFewRows = 64;                  // with at least this many rows, whole rows keep every thread busy
constexpr int64_t kMinElementsPerThread = 65536;  // with fewer, waking a thread costs more than it saves

// Checks targets from several threads, and remembers the first row whose target is out of range.
class TargetCheck {
 public:
  template <class Op>
  explicit TargetCheck(const Op& op) : target_(op.target), rows_(op.rows), classes_(op.classes), bad_row_(op.rows) {}

  // Whether the targets of all rows in [first, last) are in range.
  MS_MML_INLINE bool operator()(int64_t first, int64_t last) {
    uint64_t largest = 0;  // as uint64_t, a negative target is larger than any C
    for (int64_t row = first; row < last; ++row) largest = std::max(largest, static_cast<uint64_t>(target_[row]));
    const bool in_range = largest < static_cast<uint64_t>(classes_);
    if (__builtin_expect(!in_range, false)) note_bad_row(first, last);
    return in_range;
  }

  // Throws if a check has failed.
  void report() const {
    const int64_t row = bad_row_;
    if (row == rows_) return;
    fail("target[" + std::to_string(row) + "] is " + std::to_string(target_[row]) + " but must be in [0, " +
         std::to_string(classes_) + ").");
  }

 private:
  __attribute__((noinline)) void note_bad_row(int64_t row, int64_t last) {
    while (row < last && target_[row] >= 0 && target_[row] < classes_) ++row;
    int64_t first = bad_row_;
    while (row < first && !bad_row_.compare_exchange_weak(first, row)) {
    }
  }

  const int64_t* target_;
  int64_t rows_, classes_;
  std::atomic<int64_t> bad_row_;
};

template <class Op>
int threads_for(const Op& op) {
  return static_cast<int>(std::min<int64_t>(op.rows * op.classes / kMinElementsPerThread, thread_limit()));
}

// Calls sum_rows(first, last) for each group of whole rows whose targets are in range, and returns the sum of the
// results. When all groups are done, raises an error for the first target that is out of range. The number of rows in
// a group, except the last, is a multiple of `unit`.
template <class Op, class SumRows>
double walk_groups(const Op& op, int64_t unit, SumRows sum_rows) {
  const int64_t group = std::max<int64_t>(1, kSegment / (op.classes * unit)) * unit;
  const int64_t groups = (op.rows + group - 1) / group;
  const std::unique_ptr<double[]> partial_sums(new double[groups]);
  TargetCheck check(op);
  parallel_for(groups, threads_for(op), [&](int64_t first, int64_t last) {
    for (int64_t g = first; g < last; ++g) {
      const int64_t row = g * group, end = std::min(op.rows, row + group);
      partial_sums[g] = check(row, end) ? sum_rows(row, end) : 0;
    }
  });
  check.report();
  Sum total;
  for (int64_t g = 0; g < groups; ++g) total.add(partial_sums[g]);
  return total.value();
}

// Calls sum_segment(row, first, last) for each segment of each row, adds up the segments of a row, calls
// finish_row(row, sum) for each row, and returns the sum of its results.
template <class Op, class SumSegment, class FinishRow>
double walk_segments(const Op& op, SumSegment sum_segment, FinishRow finish_row) {
  const int64_t segments = (op.classes - 1) / kSegment + 1;
  const auto segment_sum = [&](int64_t row, int64_t s) {
    return sum_segment(row, s * kSegment, std::min(op.classes, (s + 1) * kSegment));
  };
  const auto add_segments = [&](int64_t row, const auto& sum_of) {
    Sum sum;
    for (int64_t s = 0; s < segments; ++s) sum.add(sum_of(s));
    return finish_row(row, sum.value());
  };

  if (segments == 1 || op.rows >= kFewRows) {
    return walk_groups(op, 1, [&](int64_t first, int64_t last) {
      Sum sum;
      for (int64_t row = first; row < last; ++row) {
        sum.add(add_segments(row, [&](int64_t s) { return segment_sum(row, s); }));
      }
      return sum.value();
    });
  }
  TargetCheck check(op);
  check(0, op.rows);
  check.report();
  const std::unique_ptr<double[]> partial_sums(new double[op.rows * segments]);
  parallel_for(op.rows * segments, threads_for(op), [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) partial_sums[i] = segment_sum(i / segments, i % segments);
  });
  Sum total;
  for (int64_t row = 0; row < op.rows; ++row) {
    total.add(add_segments(row, [&](int64_t s) { return partial_sums[row * segments + s]; }));
  }
  return total.value();
}

}  // namespace
}  // namespace ms_mml
