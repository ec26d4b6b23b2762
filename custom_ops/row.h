// The mathematics of one row of the multi-margin loss, for every device.
//
//   loss(x, y)       = weight[y] / C * sum over i != y of hinge_i^p,   hinge_i = max(0, margin - x[y] + x[i])
//   d loss / d x[i]  = weight[y] / C * p * hinge_i^(p-1)               for i != y
//   d loss / d x[y]  = -(the sum of the above)
//
// A hinge of exactly 0 is inactive. NaN is never hidden: every comparison below is written so that it comes through.
// Everything is double: float16 and float32 inputs convert to it exactly, so their results are rounded once, at the
// end.
#pragma once

#if defined(__CUDACC__)
#define MS_MML_INLINE __host__ __device__ __forceinline__
#else
#define MS_MML_INLINE inline __attribute__((always_inline))
#endif

namespace ms_mml {

// Value is double, or a vector of doubles, in all that follows.

// high + low is the exact sum of two numbers, high being that sum rounded (Knuth's two-sum).
template <class Value>
struct ExactSum {
  Value high, low;
};

template <class Value>
MS_MML_INLINE ExactSum<Value> two_sum(Value a, Value b) {
  const Value sum = a + b;
  const Value b_seen = sum - a;
  return {sum, (a - (sum - b_seen)) + (b - b_seen)};
}

// Where the sum is infinite or NaN, what rounding lost is NaN, and there is nothing to correct.
template <class Value>
MS_MML_INLINE Value rounded(ExactSum<Value> sum) {
  return sum.low - sum.low == 0.0 ? sum.high + sum.low : sum.high;
}

// margin - x[y], which in general needs more than one double: 1 - 1e-20 does.
MS_MML_INLINE ExactSum<double> margin_minus(double margin, double score) {
  const ExactSum<double> gap = two_sum(margin, -score);
  return {gap.high, gap.low - gap.low == 0.0 ? gap.low : 0.0};
}

// Adding x first loses nothing when it nearly cancels gap.high, and then gap.low is all that is left to see.
template <class Value>
MS_MML_INLINE Value hinge(ExactSum<double> gap, Value x) {
  const Value z = (gap.high + x) + gap.low;
  return 0.0 > z ? Value{} : z;
}

template <int P, class Value>
MS_MML_INLINE Value power(Value hinge) {
  return P == 1 ? hinge : hinge * hinge;
}

// The derivative of power<P>; for P = 1 a step that is 0 at 0 and NaN at NaN.
template <int P, class Value>
MS_MML_INLINE Value slope(Value hinge) {
  return P == 1 ? (hinge > 0.0 ? Value{} + 1.0 : hinge) : 2 * hinge;
}

}  // namespace ms_mml
