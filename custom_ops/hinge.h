// The formula: the mathematics of one row of the multi-margin loss, shared by the CPU and GPU kernels.
//
//   loss(x, y)       = weight[y] / C * sum over i != y of hinge_i^p,   hinge_i = max(0, margin - x[y] + x[i])
//   d loss / d x[i]  = weight[y] / C * p * hinge_i^(p-1)               for i != y
//   d loss / d x[y]  = -(sum over i != y of d loss / d x[i])
//
// A hinge of exactly 0 is inactive. NaN propagates: every comparison below is written so that a NaN operand gives NaN.
// Hinges are computed in Real. Real is double for float32 and float64, and normally float for float16, which halves the
// work (except in the CPU's narrow rows); see float_is_accurate(). Results are rounded to the element type once, at the
// end.
#pragma once

#if defined(__CUDACC__)
#define MS_MML_INLINE __host__ __device__ __forceinline__
#else
#define MS_MML_INLINE inline __attribute__((always_inline))
#endif

namespace ms_mml {

// In all functions below, Value is Real or a vector of Real.

// An unevaluated sum: `high` is the rounded sum and `low` its rounding error, so high + low is exact.
template <class Value>
struct ExactSum {
  Value high, low;
};

// Knuth's two-sum: a + b without rounding error.
template <class Value>
MS_MML_INLINE ExactSum<Value> two_sum(Value a, Value b) {
  const Value sum = a + b;
  const Value b_seen = sum - a;
  return {sum, (a - (sum - b_seen)) + (b - b_seen)};
}

// high + low, rounded. If the sum is infinite or NaN, the rounding error is NaN and must be ignored.
template <class Value>
MS_MML_INLINE Value rounded(ExactSum<Value> sum) {
  return sum.low - sum.low == 0.0 ? sum.high + sum.low : sum.high;
}

// Whether hinges of float16 scores may be computed in float. For these margins no hinge overflows and the margin does
// not underflow. The relative error is at most 2^-23 for a hinge and 2^-21 for its square, far below half an ulp of
// float16 (at least 2^-12).
MS_MML_INLINE bool float_is_accurate(double margin) {
  const double size = margin < 0 ? -margin : margin;
  return size == 0 || (0x1p-60 <= size && size <= 0x1p16);
}

// The gap, margin - x[y], without rounding error. In general a single double cannot hold it: for example 1 - 1e-20.
template <class Value>
MS_MML_INLINE ExactSum<Value> margin_minus(double margin, Value target_score) {
  const ExactSum<Value> gap = two_sum(Value{} + margin, -target_score);
  return {gap.high, gap.low - gap.low == 0 ? gap.low : Value{}};
}

// max(0, z), or NaN if z is NaN. A device specialises it if its compiler does not find the best instruction.
template <class Value>
MS_MML_INLINE Value positive_part(Value z) {
  return 0 > z ? Value{} : z;
}

// max(0, gap + x). The order of the additions matters: if x cancels gap.high, that addition is exact, and gap.low
// remains.
template <class Gap, class Value>
MS_MML_INLINE Value hinge(ExactSum<Gap> gap, Value x) {
  return positive_part<Value>((gap.high + x) + gap.low);
}

// max(0, gap + x), for a gap that a single Gap holds exactly.
template <class Gap, class Value>
MS_MML_INLINE Value hinge(Gap gap, Value x) {
  return positive_part<Value>(gap + x);
}

template <int P, class Value>
MS_MML_INLINE Value power(Value hinge) {
  return P == 1 ? hinge : hinge * hinge;
}

// The derivative of power<P>. For P = 1 it is a step: 0 at 0, and NaN at NaN.
template <int P, class Value>
MS_MML_INLINE Value slope(Value hinge) {
  return P == 1 ? (hinge > 0 ? Value{} + 1 : hinge) : 2 * hinge;
}

}  // namespace ms_mml
