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
#include <atomic>
#include <cstdint>
#include <memory>

#include "../call.h"
#include "lanes.h"
#include "threads.h"

namespace ms_mml {
namespace {

constexpr int64_t kSegment = 16384;  // elements: a few microseconds of work, and one double of scratch
constexpr int64_t kFewRows = 64;     // from here on whole rows keep every thread busy
constexpr int64_t kMinElementsPerThread =
    65536;  // elements; below this for each, waking a thread costs more than it saves

// Notes the first row whose target is out of range, from any thread.
class TargetCheck {
 public:
  explicit TargetCheck(const Call& call) : call_(call), bad_row_(call.rows) {}

  // Whether the targets of all rows in [first, last) are in range.
  MS_MML_INLINE bool operator()(int64_t first, int64_t last) {
    uint64_t largest = 0;  // a negative one is very large
    for (int64_t row = first; row < last; ++row) {
      largest = std::max(largest, static_cast<uint64_t>(call_.target[row]));
    }
    const bool in_range = largest < static_cast<uint64_t>(call_.classes);
    if (__builtin_expect(!in_range, false)) note(first, last);
    return in_range;
  }

  void report() const {
    const int64_t row = bad_row_;
    if (row == call_.rows) return;
    fail("target[" + std::to_string(row) + "] is " + std::to_string(call_.target[row]) + " but must be in [0, " +
         std::to_string(call_.classes) + ").");
  }

 private:
  __attribute__((noinline)) void note(int64_t row, int64_t last) {
    while (row < last && call_.target[row] >= 0 && call_.target[row] < call_.classes) ++row;
    int64_t first = bad_row_;
    while (row < first && !bad_row_.compare_exchange_weak(first, row)) {
    }
  }

  const Call& call_;
  std::atomic<int64_t> bad_row_;
};

inline int threads_for(const Call& call) {
  return static_cast<int>(std::min<int64_t>(call.rows * call.classes / kMinElementsPerThread, thread_limit()));
}

// The sum of sum_rows(first, last, check) over groups of whole rows. Rows whose targets do not pass the check must be
// left out; the first such row is reported once all are done.
template <class SumRows>
double walk_groups(const Call& call, SumRows sum_rows) {
  const int64_t group = std::max<int64_t>(1, kSegment / call.classes);
  const int64_t groups = (call.rows + group - 1) / group;
  const std::unique_ptr<double[]> partial(new double[groups]);
  TargetCheck check(call);
  share(groups, threads_for(call), [&](int64_t first, int64_t last) {
    for (int64_t g = first; g < last; ++g) {
      partial[g] = sum_rows(g * group, std::min(call.rows, (g + 1) * group), check);
    }
  });
  check.report();
  Sum total;
  for (int64_t g = 0; g < groups; ++g) total.add(partial[g]);
  return total.value();
}

// The same with each row's sum made of sum_segment(row, first, last) over its classes, and handed to finish(row, sum).
template <class SumSegment, class Finish>
double walk_segments(const Call& call, SumSegment sum_segment, Finish finish) {
  const int64_t segments = (call.classes - 1) / kSegment + 1;
  const auto part = [&](int64_t row, int64_t s) {
    return sum_segment(row, s * kSegment, std::min(call.classes, (s + 1) * kSegment));
  };
  const auto finish_row = [&](int64_t row, const auto& part_of_row) {
    Sum sum;
    for (int64_t s = 0; s < segments; ++s) sum.add(part_of_row(s));
    return finish(row, sum.value());
  };

  if (segments == 1 || call.rows >= kFewRows) {
    return walk_groups(call, [&](int64_t first, int64_t last, TargetCheck& check) {
      Sum sum;
      for (int64_t row = first; row < last; ++row) {
        if (check(row, row + 1)) sum.add(finish_row(row, [&](int64_t s) { return part(row, s); }));
      }
      return sum.value();
    });
  }
  TargetCheck check(call);
  check(0, call.rows);
  check.report();
  const std::unique_ptr<double[]> partial(new double[call.rows * segments]);
  share(call.rows * segments, threads_for(call), [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) partial[i] = part(i / segments, i % segments);
  });
  Sum total;
  for (int64_t row = 0; row < call.rows; ++row) {
    total.add(finish_row(row, [&](int64_t s) { return partial[row * segments + s]; }));
  }
  return total.value();
}

}  // namespace
}  // namespace ms_mml
