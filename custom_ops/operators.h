// The three operators as a device walks them: what a score adds, and what is stored for a row. How memory is walked is
// the device's own affair. Before this file it declares load(const T*), which gives a double, and store(T*, value), for
// each of its element types.
#pragma once

#include <cmath>
#include <cstdint>

#include "call.h"
#include "hinge.h"

namespace ms_mml {
namespace {

// An operator over elements of type T, computed in Real. Each can be made of a call, and has
//   factor(row, target)                 of the row: its weight, or what its slopes are multiplied by
//   contribution(coefficients, x, dx)   what scores add to the sum of their row; the gradient also writes their slopes,
//                                       which for the target is overwritten later
//   finish(row, target, sum)            stores what is stored once for a row
//   invalidate_row(row)                          does it for a target out of range, where a kernel cannot report one
//   kWrites, kAdds                      whether it writes slopes; whether it adds up factor * sum over all rows
template <class Element, class Scalar>
struct Operands {
  using T = Element;
  using Real = Scalar;

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
    if (dout != nullptr && reduction == Reduction::kMean) upstream_of_all = load(dout) / (double(classes) * rows);
    if (dout != nullptr && reduction == Reduction::kSum) upstream_of_all = load(dout) / classes;
  }

  MS_MML_INLINE const T* input_row(int64_t row) const { return input + row * classes; }
  MS_MML_INLINE T* output_row(int64_t row) const { return output + row * classes; }

  // dout / C, and / N under the mean.
  MS_MML_INLINE double upstream(int64_t row) const {
    return reduction == Reduction::kNone ? load(dout + row) / classes : upstream_of_all;
  }

  const T *input, *weight, *dout;
  T* output;
  const int64_t* target;
  Reduction reduction;
  int64_t rows, classes;
  double margin;
  double upstream_of_all = 0;
};

template <int P, class T, class Real>
struct Loss : Operands<T, Real> {
  static constexpr bool kWrites = false, kAdds = true;
  using Operands<T, Real>::Operands;

  template <class Row, class Value>
  static MS_MML_INLINE Value contribution(const Row& row, Value x, T*) {
    return power<P>(hinge(row.gap, x));
  }

  MS_MML_INLINE double factor(int64_t, int64_t target) const { return this->weight ? load(this->weight + target) : 1; }

  MS_MML_INLINE void finish(int64_t row, int64_t target, double sum) const {
    if (this->reduction == Reduction::kNone) store(this->output + row, factor(row, target) * sum / this->classes);
  }

  MS_MML_INLINE void invalidate_row(int64_t row) const {
    if (this->reduction == Reduction::kNone) store(this->output + row, double{NAN});
  }

  // Stores what is stored once for all rows, given what they add.
  MS_MML_INLINE void finish_all(double sum) const {
    if (this->reduction == Reduction::kSum) store(this->output, sum / this->classes);
    if (this->reduction == Reduction::kMean) store(this->output, sum / (double(this->classes) * this->rows));
  }
};

template <int P, class T, class Real>
struct Gradient : Operands<T, Real> {
  static constexpr bool kWrites = true, kAdds = false;
  using Operands<T, Real>::Operands;

  template <class Row, class Value>
  static MS_MML_INLINE Value contribution(const Row& row, Value x, T* dx) {
    const Value value = slope<P>(hinge(row.gap, x));
    store(dx, row.factor * value);
    return value;
  }

  MS_MML_INLINE double factor(int64_t row, int64_t target) const {
    if (P == 2) return scale(row, target);
    T once;  // slopes are 0, 1 or NaN: where the factor is rounded, so is every product
    store(&once, scale(row, target));
    const double rounded = load(&once);
    // But for 0 times what is too large for a T; of what is too large for a double the formula, too, makes NaN.
    return rounded - rounded == 0 ? rounded : scale(row, target);
  }

  MS_MML_INLINE void finish(int64_t row, int64_t target, double sum) const {
    store(this->output_row(row) + target, 0.0 - scale(row, target) * sum);
  }

  MS_MML_INLINE void invalidate_row(int64_t) const {}  // its slopes are 0 already

  MS_MML_INLINE double scale(int64_t row, int64_t target) const {
    return this->weight ? this->upstream(row) * load(this->weight + target) : this->upstream(row);
  }
};

// The sums of the rows by themselves, as doubles: what the weight's gradient is made of.
template <int P, class T, class Real>
struct RowSums : Loss<P, T, Real> {
  static constexpr bool kAdds = false;
  using Loss<P, T, Real>::Loss;

  MS_MML_INLINE void finish(int64_t row, int64_t, double sum) const { sums()[row] = sum; }
  MS_MML_INLINE void invalidate_row(int64_t row) const { sums()[row] = 0; }

 private:
  MS_MML_INLINE double* sums() const { return reinterpret_cast<double*>(this->output); }
};

// What the scores of a row are put against: numbers, or vectors with a row in each lane.
template <class Value>
struct Coefficients {
  ExactSum<Value> gap;
  Value factor;
};

template <class Op>
MS_MML_INLINE Coefficients<typename Op::Real> coefficients_of(const Op& op, int64_t row, int64_t target) {
  using Real = typename Op::Real;
  const ExactSum<double> gap = margin_minus(op.margin, load(op.input_row(row) + target));
  const Real high = static_cast<Real>(gap.high);
  const Real low = static_cast<Real>((gap.high - high) + gap.low);
  return {{high, low - low == 0 ? low : 0}, static_cast<Real>(op.factor(row, target))};
}

}  // namespace
}  // namespace ms_mml
