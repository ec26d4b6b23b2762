// Sums in a fixed order, shared by all devices.
#pragma once

#include <type_traits>

#include "hinge.h"

namespace ms_mml {

// The sum of terms computed from elements of type T: a single sum, or one in each lane of a vector. Sums for float16
// and float32 are plain doubles, which have enough precision; sums for float64 are compensated.
template <class T, class Value>
struct Accumulator {
  ExactSum<Value> parts = {};

  MS_MML_INLINE void add(Value term) {
    if constexpr (kCompensated) {
      const ExactSum<Value> next = two_sum(parts.high, term);
      parts = {next.high, parts.low + next.low};
    } else {
      parts.high += term;
    }
  }

  MS_MML_INLINE void add(ExactSum<Value> other) {
    add(other.high);
    if constexpr (kCompensated) parts.low += other.low;
  }

  MS_MML_INLINE Value value() const { return kCompensated ? rounded(parts) : parts.high; }

 private:
  static constexpr bool kCompensated = std::is_same_v<T, double>;
};

// A compensated sum of doubles, whatever the element type.
using Sum = Accumulator<double, double>;

// The number of terms that are added in Real before their partial sum is added to an Accumulator. The sum of four
// nonnegative floats has a relative error of at most 3 * 2^-24, far below half an ulp of float16 (at least 2^-12), and
// this saves three conversions to double.
template <class Real>
constexpr int kPartialSumTerms = std::is_same_v<Real, float> ? 4 : 1;

}  // namespace ms_mml
