// A sum of numbers in the order given, for every device.
#pragma once

#include <type_traits>

#include "hinge.h"

namespace ms_mml {

// Over elements of type T: one sum, or one in each lane of a vector. A double has room enough for sums of float16 and
// float32; those of float64 carry what each rounding loses.
template <class T, class Value>
struct Accumulator {
  ExactSum<Value> parts = {};

  MS_MML_INLINE void add(Value term) {
    if constexpr (kCarries) {
      const ExactSum<Value> next = two_sum(parts.high, term);
      parts = {next.high, parts.low + next.low};
    } else {
      parts.high += term;
    }
  }

  MS_MML_INLINE void add(ExactSum<Value> other) {
    add(other.high);
    if constexpr (kCarries) parts.low += other.low;
  }

  MS_MML_INLINE Value value() const { return kCarries ? rounded(parts) : parts.high; }

 private:
  static constexpr bool kCarries = std::is_same_v<T, double>;
};

// Of results, whatever they are made of.
using Sum = Accumulator<double, double>;

}  // namespace ms_mml
