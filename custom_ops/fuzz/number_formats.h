// The floating-point formats of the kernels: builds and classifies values by their bits.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>

struct Format {
  const char* dtype;
  int size, fraction;  // size in bytes, width of the fraction in bits

  uint64_t sign() const { return uint64_t{1} << (8 * size - 1); }
  uint64_t infinity() const { return sign() - (uint64_t{1} << fraction); }

  // Maps the 256 values of a byte to values across the whole format. Bit 0 is the sign. Bits 1 and 2 select the
  // fraction: 0, the smallest, the middle or the largest. Bits 3 to 7 select the exponent: 0 is zero or subnormal, 31
  // is infinity or NaN, and 1 to 30 are evenly spaced exponents with 15 at the bias, so 15 is 1.0.
  uint64_t value(uint8_t byte) const {
    const uint64_t fraction_end = uint64_t{1} << fraction, max_exponent = infinity() >> fraction;
    const uint64_t bias = max_exponent / 2, step = bias / 15, selected = byte >> 3;
    const uint64_t exponent = selected == 0 ? 0 : selected == 31 ? max_exponent : bias + selected * step - 15 * step;
    const uint64_t fractions[] = {0, 1, fraction_end / 2, fraction_end - 1};
    return (byte & 1 ? sign() : 0) | exponent << fraction | fractions[byte >> 1 & 3];
  }

  bool is_zero(uint64_t bits) const { return (bits & ~sign()) == 0; }
  bool is_nan(uint64_t bits) const { return (bits & ~sign()) > infinity(); }
  bool is_nonnegative_or_nan(uint64_t bits) const { return is_zero(bits) || is_nan(bits) || bits < sign(); }
};

constexpr Format kFormats[] = {{"float16", 2, 10}, {"float32", 4, 23}, {"float64", 8, 52}};
constexpr Format kFloat64 = kFormats[2];

// The format of a dtype; null if it is none of the three.
inline const Format* format_of(const std::string& dtype) {
  for (const Format& format : kFormats) {
    if (dtype == format.dtype) return &format;
  }
  return nullptr;
}
