// kLanes sums, held in the lanes of vector registers.
//
// Every instruction set uses the same number of lanes, in as many registers as they need, and adds them up in the same
// order, so all instruction sets give the same bits. For the same reason -ffp-contract=off is set: a fused
// multiply-add rounds once where a multiplication and an addition round twice.
#pragma once

#include "../accumulator.h"
#include "vector.h"

namespace ms_mml {
namespace {

// The sum of all lanes of a vector, added in halves: the upper half to the lower.
template <class T, class Value>
MS_MML_INLINE double total(const Accumulator<T, Value>& sum) {
  if constexpr (sizeof(Value) == sizeof(double)) {
    return Accumulator<T, double>{{sum.parts.high[0], sum.parts.low[0]}}.value();
  } else {
    Accumulator<T, HalfVector<Value>> half{{lower(sum.parts.high), lower(sum.parts.low)}};
    half.add(ExactSum<HalfVector<Value>>{upper(sum.parts.high), upper(sum.parts.low)});
    return total(half);
  }
}

constexpr int kLanes = 16;  // two 512-bit or four 256-bit registers of doubles, enough to hide the latency of addition

template <class Real>
constexpr int kVectors = kLanes / kWidth<Real>;  // vectors of Real that make up kLanes lanes

// kLanes sums of terms computed from elements of type T. sum() adds them in halves, the upper half to the lower.
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

  MS_MML_INLINE void store(double* to) const {
    for (int v = 0; v < kVectors<double>; ++v) ms_mml::store(to + v * kWidth<double>, sums_[v].value());
  }

  MS_MML_INLINE double sum() {
    for (int half = kVectors<double> / 2; half > 0; half /= 2) {
      for (int v = 0; v < half; ++v) sums_[v].add(sums_[v + half].parts);
    }
    return total(sums_[0]);
  }

 private:
  Accumulator<T, Vector<double>> sums_[kVectors<double>];
};

}  // namespace
}  // namespace ms_mml
