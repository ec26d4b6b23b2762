// Loads and stores of float16, float32 and float64: single elements, and packs of 16 bytes, the widest access of a
// thread.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>
#include <cstring>

#include "../hinge.h"

namespace ms_mml {
namespace {

using Half = __half;

MS_MML_INLINE double load(const double* from) { return *from; }
MS_MML_INLINE double load(const float* from) { return *from; }
MS_MML_INLINE double load(const Half* from) { return __half2float(*from); }

template <class T>
MS_MML_INLINE void load(const T* from, double& to) {
  to = load(from);
}
MS_MML_INLINE void load(const Half* from, float& to) { to = __half2float(*from); }

MS_MML_INLINE void store(double* to, double value) { *to = value; }
MS_MML_INLINE void store(float* to, double value) { *to = static_cast<float>(value); }
MS_MML_INLINE void store(Half* to, double value) { *to = __double2half(value); }
MS_MML_INLINE void store(Half* to, float value) { *to = __float2half_rn(value); }

template <class T>
struct alignas(16) Pack {
  static constexpr int kSize = 16 / sizeof(T);
  T element[kSize];
};

template <class T>
__device__ Pack<T> load_pack(const T* from) {
  return *reinterpret_cast<const Pack<T>*>(from);
}

// Stores through uint4 and __stwb, because nvcc splits a plain assignment of a Pack into several stores.
template <class T>
__device__ void store_pack(T* to, const Pack<T>& pack) {
  uint4 bits;
  std::memcpy(&bits, &pack, sizeof bits);
  __stwb(reinterpret_cast<uint4*>(to), bits);
}

MS_MML_INLINE bool is_pack_aligned(const void* address) { return reinterpret_cast<uintptr_t>(address) % 16 == 0; }

// The traits that operators.h needs.
template <class T, class Scalar>
struct GpuTraits {
  using Element = T;
  using Real = Scalar;

  static MS_MML_INLINE double load(const T* from) { return ms_mml::load(from); }

  template <class Value>
  static MS_MML_INLINE void store(T* to, Value value) {
    ms_mml::store(to, value);
  }

  static MS_MML_INLINE double round(double value) {
    T element;
    store(&element, value);
    return load(&element);
  }
};

}  // namespace
}  // namespace ms_mml
