// The arithmetic of a tile, in local memory and float32: hinge_i = max(0, margin - x[y] + x[i]), its power and its
// slope.
//
// Values of a row beyond its end lie in the last tile's buffers and are computed by no operation but a comparison,
// whose bits nobody reads. Every operation is followed by a barrier of the vector unit: the next one reads what it
// wrote.
#pragma once

#include "kernel_operator.h"

namespace ms_mml {

using Floats = AscendC::LocalTensor<float>;
using Bits = AscendC::LocalTensor<uint8_t>;

__aicore__ inline void settle() { AscendC::PipeBarrier<PIPE_V>(); }

constexpr uint32_t kLanes = 64;  // float32 values that the vector unit takes at a time: 256 bytes

// margin - x[y]: high is it rounded, low what rounding lost. Where it is infinite or NaN, nothing is lost.
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
#if defined(__CCE_AICORE__) && __CCE_AICORE__ == 220
__aicore__ inline float widened(bfloat16_t score) { return AscendC::ToFloat(score); }
#endif

template <class Score>
__aicore__ inline void widen(const Floats& values, const AscendC::LocalTensor<Score>& scores, uint32_t count) {
  if constexpr (AscendC::IsSameType<Score, float>::value) {
    AscendC::Muls(values, scores, 1.0f, static_cast<int32_t>(count));
  } else {
    AscendC::Cast(values, scores, AscendC::RoundMode::CAST_NONE, count);
  }
  settle();
}

template <class Score>
__aicore__ inline void narrow(const AscendC::LocalTensor<Score>& rounded, const Floats& values, uint32_t count) {
  if constexpr (AscendC::IsSameType<Score, float>::value) {
    AscendC::Muls(rounded, values, 1.0f, static_cast<int32_t>(count));
  } else {
    AscendC::Cast(rounded, values, AscendC::RoundMode::CAST_RINT, count);
  }
  settle();
}

// Replaces the values that are below 0 (LT) or above it (GT); NaN is neither.
__aicore__ inline void replace(const Floats& values, AscendC::CMPMODE mode, const Floats& with, const Bits& bits,
                               uint32_t count) {
  AscendC::CompareScalar(bits, values, 0.0f, mode, (count + kLanes - 1) / kLanes * kLanes);
  settle();
  AscendC::Select(values, bits, with, values, AscendC::SELMODE::VSEL_TENSOR_TENSOR_MODE, count);
  settle();
}

// Scores become hinges. Adding x first loses nothing when it nearly cancels gap.high, and then gap.low is all that is
// left to see.
__aicore__ inline void to_hinges(const Floats& values, Gap gap, const Floats& zeros, const Bits& bits, uint32_t count) {
  AscendC::Adds(values, values, gap.high, static_cast<int32_t>(count));
  settle();
  AscendC::Adds(values, values, gap.low, static_cast<int32_t>(count));
  settle();
  replace(values, AscendC::CMPMODE::LT, zeros, bits, count);
}

template <int P>
__aicore__ inline void to_powers(const Floats& hinges, uint32_t count) {
  if constexpr (P == 2) {
    AscendC::Mul(hinges, hinges, hinges, static_cast<int32_t>(count));
    settle();
  }
}

// Hinges become the slopes of hinge^P / P. For P = 1 that is a step, 0 at 0 and NaN at NaN.
template <int P>
__aicore__ inline void to_slopes(const Floats& hinges, const Floats& ones, const Bits& bits, uint32_t count) {
  if constexpr (P == 1) replace(hinges, AscendC::CMPMODE::GT, ones, bits, count);
}

__aicore__ inline void scale(const Floats& values, float factor, uint32_t count) {
  AscendC::Muls(values, values, factor, static_cast<int32_t>(count));
  settle();
}

// The target itself does not count. A vector operation begins at a block of 32 bytes, so a mask picks the lane.
__aicore__ inline void clear(const Floats& values, uint32_t lane) {
  uint64_t mask[2] = {uint64_t{1} << lane % kLanes, 0};
  AscendC::Duplicate(values[lane / kLanes * kLanes], 0.0f, mask, 1, 1, 8);
  settle();
}

}  // namespace ms_mml
