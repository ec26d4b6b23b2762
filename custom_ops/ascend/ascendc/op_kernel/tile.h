// The arithmetic of a tile, in float32 and local memory: hinge_i = max(0, margin - x[y] + x[i]), its power and its
// slope.
//
// In the last tile the buffers extend past the row's end. Only comparisons process those values, and the resulting bits
// are unused. A barrier of the vector unit follows every operation, because the next operation reads its output.
#pragma once

#include "kernel_operator.h"

namespace ms_mml {

using Floats = AscendC::LocalTensor<float>;
using Bits = AscendC::LocalTensor<uint8_t>;

__aicore__ inline void vector_barrier() { AscendC::PipeBarrier<PIPE_V>(); }

constexpr uint32_t kLanes = 64;  // float32 values per vector instruction: 256 bytes

// margin - x[y] as the sum of two floats: high is the rounded difference, and low the remainder. low is 0 if high is
// infinite or NaN.
struct Gap {
  float high, low;
};

__aicore__ inline Gap margin_minus(float margin_high, float margin_low, float score) {
  const float high = margin_high - score;
  const float score_seen = margin_high - high;
  const float low = ((margin_high - (high + score_seen)) + (score_seen - score)) + margin_low;
  return {high, low - low == 0.0f ? low : 0.0f};
}

__aicore__ inline float widened(float score) { return score; }
__aicore__ inline float widened(half score) { return static_cast<float>(score); }

template <class Score>
__aicore__ inline void widen(const Floats& values, const AscendC::LocalTensor<Score>& scores, uint32_t count) {
  if constexpr (AscendC::IsSameType<Score, float>::value) {
    AscendC::Muls(values, scores, 1.0f, static_cast<int32_t>(count));
  } else {
    AscendC::Cast(values, scores, AscendC::RoundMode::CAST_NONE, count);
  }
  vector_barrier();
}

template <class Score>
__aicore__ inline void narrow(const AscendC::LocalTensor<Score>& rounded, const Floats& values, uint32_t count) {
  if constexpr (AscendC::IsSameType<Score, float>::value) {
    AscendC::Muls(rounded, values, 1.0f, static_cast<int32_t>(count));
  } else {
    AscendC::Cast(rounded, values, AscendC::RoundMode::CAST_RINT, count);
  }
  vector_barrier();
}

// Replaces the values that are less than 0 (LT) or greater than 0 (GT). NaN is neither and stays.
__aicore__ inline void replace(const Floats& values, AscendC::CMPMODE mode, const Floats& with, const Bits& bits,
                               uint32_t count) {
  AscendC::CompareScalar(bits, values, 0.0f, mode, (count + kLanes - 1) / kLanes * kLanes);
  vector_barrier();
  AscendC::Select(values, bits, with, values, AscendC::SELMODE::VSEL_TENSOR_TENSOR_MODE, count);
  vector_barrier();
}

// Replaces scores by hinges. x is added to gap.high first: if they nearly cancel, that sum is exact and gap.low is not
// lost.
__aicore__ inline void to_hinges(const Floats& values, Gap gap, const Floats& zeros, const Bits& bits, uint32_t count) {
  AscendC::Adds(values, values, gap.high, static_cast<int32_t>(count));
  vector_barrier();
  AscendC::Adds(values, values, gap.low, static_cast<int32_t>(count));
  vector_barrier();
  replace(values, AscendC::CMPMODE::LT, zeros, bits, count);
}

template <int P>
__aicore__ inline void to_powers(const Floats& hinges, uint32_t count) {
  if constexpr (P == 2) {
    AscendC::Mul(hinges, hinges, hinges, static_cast<int32_t>(count));
    vector_barrier();
  }
}

// Replaces hinges by the slopes of hinge^P / P. For P = 1 the slope is 1 if the hinge is positive, 0 at 0 and NaN at
// NaN.
template <int P>
__aicore__ inline void to_slopes(const Floats& hinges, const Floats& ones, const Bits& bits, uint32_t count) {
  if constexpr (P == 1) replace(hinges, AscendC::CMPMODE::GT, ones, bits, count);
}

__aicore__ inline void scale(const Floats& values, float factor, uint32_t count) {
  AscendC::Muls(values, values, factor, static_cast<int32_t>(count));
  vector_barrier();
}

// Sets one value to 0. A vector operation must begin at a multiple of 32 bytes, so a mask selects the lane.
__aicore__ inline void clear(const Floats& values, uint32_t lane) {
  uint64_t mask[2] = {uint64_t{1} << lane % kLanes, 0};
  AscendC::Duplicate(values[lane / kLanes * kLanes], 0.0f, mask, 1, 1, 8);
  vector_barrier();
}

}  // namespace ms_mml
