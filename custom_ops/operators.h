// The three operators, shared by the CPU and GPU kernels. An operator defines the term that a score adds to the sum of
// its row, and the results to store for a row and for all rows. The device (cpu/walk.h, gpu/walk.cuh) decides how
// memory is read and in which order terms are added.
//
// A device describes its elements with a traits struct, the parameter Traits:
//   Element                              float16, float32 or float64 as the device represents it
//   Real                                 the type that hinges are computed in
//   static double load(const Element*)   reads an element
//   static void store(Element*, value)   rounds a value to an element and writes it; value is a double or has
//                                        the type of the scores that the device passes to contribution()
//   static double round(double)          rounds a value to an element, without writing it
#pragma once

#include <cmath>
#include <cstdint>

#include "accumulator.h"
#include "call.h"
#include "hinge.h"

namespace ms_mml {
namespace {

// The base of all operators: a Call with typed pointers. Each operator is constructed from a Call and has
//   contribution(coefficients, x, dx)  returns the term of the score x; Gradient also stores its slope at dx. The
//                                      target's slope is a placeholder, which finish() overwrites.
//   scale(row, target)                 returns the factor of a row's sum: weight[y], times the upstream gradient if any
//   has_one_scale()                    whether all rows have the same scale
//   slope_factor(scale)                returns the factor of each slope of a row: its scale, perhaps rounded
//   finish(row, target, sum)           stores the result of a row (Loss) or the slope of its target (Gradient)
//   invalidate_row(row)                replaces finish() if the target is out of range and the device cannot raise
//   kWrites                            whether contribution() stores slopes
//   kAdds                              whether the device must also add up scale * row sum over all rows
template <class DeviceTraits>
struct Operands {
  using Traits = DeviceTraits;
  using T = typename Traits::Element;
  using Real = typename Traits::Real;

  explicit MS_MML_INLINE Operands(const Call& call)
      : input(static_cast<const T*>(call.input)),
        weight(static_cast<const T*>(call.weight)),
        dout(static_cast<const T*>(call.dout)),
        output(static_cast<T*>(call.output)),
        target(call.target),
        reduction(call.reduction),
        rows(call.rows),
        classes(call.classes),
        margin(*call.margin) {
    if (dout != nullptr && reduction == Reduction::kMean)
      shared_upstream = Traits::load(dout) / (double(classes) * rows);
    if (dout != nullptr && reduction == Reduction::kSum) shared_upstream = Traits::load(dout) / classes;
  }

  MS_MML_INLINE const T* input_row(int64_t row) const { return input + row * classes; }
  MS_MML_INLINE T* output_row(int64_t row) const { return output + row * classes; }

  // The upstream gradient of a row, divided by C, and for reduction 'mean' also by N.
  MS_MML_INLINE double upstream(int64_t row) const {
    return reduction == Reduction::kNone ? Traits::load(dout + row) / classes : shared_upstream;
  }

  const T *input, *weight, *dout;
  T* output;
  const int64_t* target;
  Reduction reduction;
  int64_t rows, classes;
  double margin;
  double shared_upstream = 0;
};

template <int P, class Traits>
struct Loss : Operands<Traits> {
  using T = typename Traits::Element;
  static constexpr bool kWrites = false, kAdds = true;
  using Operands<Traits>::Operands;

  template <class Row, class Value>
  static MS_MML_INLINE Value contribution(const Row& row, Value x, T*) {
    return power<P>(hinge(row.gap, x));
  }

  MS_MML_INLINE double scale(int64_t, int64_t target) const {
    return this->weight ? Traits::load(this->weight + target) : 1;
  }

  MS_MML_INLINE bool has_one_scale() const { return !this->weight; }

  template <class Value>
  static MS_MML_INLINE Value slope_factor(Value scale) {
    return scale;
  }

  MS_MML_INLINE void finish(int64_t row, int64_t target, double sum) const {
    if (this->reduction == Reduction::kNone) {
      Traits::store(this->output + row, scale(row, target) * sum / this->classes);
    }
  }

  MS_MML_INLINE void invalidate_row(int64_t row) const {
    if (this->reduction == Reduction::kNone) Traits::store(this->output + row, double{NAN});
  }

  // Stores the loss for reductions 'sum' and 'mean'; `sum` is the sum of scale * row sum over all rows.
  MS_MML_INLINE void finish_all(double sum) const {
    if (this->reduction == Reduction::kSum) Traits::store(this->output, sum / this->classes);
    if (this->reduction == Reduction::kMean) {
      Traits::store(this->output, sum / (double(this->classes) * this->rows));
    }
  }
};

template <int P, class Traits>
struct Gradient : Operands<Traits> {
  using T = typename Traits::Element;
  static constexpr bool kWrites = true, kAdds = false;
  using Operands<Traits>::Operands;

  template <class Row, class Value>
  static MS_MML_INLINE Value contribution(const Row& row, Value x, T* dx) {
    const Value value = slope<P>(hinge(row.gap, x));
    Traits::store(dx, row.factor * value);
    return value;
  }

  MS_MML_INLINE double scale(int64_t row, int64_t target) const {
    return this->weight ? this->upstream(row) * Traits::load(this->weight + target) : this->upstream(row);
  }

  MS_MML_INLINE bool has_one_scale() const { return !this->weight && this->reduction != Reduction::kNone; }

  template <class Value>
  static MS_MML_INLINE Value slope_factor(Value scale) {
    if (P == 2) return scale;
    // For P = 1 a slope is 0, 1 or NaN, so rounding the factor once also rounds every product. A factor that overflows
    // T is not rounded, because the slope of an inactive class is 0, and 0 * infinity is NaN. A factor that overflows a
    // double gives NaN in the formula, too.
    const Value rounded = Traits::round(scale);
    return rounded - rounded == 0 ? rounded : scale;
  }

  template <class Value>
  static MS_MML_INLINE Value target_slope(Value scale, Value sum) {
    return 0.0 - scale * sum;
  }

  MS_MML_INLINE void finish(int64_t row, int64_t target, double sum) const {
    Traits::store(this->output_row(row) + target, target_slope(scale(row, target), sum));
  }

  MS_MML_INLINE void invalidate_row(int64_t) const {}  // the device has already set the row's slopes to 0
};

// The unscaled sum of every row as a double, from which a device computes the gradient of `weight`. Its output is a
// workspace of doubles, one for each row.
template <int P, class Traits>
struct RowSums : Loss<P, Traits> {
  static constexpr bool kAdds = false;
  using Loss<P, Traits>::Loss;

  MS_MML_INLINE void finish(int64_t row, int64_t, double sum) const { sums()[row] = sum; }
  MS_MML_INLINE void invalidate_row(int64_t row) const { sums()[row] = 0; }

 private:
  MS_MML_INLINE double* sums() const { return reinterpret_cast<double*>(this->output); }
};

// The values of a row that contribution() needs. Value is a Real, or a vector with a row in each lane.
template <class Value>
struct Coefficients {
  ExactSum<Value> gap;
  Value factor;
};

// Coefficients for a gap that a single Value holds exactly, as for most float16 and float32 scores.
template <class Value>
struct SingleGapCoefficients {
  Value gap, factor;
};

template <class Op>
MS_MML_INLINE Coefficients<typename Op::Real> coefficients_of(const Op& op, int64_t row, int64_t target) {
  using Real = typename Op::Real;
  const ExactSum<double> gap = margin_minus(op.margin, Op::Traits::load(op.input_row(row) + target));
  const Real high = static_cast<Real>(gap.high);
  const Real low = static_cast<Real>((gap.high - high) + gap.low);
  return {{high, low - low == 0 ? low : 0}, static_cast<Real>(op.slope_factor(op.scale(row, target)))};
}

}  // namespace
}  // namespace ms_mml
