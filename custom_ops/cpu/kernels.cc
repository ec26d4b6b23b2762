// The CPU kernels. This file is compiled once for each instruction set, as the table named by MS_MML_KERNELS.
//
// A segment of a row is read in steps of kLanes classes: lane l adds up the classes l, l + kLanes, ..., and the lanes
// are added last, pairwise. Every instruction set holds the same kLanes sums, in as many registers as that takes, so
// all of them give the same bits (built with -ffp-contract=off: a fused multiply-add would round differently). The step
// that holds the target, and one that the end of the row cuts short, go through a mask, and through a buffer where they
// would read past the last row or write past their own.
#include "kernels.h"

#include <type_traits>

#include "rows.h"
#include "vector.h"

namespace ms_mml {
namespace {

constexpr int kLanes = 16;  // hides the latency of addition: two 512-bit or four 256-bit sums in flight
constexpr int kVectors = kLanes / kWidth;

// The sums of kLanes lanes over elements of type T. A double has room enough for sums of float16 and float32; those of
// float64 carry what each rounding loses.
template <class T>
class Lanes {
 public:
  MS_MML_INLINE void add(int vector, Vector term) {
    if constexpr (kCarries) {
      const ExactSum<Vector> next = two_sum(high_[vector], term);
      high_[vector] = next.high;
      low_[vector] += next.low;
    } else {
      high_[vector] += term;
    }
  }

  MS_MML_INLINE double sum() const {
    double high[kLanes], low[kLanes];
    std::memcpy(high, high_, sizeof high);
    std::memcpy(low, low_, sizeof low);
    for (int width = kLanes / 2; width > 0; width /= 2) {
      for (int l = 0; l < width; ++l) {
        if constexpr (kCarries) {
          const ExactSum<double> next = two_sum(high[l], high[l + width]);
          high[l] = next.high;
          low[l] += low[l + width] + next.low;
        } else {
          high[l] += high[l + width];
        }
      }
    }
    return kCarries ? rounded(ExactSum<double>{high[0], low[0]}) : high[0];
  }

 private:
  static constexpr bool kCarries = std::is_same_v<T, double>;
  Vector high_[kVectors] = {}, low_[kVectors] = {};
};

// ---------------------------------------------------------------------------------------------------------------------
// Walking the classes of a segment
// ---------------------------------------------------------------------------------------------------------------------

// What each class adds to its row's sum in the loss.
template <int P, class T>
struct LossTerm {
  static constexpr bool kWrites = false;
  ExactSum<double> gap;

  MS_MML_INLINE Vector operator()(Vector x, T*) const { return power<P>(hinge(gap, x)); }
};

// The same in the gradient, which also writes scale * slope. What it writes for the target is overwritten later.
template <int P, class T>
struct GradientTerm {
  static constexpr bool kWrites = true;
  ExactSum<double> gap;
  double scale;

  MS_MML_INLINE Vector operator()(Vector x, T* dx) const {
    const Vector value = slope<P>(hinge(gap, x));
    store_vector(dx, scale * value);
    return value;
  }
};

// Adds up term(x, dx) over the classes in [first, last), the target left out. From x on, `readable` elements may be
// read: the rows that follow. dx may only be written within the row, and not at all by a term that does not write.
template <class T, class Term>
double sum_classes(const T* x, int64_t readable, T* dx, Term term, int64_t first, int64_t last, int64_t target) {
  Lanes<T> lanes;
  int64_t i = first;
  while (i < last) {
    const bool target_ahead = i <= target && target < last;
    const int64_t whole_last = target_ahead ? target : last;
    for (; i + kLanes <= whole_last; i += kLanes) {
      for (int v = 0; v < kVectors; ++v) {
        const int64_t at = i + v * kWidth;
        lanes.add(v, term(load_vector(x + at), Term::kWrites ? dx + at : nullptr));
      }
    }
    if (i == last) break;

    const int64_t left = last - i < kLanes ? last - i : kLanes;
    const T* x_step = x + i;
    T x_copy[kLanes] = {}, dx_step[kLanes];
    if (i + kLanes > readable) {
      for (int64_t l = 0; l < left; ++l) x_copy[l] = x[i + l];
      x_step = x_copy;
    }
    for (int v = 0; v < kVectors; ++v) {
      const Vector value = term(load_vector(x_step + v * kWidth), dx_step + v * kWidth);
      const Bits lane = kLaneOf + v * kWidth;
      lanes.add(v, (lane < left) & (lane != target - i) ? value : Vector{});
    }
    if (Term::kWrites) {
      for (int64_t l = 0; l < left; ++l) dx[i + l] = dx_step[l];
    }
    i += left;
  }
  return lanes.sum();
}

// ---------------------------------------------------------------------------------------------------------------------
// The three operators
// ---------------------------------------------------------------------------------------------------------------------

template <int P, class T>
double loss_sum(const Call& call, int64_t row, int64_t y, int64_t first, int64_t last) {
  const T* x = static_cast<const T*>(call.input) + row * call.classes;
  const LossTerm<P, T> term = {margin_minus(*call.margin, load(x + y))};
  return sum_classes<T>(x, (call.rows - row) * call.classes, nullptr, term, first, last, y);
}

template <int P, class T>
void loss(const Call& call) {
  const T* weight = static_cast<const T*>(call.weight);
  T* output = static_cast<T*>(call.output);
  const double sum = walk_rows(
      call,
      [&](int64_t row, int64_t y, int64_t first, int64_t last) { return loss_sum<P, T>(call, row, y, first, last); },
      [&](int64_t row, int64_t y, double row_sum) {
        const double row_loss = (weight ? load(weight + y) * row_sum : row_sum) / call.classes;
        if (call.reduction == Reduction::kNone) store(output + row, row_loss);
        return row_loss;
      });
  if (call.reduction == Reduction::kSum) store(output, sum);
  if (call.reduction == Reduction::kMean) store(output, sum / call.rows);
}

// What a row's slopes are multiplied by, weight aside: dout / C, and / N under the mean.
template <class T>
double upstream(const Call& call, int64_t row) {
  const T* dout = static_cast<const T*>(call.dout);
  switch (call.reduction) {
    case Reduction::kNone:
      return load(dout + row) / call.classes;
    case Reduction::kMean:
      return load(dout) / (double(call.classes) * call.rows);
    case Reduction::kSum:
      return load(dout) / call.classes;
  }
  __builtin_unreachable();
}

template <int P, class T>
void gradient(const Call& call) {
  const T* input = static_cast<const T*>(call.input);
  const T* weight = static_cast<const T*>(call.weight);
  T* output = static_cast<T*>(call.output);
  const auto scale = [&](int64_t row, int64_t y) {
    return weight ? upstream<T>(call, row) * load(weight + y) : upstream<T>(call, row);
  };
  walk_rows(
      call,
      [&](int64_t row, int64_t y, int64_t first, int64_t last) {
        const T* x = input + row * call.classes;
        const GradientTerm<P, T> term = {margin_minus(*call.margin, load(x + y)), scale(row, y)};
        return sum_classes(x, (call.rows - row) * call.classes, output + row * call.classes, term, first, last, y);
      },
      [&](int64_t row, int64_t y, double row_sum) {
        store(output + row * call.classes + y, 0.0 - scale(row, y) * row_sum);
        return 0.0;
      });
}

template <int P, class T>
void weight_gradient(const Call& call) {
  T* output = static_cast<T*>(call.output);
  const std::unique_ptr<double[]> row_sums(new double[call.rows]);
  walk_rows(
      call,
      [&](int64_t row, int64_t y, int64_t first, int64_t last) { return loss_sum<P, T>(call, row, y, first, last); },
      [&](int64_t row, int64_t, double row_sum) {
        row_sums[row] = row_sum;
        return 0.0;
      });
  const std::unique_ptr<Sum[]> sums(new Sum[call.classes]);
  for (int64_t row = 0; row < call.rows; ++row) {
    sums[call.target[row]].add(upstream<T>(call, row) * row_sums[row]);
  }
  for (int64_t c = 0; c < call.classes; ++c) store(output + c, sums[c].value());
}

}  // namespace

const Kernels MS_MML_KERNELS = {{
    {{loss<1, Half>, loss<1, float>, loss<1, double>}, {loss<2, Half>, loss<2, float>, loss<2, double>}},
    {{gradient<1, Half>, gradient<1, float>, gradient<1, double>},
     {gradient<2, Half>, gradient<2, float>, gradient<2, double>}},
    {{weight_gradient<1, Half>, weight_gradient<1, float>, weight_gradient<1, double>},
     {weight_gradient<2, Half>, weight_gradient<2, float>, weight_gradient<2, double>}},
}};

}  // namespace ms_mml
