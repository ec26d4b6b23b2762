// The numbers that arrays are filled with, and what their bits say.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>

struct Format {
  const char* dtype;
  int size, fraction;  // bytes, bits

  uint64_t sign() const { return uint64_t{1} << (8 * size - 1); }
  uint64_t infinity() const { return sign() - (uint64_t{1} << fraction); }

  // A number of one byte: a sign, one of 32 exponents from subnormal to infinite, and a fraction near a power of two.
  uint64_t number(uint8_t byte) const {
    const uint64_t power = uint64_t{1} << fraction, largest = infinity() >> fraction, bias = largest / 2;
    const uint64_t step = byte >> 3, fractions[] = {0, 1, power / 2, power - 1};
    const uint64_t exponent = step == 0 ? 0 : step == 31 ? largest : bias + step * (bias / 15) - 15 * (bias / 15);
    return (byte & 1 ? sign() : 0) | exponent << fraction | fractions[byte >> 1 & 3];
  }

  bool is_zero(uint64_t bits) const { return (bits & ~sign()) == 0; }
  bool is_nan(uint64_t bits) const { return (bits & ~sign()) > infinity(); }
  bool at_least_0(uint64_t bits) const { return is_zero(bits) || is_nan(bits) || bits < sign(); }
};

constexpr Format kFormats[] = {{"float16", 2, 10}, {"float32", 4, 23}, {"float64", 8, 52}};
constexpr Format kFloat64 = kFormats[2];

// Null where the dtype is none of the three.
inline const Format* format_of(const std::string& dtype) {
  for (const Format& format : kFormats) {
    if (dtype == format.dtype) return &format;
  }
  return nullptr;
}
