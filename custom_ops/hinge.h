// The mathematics of one row of the multi-margin loss, for every device.
//
//   loss(x, y)       = weight[y] / C * sum over i != y of hinge_i^p,   hinge_i = max(0, margin - x[y] + x[i])
//   d loss / d x[i]  = weight[y] / C * p * hinge_i^(p-1)               for i != y
//   d loss / d x[y]  = -(the sum of the above)
//
// A hinge of exactly 0 is inactive. NaN is never hidden: every comparison below is written so that it comes through.
// Real, the type of a hinge, is double: float16 and float32 inputs convert to it exactly, so their results are rounded
// once, at the end. float16 has room enough in float, for margins of moderate size, and is read twice as fast in it.
#pragma once

#if defined(__CUDACC__)
#define MS_MML_INLINE __host__ __device__ __forceinline__
#else
#define MS_MML_INLINE inline __attribute__((always_inline))
#endif

namespace ms_mml {

// Value is a Real, or a vector of them, in all that follows.

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

// Whether float16 scores may be computed in float: then a hinge is off by 2^-23 of itself and its square by 2^-21,
// where half a unit of a float16 is at least 2^-12; nothing overflows; and no part of the margin is lost to underflow.
MS_MML_INLINE bool float_holds(double margin) {
  const double size = margin < 0 ? -margin : margin;
  return size == 0 || (0x1p-60 <= size && size <= 0x1p16);
}

// margin - x[y], which one number does not hold in general: 1 - 1e-20.
template <class Value>
MS_MML_INLINE ExactSum<Value> margin_minus(double margin, Value score) {
  const ExactSum<Value> gap = two_sum(Value{} + margin, -score);
  return {gap.high, gap.low - gap.low == 0 ? gap.low : Value{}};
}

// Adding x first loses nothing when it nearly cancels gap.high, and then gap.low is all that is left to see.
template <class Gap, class Value>
MS_MML_INLINE Value hinge(ExactSum<Gap> gap, Value x) {
  const Value z = (gap.high + x) + gap.low;
  return 0 > z ? Value{} : z;
}

// The same where margin - x[y] is one number, gap.
template <class Gap, class Value>
MS_MML_INLINE Value hinge(Gap gap, Value x) {
  const Value z = gap + x;
  return 0 > z ? Value{} : z;
}

template <int P, class Value>
MS_MML_INLINE Value power(Value hinge) {
  return P == 1 ? hinge : hinge * hinge;
}

// The derivative of power<P>; for P = 1 a step that is 0 at 0 and NaN at NaN.
template <int P, class Value>
MS_MML_INLINE Value slope(Value hinge) {
  return P == 1 ? (hinge > 0 ? Value{} + 1 : hinge) : 2 * hinge;
}

}  // namespace ms_mml
