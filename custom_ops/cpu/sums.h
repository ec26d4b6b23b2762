// Sums: of numbers in the order given, and of many lanes at once.
//
// Every instruction set holds the same kLanes sums, in as many registers as that takes, and adds them up in the same
// order, so all of them give the same bits. It is built with -ffp-contract=off: a fused multiply-add would round
// differently.
#pragma once

#include <type_traits>

#include "vector.h"

namespace ms_mml {
namespace {

// A sum over elements of type T, or one in each lane of a vector. A double has room enough for sums of float16 and
// float32; those of float64 carry what each rounding loses.
template <class T, class Value>
class Accumulator {
 public:
  Accumulator() = default;
  Accumulator(Value high, Value low) : sum_{high, low} {}

  MS_MML_INLINE void add(Value term) {
    if constexpr (kCarries) {
      const ExactSum<Value> next = two_sum(sum_.high, term);
      sum_ = {next.high, sum_.low + next.low};
    } else {
      sum_.high += term;
    }
  }

  MS_MML_INLINE void add(const Accumulator& other) {
    add(other.sum_.high);
    if constexpr (kCarries) sum_.low += other.sum_.low;
  }

  MS_MML_INLINE Value value() const { return kCarries ? rounded(sum_) : sum_.high; }

  // The sum of all lanes of a vector.
  MS_MML_INLINE double total() const {
    if constexpr (sizeof(Value) == sizeof(double)) {
      return kCarries ? rounded(ExactSum<double>{sum_.high[0], sum_.low[0]}) : sum_.high[0];
    } else {
      Accumulator<T, HalfOf<Value>> half(lower(sum_.high), lower(sum_.low));
      half.add(Accumulator<T, HalfOf<Value>>(upper(sum_.high), upper(sum_.low)));
      return half.total();
    }
  }

 private:
  static constexpr bool kCarries = std::is_same_v<T, double>;
  ExactSum<Value> sum_ = {};
};

constexpr int kLanes = 16;  // hides the latency of addition: two 512-bit or four 256-bit sums in flight

template <class Real>
constexpr int kVectors = kLanes / kWidth<Real>;

// The sums of kLanes lanes over elements of type T. They are added pairwise, the upper half to the lower.
template <class T>
class Lanes {
 public:
  MS_MML_INLINE void add(int vector, Vector<double> term) { sums_[vector].add(term); }

  MS_MML_INLINE void add(int vector, Vector<float> term) {
    Vector<double> low, high;
    load(reinterpret_cast<const float*>(&term), low);
    load(reinterpret_cast<const float*>(&term) + kWidth<double>, high);
    add(2 * vector, low);
    add(2 * vector + 1, high);
  }

  MS_MML_INLINE double sum() {
    for (int half = kVectors<double> / 2; half > 0; half /= 2) {
      for (int v = 0; v < half; ++v) sums_[v].add(sums_[v + half]);
    }
    return sums_[0].total();
  }

 private:
  Accumulator<T, Vector<double>> sums_[kVectors<double>];
};

using Sum = Accumulator<double, double>;

}  // namespace
}  // namespace ms_mml
