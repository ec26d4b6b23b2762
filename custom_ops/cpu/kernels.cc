// The CPU kernels: the three operators, as walk.h asks for them. This file is compiled once for each instruction set,
// as the table named by MS_MML_KERNELS.
#include "kernels.h"

#include "walk.h"

namespace ms_mml {
namespace {

// An operator over elements of type T, computed in Real. Each has
//   factor(row, target)                 of the row: its weight, or what its slopes are multiplied by
//   contribution(coefficients, x, dx)   what scores add to the sum of their row; the gradient also writes their slopes,
//                                       which for the target is overwritten later
//   finish(row, target, sum)            stores what is stored once for a row
//   kWrites, kAdds                      whether it writes slopes; whether it adds up factor * sum over all rows
template <class Element, class Scalar>
struct Operands {
  using T = Element;
  using Real = Scalar;

  explicit Operands(const Call& call)
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
    return load(&once);
  }

  MS_MML_INLINE void finish(int64_t row, int64_t target, double sum) const {
    store(this->output_row(row) + target, 0.0 - scale(row, target) * sum);
  }

  MS_MML_INLINE double scale(int64_t row, int64_t target) const {
    return this->weight ? this->upstream(row) * load(this->weight + target) : this->upstream(row);
  }
};

// The sums of the rows by themselves: what the weight's gradient is made of.
template <int P, class T, class Real>
struct RowSums : Loss<P, T, Real> {
  static constexpr bool kAdds = false;

  RowSums(const Call& call, double* sums) : Loss<P, T, Real>(call), sums(sums) {}

  MS_MML_INLINE void finish(int64_t row, int64_t, double sum) const { sums[row] = sum; }

  double* sums;
};

template <int P, class T, class Real>
void loss(const Call& call) {
  T* output = static_cast<T*>(call.output);
  const double sum = walk(Loss<P, T, Real>(call), call);
  if (call.reduction == Reduction::kSum) store(output, sum / call.classes);
  if (call.reduction == Reduction::kMean) store(output, sum / (double(call.classes) * call.rows));
}

template <int P, class T, class Real>
void gradient(const Call& call) {
  walk(Gradient<P, T, Real>(call), call);
}

template <int P, class T, class Real>
void weight_gradient(const Call& call) {
  const std::unique_ptr<double[]> row_sums(new double[call.rows]);
  const RowSums<P, T, Real> op(call, row_sums.get());
  walk(op, call);
  const std::unique_ptr<Sum[]> sums(new Sum[call.classes]);
  for (int64_t row = 0; row < call.rows; ++row) sums[call.target[row]].add(op.upstream(row) * row_sums[row]);
  for (int64_t c = 0; c < call.classes; ++c) store(static_cast<T*>(call.output) + c, sums[c].value());
}

// Half in float where that is as good, and in double elsewhere.
#define MS_MML_HALF(NAME)                                                                 \
  template <int P>                                                                        \
  void NAME##_half(const Call& call) {                                                    \
    float_holds(*call.margin) ? NAME<P, Half, float>(call) : NAME<P, Half, double>(call); \
  }
MS_MML_HALF(loss)
MS_MML_HALF(gradient)
MS_MML_HALF(weight_gradient)

#define MS_MML_BY_DTYPE(NAME, P) {NAME##_half<P>, NAME<P, float, double>, NAME<P, double, double>}
#define MS_MML_BY_P(NAME) {MS_MML_BY_DTYPE(NAME, 1), MS_MML_BY_DTYPE(NAME, 2)}

}  // namespace

const Kernels MS_MML_KERNELS = {{MS_MML_BY_P(loss), MS_MML_BY_P(gradient), MS_MML_BY_P(weight_gradient)}};

}  // namespace ms_mml
