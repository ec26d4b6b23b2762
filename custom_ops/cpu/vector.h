// The registers of one instruction set: vectors of double, loaded from and stored to float16, float32 and float64.
//
// Vector is the compilers' own vector type, so arithmetic and comparisons on it read as on one number, and each holds
// as many doubles as a register does. Only conversions need the processor's own instructions.
#pragma once

#include <cstdint>
#include <cstring>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "../row.h"

namespace ms_mml {
namespace {

#if defined(__AVX512F__)
constexpr int kWidth = 8;
#elif defined(__AVX2__)
constexpr int kWidth = 4;
#else
constexpr int kWidth = 2;
#endif

typedef double Vector __attribute__((vector_size(kWidth * sizeof(double))));
typedef int64_t Bits __attribute__((vector_size(kWidth * sizeof(int64_t))));

#if defined(__AVX512F__)
constexpr Bits kLaneOf = {0, 1, 2, 3, 4, 5, 6, 7};
#elif defined(__AVX2__)
constexpr Bits kLaneOf = {0, 1, 2, 3};
#else
constexpr Bits kLaneOf = {0, 1};
#endif

struct Half {
  uint16_t bits;
};

template <class To, class From>
MS_MML_INLINE To bit_cast(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

// Cuts doubles to the 24 bits of float32, and leaves the last bit odd where anything was lost. A second rounding, to
// float16, then cannot mistake what is left for a tie: the result is rounded once.
template <class Integer>
MS_MML_INLINE Integer round_to_odd(Integer bits) {
  constexpr int64_t lost = (int64_t{1} << 29) - 1;
  return (bits | ((bits & lost) + lost)) & ~lost;
}

// ---------------------------------------------------------------------------------------------------------------------
// float64 and float32
// ---------------------------------------------------------------------------------------------------------------------

MS_MML_INLINE double load(const double* from) { return *from; }
MS_MML_INLINE double load(const float* from) { return *from; }
MS_MML_INLINE void store(double* to, double value) { *to = value; }
MS_MML_INLINE void store(float* to, double value) { *to = static_cast<float>(value); }

MS_MML_INLINE Vector load_vector(const double* from) {
  Vector vector;
  std::memcpy(&vector, from, sizeof vector);
  return vector;
}

MS_MML_INLINE void store_vector(double* to, Vector vector) { std::memcpy(to, &vector, sizeof vector); }

MS_MML_INLINE Vector load_vector(const float* from) {
#if defined(__AVX512F__)
  return _mm512_cvtps_pd(_mm256_loadu_ps(from));
#elif defined(__AVX2__)
  return _mm256_cvtps_pd(_mm_loadu_ps(from));
#else
  return Vector{from[0], from[1]};
#endif
}

MS_MML_INLINE void store_vector(float* to, Vector vector) {
#if defined(__AVX512F__)
  _mm256_storeu_ps(to, _mm512_cvtpd_ps(vector));
#elif defined(__AVX2__)
  _mm_storeu_ps(to, _mm256_cvtpd_ps(vector));
#else
  to[0] = static_cast<float>(vector[0]);
  to[1] = static_cast<float>(vector[1]);
#endif
}

// ---------------------------------------------------------------------------------------------------------------------
// float16
// ---------------------------------------------------------------------------------------------------------------------

#if defined(__AVX2__)

MS_MML_INLINE double load(const Half* from) { return _cvtsh_ss(from->bits); }

MS_MML_INLINE void store(Half* to, double value) {
  const double odd = bit_cast<double>(round_to_odd(bit_cast<int64_t>(value)));
  to->bits = _cvtss_sh(static_cast<float>(odd), _MM_FROUND_TO_NEAREST_INT);
}

MS_MML_INLINE Vector load_vector(const Half* from) {
#if defined(__AVX512F__)
  return _mm512_cvtps_pd(_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))));
#else
  return _mm256_cvtps_pd(_mm_cvtph_ps(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from))));
#endif
}

MS_MML_INLINE void store_vector(Half* to, Vector vector) {
  const Vector odd = bit_cast<Vector>(round_to_odd(bit_cast<Bits>(vector)));
#if defined(__AVX512F__)
  const __m128i halves = _mm256_cvtps_ph(_mm512_cvtpd_ps(odd), _MM_FROUND_TO_NEAREST_INT);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), halves);
#else
  const __m128i halves = _mm_cvtps_ph(_mm256_cvtpd_ps(odd), _MM_FROUND_TO_NEAREST_INT);
  _mm_storel_epi64(reinterpret_cast<__m128i*>(to), halves);
#endif
}

#else

// A float16 moved to the same place in a double has an exponent too small by the difference of the biases, 1023 - 15;
// multiplying by 2^1008 mends that, for subnormal numbers too. Infinity and NaN keep the largest exponent instead.
MS_MML_INLINE double load(const Half* from) {
  const int64_t magnitude = int64_t{from->bits & 0x7fff} << 42;
  const int64_t sign = int64_t{from->bits & 0x8000} << 48;
  const int64_t special = (from->bits & 0x7c00) == 0x7c00 ? int64_t{0x7ff} << 52 : 0;
  return bit_cast<double>(bit_cast<int64_t>(bit_cast<double>(magnitude) * 0x1p1008) | special | sign);
}

// Adding 1.5 * 2^k to a smaller number leaves in the last bits of the sum that number in steps of 2^(k - 52), rounded
// to nearest, ties to even.
MS_MML_INLINE void store(Half* to, double value) {
  const int64_t bits = bit_cast<int64_t>(value);
  const uint16_t sign = static_cast<uint16_t>(bits >> 48 & 0x8000);
  const double magnitude = __builtin_fabs(value);
  uint16_t half;
  if (magnitude != magnitude) {
    half = 0x7e00;
  } else if (magnitude >= 65520.0) {  // halfway between the largest finite value and the next power of two
    half = 0x7c00;
  } else if (magnitude < 0x1p-14) {  // subnormal: steps of 2^-24
    half = static_cast<uint16_t>(bit_cast<int64_t>(magnitude + 0x1.8p28));
  } else {  // ten bits of fraction stay of the 52
    const int64_t odd = bits >> 42 & 1;
    const int64_t rebiased = bit_cast<int64_t>(magnitude) - (int64_t{1023 - 15} << 52);
    half = static_cast<uint16_t>((rebiased + (int64_t{1} << 41) - 1 + odd) >> 42);
  }
  to->bits = sign | half;
}

MS_MML_INLINE Vector load_vector(const Half* from) { return Vector{load(from), load(from + 1)}; }

MS_MML_INLINE void store_vector(Half* to, Vector vector) {
  store(to, vector[0]);
  store(to + 1, vector[1]);
}

#endif

}  // namespace
}  // namespace ms_mml
