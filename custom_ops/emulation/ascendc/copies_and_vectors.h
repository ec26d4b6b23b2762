// Stubs of a core's operations: copies between global and local memory, and vector operations.
#pragma once

#include "kernel_operator.h"

namespace AscendC {

// ---------------------------------------------------------------------------------------------------------------------
// Copies
// ---------------------------------------------------------------------------------------------------------------------

template <class T>
void DataCopy(const LocalTensor<T>& to, const GlobalTensor<T>& from, uint32_t count) {
  machine::expect_aligned("DataCopy", "a length", count * sizeof(T), machine::kBlock);
  std::memcpy(to.write("DataCopy", count, PIPE_MTE2), from.at(count), count * sizeof(T));
}

template <class T>
void DataCopy(const GlobalTensor<T>& to, const LocalTensor<T>& from, uint32_t count) {
  machine::expect_aligned("DataCopy", "a length", count * sizeof(T), machine::kBlock);
  core.copy_out(to.at(count), count * sizeof(T));
  std::memcpy(to.at(count), from.read("DataCopy", count, PIPE_MTE3), count * sizeof(T));
}

#if __CCE_AICORE__ == 220

struct DataCopyExtParams {
  uint16_t blockCount;
  uint32_t blockLen, srcStride, dstStride, rsv;
};

template <class T>
struct DataCopyPadExtParams {
  bool isPad;
  uint8_t leftPadding, rightPadding;
  T paddingValue;
};

// Fills the rest of the last block of local memory with poison.
template <class T>
void DataCopyPad(const LocalTensor<T>& to, const GlobalTensor<T>& from, const DataCopyExtParams& block,
                 const DataCopyPadExtParams<T>&) {
  machine::expect_aligned("DataCopyPad", "a length", block.blockLen, sizeof(T));
  const uint64_t filled = machine::whole_blocks(block.blockLen);
  T* local = to.write("DataCopyPad", filled / sizeof(T), PIPE_MTE2);
  std::memset(local, machine::kPoison, filled);
  std::memcpy(local, from.at(block.blockLen / sizeof(T)), block.blockLen);
}

template <class T>
void DataCopyPad(const GlobalTensor<T>& to, const LocalTensor<T>& from, const DataCopyExtParams& block) {
  machine::expect_aligned("DataCopyPad", "a length", block.blockLen, sizeof(T));
  const uint64_t count = block.blockLen / sizeof(T);
  core.copy_out(to.at(count), block.blockLen);
  std::memcpy(to.at(count), from.read("DataCopyPad", count, PIPE_MTE3), block.blockLen);
}

#endif

// ---------------------------------------------------------------------------------------------------------------------
// The vector unit
// ---------------------------------------------------------------------------------------------------------------------

constexpr uint32_t kVector = 256;  // bytes per vector instruction

template <class T>
void Duplicate(const LocalTensor<T>& to, const T& value, const int32_t& count) {
  std::fill_n(to.write("Duplicate", count), count, value);
}

template <class T>
void Duplicate(const LocalTensor<T>& to, const T& value, uint64_t mask[], uint8_t, uint16_t, uint8_t) {
  T* values = to.write("Duplicate", kVector / sizeof(T));
  for (uint32_t i = 0; i < kVector / sizeof(T); ++i) {
    if (mask[i / 64] >> i % 64 & 1) values[i] = value;
  }
}

template <class To, class From>
void Cast(const LocalTensor<To>& to, const LocalTensor<From>& from, RoundMode, uint32_t count) {
  static_assert(sizeof(To) != sizeof(From));
  const From* values = from.read("Cast", count);
  std::transform(values, values + count, to.write("Cast", count), [](From value) { return static_cast<To>(value); });
}

template <class T>
void Adds(const LocalTensor<T>& to, const LocalTensor<T>& from, const T& scalar, const int32_t& count) {
  const T* values = from.read("Adds", count);
  std::transform(values, values + count, to.write("Adds", count), [scalar](T value) { return value + scalar; });
}

template <class T>
void Muls(const LocalTensor<T>& to, const LocalTensor<T>& from, const T& scalar, const int32_t& count) {
  const T* values = from.read("Muls", count);
  std::transform(values, values + count, to.write("Muls", count), [scalar](T value) { return value * scalar; });
}

template <class T>
void Add(const LocalTensor<T>& to, const LocalTensor<T>& a, const LocalTensor<T>& b, const int32_t& count) {
  const T *as = a.read("Add", count), *bs = b.read("Add", count);
  std::transform(as, as + count, bs, to.write("Add", count), [](T x, T y) { return x + y; });
}

template <class T>
void Mul(const LocalTensor<T>& to, const LocalTensor<T>& a, const LocalTensor<T>& b, const int32_t& count) {
  const T *as = a.read("Mul", count), *bs = b.read("Mul", count);
  std::transform(as, as + count, bs, to.write("Mul", count), [](T x, T y) { return x * y; });
}

template <class T>
void CompareScalar(const LocalTensor<uint8_t>& bits, const LocalTensor<T>& from, const T scalar, CMPMODE mode,
                   uint32_t count) {
  machine::expect_aligned("CompareScalar", "a length", count * sizeof(T), kVector);
  const T* values = from.read("CompareScalar", count);
  uint8_t* bytes = bits.write("CompareScalar", count / 8);
  std::fill_n(bytes, count / 8, 0);
  for (uint32_t i = 0; i < count; ++i) {
    bytes[i / 8] |= (mode == CMPMODE::LT ? values[i] < scalar : values[i] > scalar) << i % 8;
  }
}

// Selects from `ones` where a bit is 1, and from `zeros` where it is 0.
template <class T>
void Select(const LocalTensor<T>& to, const LocalTensor<uint8_t>& bits, const LocalTensor<T>& ones,
            const LocalTensor<T>& zeros, SELMODE, uint32_t count) {
  const uint8_t* bytes = bits.read("Select", (count + 7) / 8);
  const T *chosen = ones.read("Select", count), *others = zeros.read("Select", count);
  T* values = to.write("Select", count);
  for (uint32_t i = 0; i < count; ++i) values[i] = bytes[i / 8] >> i % 8 & 1 ? chosen[i] : others[i];
}

// Adds up the values of each 256 bytes pairwise, then these sums in order. The chip may leave any values in the scratch
// buffer, so the stub fills it with poison.
template <class T>
void ReduceSum(const LocalTensor<T>& to, const LocalTensor<T>& from, const LocalTensor<T>& scratch,
               const int32_t count) {
  constexpr int32_t kLanes = kVector / sizeof(T), kBlockLanes = machine::kBlock / sizeof(T);
  const int32_t needed = (std::max(count / kLanes, 1) + kBlockLanes - 1) / kBlockLanes * kBlockLanes;
  std::memset(scratch.write("ReduceSum", needed), machine::kPoison, needed * sizeof(T));
  const T* values = from.read("ReduceSum", count);
  T sum = 0;
  for (int32_t begin = 0; begin < count; begin += kLanes) {
    T lanes[kLanes] = {};
    std::copy_n(values + begin, std::min(kLanes, count - begin), lanes);
    for (int32_t width = kLanes / 2; width > 0; width /= 2) {
      for (int32_t i = 0; i < width; ++i) lanes[i] = lanes[2 * i] + lanes[2 * i + 1];
    }
    sum += lanes[0];
  }
  to.write("ReduceSum", 1)[0] = sum;
}

}  // namespace AscendC
