// Vectors of float or double that fill a register of the instruction set, with loads from and stores to float16,
// float32 and float64.
//
// A Vector is the compiler's vector extension type, so its arithmetic and comparisons look like those of a scalar. Only
// the conversions need intrinsics.
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
constexpr int kRegister = 64;  // bytes of a vector register
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

// The lower and the upper half of the lanes of a vector.
template <class Values>
using HalfVector = typename VectorOf<double, sizeof(Values) / sizeof(double) / 2>::type;

template <class Values>
MS_MML_INLINE HalfVector<Values> lower(Values values) {
  return read<HalfVector<Values>>(&values);
}

template <class Values>
MS_MML_INLINE HalfVector<Values> upper(Values values) {
#if defined(__AVX512F__)
  if constexpr (sizeof values == kRegister) return _mm512_extractf64x4_pd(values, 1);
#endif
  return read<HalfVector<Values>>(reinterpret_cast<const char*>(&values) + sizeof values / 2);
}

// The lanes of `value` for which the mask is true, and 0 in all others.
template <class Value, class Mask>
MS_MML_INLINE Value keep(Mask mask, Value value) {
  return mask ? value : Value{};
}

// Whether the mask is true in any lane.
template <class Mask>
MS_MML_INLINE bool any(Mask mask) {
#if defined(__AVX512F__)
  return _mm512_test_epi32_mask(bit_cast<__m512i>(mask), bit_cast<__m512i>(mask)) != 0;
#elif defined(__AVX2__)
  return !_mm256_testz_si256(bit_cast<__m256i>(mask), bit_cast<__m256i>(mask));
#elif defined(__x86_64__)
  return _mm_movemask_epi8(bit_cast<__m128i>(mask)) != 0;
#else
  const auto halves = bit_cast<VectorOf<int64_t, 2>::type>(mask);
  return (halves[0] | halves[1]) != 0;
#endif
}

// The vector 0, 1, 2, ..., of the integer type that comparisons of Vector<Real> give, so that masks can be combined.
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

typedef VectorOf<float, kWidth<double>>::type Floats;  // as many floats as a Vector<double> has lanes

// GCC 12 compiles __builtin_convertvector to two instructions, although one suffices.
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

// A vector of floats from its lower and its upper half.
MS_MML_INLINE Vector<float> join(Floats low, Floats high) {
#if defined(__AVX512F__)
  return _mm512_insertf32x8(_mm512_castps256_ps512(low), high, 1);
#elif defined(__AVX2__)
  return _mm256_insertf128_ps(_mm256_castps128_ps256(low), high, 1);
#else
  const Floats both[] = {low, high};
  return read<Vector<float>>(both);
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

// Truncates doubles to the 24 significant bits of a float, and sets the last of them if a dropped bit was 1. Without
// this, converting a double to float and then to float16 could round twice: the float may be a tie between two
// float16 values although the double is not.
// The 29 dropped bits plus 2^29 - 1 carry into bit 29 if and only if one of them is 1; the `or` merges that carry.
template <class Integer>
MS_MML_INLINE Integer round_to_odd(Integer bits) {
  constexpr int64_t dropped = (int64_t{1} << 29) - 1;
  return (bits | ((bits & dropped) + dropped)) & ~dropped;
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

// The exponent and fraction of a float16, shifted to their place in a double, give a value that is too small by a
// factor of 2^1008, because the exponent biases differ by 1023 - 15. One multiplication corrects this, also for
// subnormal values. Infinity and NaN get the largest exponent of a double.
MS_MML_INLINE double load(const Half* from) {
  const int64_t magnitude = int64_t{from->bits & 0x7fff} << 42;
  const int64_t sign = int64_t{from->bits & 0x8000} << 48;
  const int64_t special = (from->bits & 0x7c00) == 0x7c00 ? int64_t{0x7ff} << 52 : 0;
  return bit_cast<double>(bit_cast<int64_t>(bit_cast<double>(magnitude) * 0x1p1008) | special | sign);
}

// Normal results: subtract the difference of the biases from the exponent, then drop 42 of the 52 fraction bits,
// rounding to nearest, ties to even. Adding half minus one, plus the last bit kept, carries if and only if the result
// must be rounded up.
// Subnormal results are multiples of 2^-24. Adding 1.5 * 2^28 makes 2^-24 the last bit of the sum, so the addition
// itself rounds, and the low bits of the sum are the float16.
MS_MML_INLINE void store(Half* to, double value) {
  const int64_t bits = bit_cast<int64_t>(value);
  const uint16_t sign = static_cast<uint16_t>(bits >> 48 & 0x8000);
  const double magnitude = __builtin_fabs(value);
  uint16_t half;
  if (magnitude != magnitude) {
    half = 0x7e00;
  } else if (magnitude >= 65520.0) {  // halfway between the largest finite value and the next power of two
    half = 0x7c00;
  } else if (magnitude < 0x1p-14) {  // subnormal
    half = static_cast<uint16_t>(bit_cast<int64_t>(magnitude + 0x1.8p28));
  } else {  // normal
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

// ---------------------------------------------------------------------------------------------------------------------
// The traits that operators.h needs
// ---------------------------------------------------------------------------------------------------------------------

template <class T, class Scalar>
struct CpuTraits {
  using Element = T;
  using Real = Scalar;

  static MS_MML_INLINE double load(const T* from) { return ms_mml::load(from); }

  template <class Value>
  static MS_MML_INLINE void store(T* to, Value value) {
    ms_mml::store(to, value);
  }

  static MS_MML_INLINE Vector<double> round(Vector<double> value) {
    T elements[kWidth<double>];
    Vector<double> rounded;
    ms_mml::store(elements, value);
    ms_mml::load(elements, rounded);
    return rounded;
  }

  static MS_MML_INLINE double round(double value) {
    T element;
    store(&element, value);
    return load(&element);
  }
};

}  // namespace

#if defined(__x86_64__)

// The maximum instructions return their second operand if one of the two is NaN. GCC 12 does not use them for vectors.
template <>
MS_MML_INLINE Vector<double> positive_part(Vector<double> z) {
#if defined(__AVX512F__)
  return _mm512_max_pd(Vector<double>{}, z);
#elif defined(__AVX2__)
  return _mm256_max_pd(Vector<double>{}, z);
#else
  return _mm_max_pd(Vector<double>{}, z);
#endif
}

template <>
MS_MML_INLINE Vector<float> positive_part(Vector<float> z) {
#if defined(__AVX512F__)
  return _mm512_max_ps(Vector<float>{}, z);
#elif defined(__AVX2__)
  return _mm256_max_ps(Vector<float>{}, z);
#else
  return _mm_max_ps(Vector<float>{}, z);
#endif
}

#endif

}  // namespace ms_mml
