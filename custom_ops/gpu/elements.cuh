// Elements of float16, float32 and float64 in the device's memory: one at a time, and in packs of 16 bytes, the most
// that a thread moves at once.
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

// nvcc makes several stores of a plain assignment.
template <class T>
__device__ void store_pack(T* to, const Pack<T>& pack) {
  uint4 bits;
  std::memcpy(&bits, &pack, sizeof bits);
  __stwb(reinterpret_cast<uint4*>(to), bits);
}

MS_MML_INLINE bool starts_pack(const void* address) { return reinterpret_cast<uintptr_t>(address) % 16 == 0; }

}  // namespace
}  // namespace ms_mml
