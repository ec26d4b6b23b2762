// The registers of one instruction set: vectors of float or double, loaded from and stored to float16, float32 and
// float64.
//
// A Vector is the compilers' own vector type, so arithmetic and comparisons on it read as on one number, and it fills a
// register. Only conversions need the processor's own instructions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "../hinge.h"

namespace ms_mml {
namespace {

#if defined(__AVX512F__)
constexpr int kRegister = 64;  // bytes
#elif defined(__AVX2__)
constexpr int kRegister = 32;
#else
constexpr int kRegister = 16;
#endif

template <class Real>
constexpr int kWidth = kRegister / sizeof(Real);

template <class Element, int count>
struct VectorOf {
  typedef Element type __attribute__((vector_size(count * sizeof(Element))));
};

template <class Real>
using Vector = typename VectorOf<Real, kWidth<Real>>::type;

template <class To, class From>
MS_MML_INLINE To bit_cast(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

template <class To>
MS_MML_INLINE To read(const void* from) {
  To to;
  std::memcpy(&to, from, sizeof to);
  return to;
}

// The first and the second half of the lanes of a vector.
template <class Values>
using HalfOf = typename VectorOf<double, sizeof(Values) / sizeof(double) / 2>::type;

template <class Values>
MS_MML_INLINE HalfOf<Values> lower(Values values) {
  return read<HalfOf<Values>>(&values);
}

template <class Values>
MS_MML_INLINE HalfOf<Values> upper(Values values) {
#if defined(__AVX512F__)
  if constexpr (sizeof values == kRegister) return _mm512_extractf64x4_pd(values, 1);
#endif
  return read<HalfOf<Values>>(reinterpret_cast<const char*>(&values) + sizeof values / 2);
}

// The same vector, kept where mask(lane) is true and 0 elsewhere.
template <class Value, class Mask>
MS_MML_INLINE Value keep(Mask mask, Value value) {
  return mask ? value : Value{};
}

// 0, 1, 2, ...: the lanes of a Vector<Real>, as integers that its comparisons can be combined with.
template <class Real>
MS_MML_INLINE auto lane_numbers() {
  decltype(Vector<Real>{} < Vector<Real>{}) lanes = {};
  for (int l = 0; l < kWidth<Real>; ++l) lanes[l] = l;
  return lanes;
}

// ---------------------------------------------------------------------------------------------------------------------
// float64 and float32
// ---------------------------------------------------------------------------------------------------------------------

MS_MML_INLINE double load(const double* from) { return *from; }
MS_MML_INLINE double load(const float* from) { return *from; }
MS_MML_INLINE void store(double* to, double value) { *to = value; }
MS_MML_INLINE void store(float* to, double value) { *to = static_cast<float>(value); }

MS_MML_INLINE void load(const double* from, Vector<double>& to) { to = read<Vector<double>>(from); }
MS_MML_INLINE void store(double* to, Vector<double> vector) { std::memcpy(to, &vector, sizeof vector); }

typedef VectorOf<float, kWidth<double>>::type Floats;  // as many as a Vector<double> has

// GCC 12 makes two conversions out of __builtin_convertvector where the processor has one.
MS_MML_INLINE Vector<double> widen(Floats floats) {
#if defined(__AVX512F__)
  return _mm512_cvtps_pd(floats);
#elif defined(__AVX2__)
  return _mm256_cvtps_pd(floats);
#else
  return __builtin_convertvector(floats, Vector<double>);
#endif
}

MS_MML_INLINE Floats narrow(Vector<double> vector) {
#if defined(__AVX512F__)
  return _mm512_cvtpd_ps(vector);
#elif defined(__AVX2__)
  return _mm256_cvtpd_ps(vector);
#else
  return __builtin_convertvector(vector, Floats);
#endif
}

MS_MML_INLINE void load(const float* from, Vector<double>& to) { to = widen(read<Floats>(from)); }

MS_MML_INLINE void store(float* to, Vector<double> vector) {
  const Floats floats = narrow(vector);
  std::memcpy(to, &floats, sizeof floats);
}

// ---------------------------------------------------------------------------------------------------------------------
// float16
// ---------------------------------------------------------------------------------------------------------------------

struct Half {
  uint16_t bits;
};

// Cuts doubles to the 24 bits of float32, and leaves the last bit odd where anything was lost. A second rounding, to
// float16, then cannot mistake what is left for a tie: the result is rounded once.
template <class Integer>
MS_MML_INLINE Integer round_to_odd(Integer bits) {
  constexpr int64_t lost = (int64_t{1} << 29) - 1;
  return (bits | ((bits & lost) + lost)) & ~lost;
}

#if defined(__AVX2__)

MS_MML_INLINE double load(const Half* from) { return _cvtsh_ss(from->bits); }

MS_MML_INLINE void store(Half* to, double value) {
  const double odd = bit_cast<double>(round_to_odd(bit_cast<int64_t>(value)));
  to->bits = _cvtss_sh(static_cast<float>(odd), _MM_FROUND_TO_NEAREST_INT);
}

template <int count>
using FloatsOf = typename VectorOf<float, count>::type;

MS_MML_INLINE void load(const Half* from, FloatsOf<4>& to) {
  to = _mm_cvtph_ps(_mm_cvtsi64_si128(read<int64_t>(from)));
}
MS_MML_INLINE void load(const Half* from, FloatsOf<8>& to) { to = _mm256_cvtph_ps(read<__m128i>(from)); }
MS_MML_INLINE __m128i halves(FloatsOf<4> floats) { return _mm_cvtps_ph(floats, _MM_FROUND_TO_NEAREST_INT); }
MS_MML_INLINE __m128i halves(FloatsOf<8> floats) { return _mm256_cvtps_ph(floats, _MM_FROUND_TO_NEAREST_INT); }
#if defined(__AVX512F__)
MS_MML_INLINE void load(const Half* from, FloatsOf<16>& to) { to = _mm512_cvtph_ps(read<__m256i>(from)); }
MS_MML_INLINE __m256i halves(FloatsOf<16> floats) { return _mm512_cvtps_ph(floats, _MM_FROUND_TO_NEAREST_INT); }
#endif

template <class Values>
MS_MML_INLINE void store(Half* to, Values floats) {
  const auto bits = halves(floats);
  std::memcpy(to, &bits, sizeof floats / 2);
}

MS_MML_INLINE void load(const Half* from, Vector<double>& to) {
  Floats floats;
  load(from, floats);
  to = widen(floats);
}

MS_MML_INLINE void store(Half* to, Vector<double> vector) {
  typedef VectorOf<int64_t, kWidth<double>>::type Bits;
  const Vector<double> odd = bit_cast<Vector<double>>(round_to_odd(bit_cast<Bits>(vector)));
  store(to, narrow(odd));
}

#else

#if defined(__aarch64__)

MS_MML_INLINE double load(const Half* from) { return read<__fp16>(from); }

MS_MML_INLINE void store(Half* to, double value) {
  const __fp16 half = static_cast<__fp16>(value);
  std::memcpy(to, &half, sizeof half);
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

#endif

template <class Values>
MS_MML_INLINE void load(const Half* from, Values& to) {
  for (size_t l = 0; l < sizeof to / sizeof to[0]; ++l) to[l] = load(from + l);
}

template <class Values>
MS_MML_INLINE void store(Half* to, Values vector) {
  for (size_t l = 0; l < sizeof vector / sizeof vector[0]; ++l) store(to + l, static_cast<double>(vector[l]));
}

#endif

}  // namespace
}  // namespace ms_mml
