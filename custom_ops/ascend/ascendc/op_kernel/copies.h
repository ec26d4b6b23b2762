// Copies of any length between global and local memory. In global memory they access only the `count` elements; in
// local memory a load may fill the last block of 32 bytes.
#pragma once

#include "kernel_operator.h"

namespace ms_mml {

#if defined(__CCE_AICORE__) && __CCE_AICORE__ == 200

// Ascend 310P copies only whole blocks. The scalar unit copies the remaining elements one by one, with barriers before
// and after, because it runs concurrently with the other units.

constexpr uint32_t kBlock = 32;

template <class Element>
__aicore__ inline void load(const AscendC::LocalTensor<Element>& to, const AscendC::GlobalTensor<Element>& from,
                            uint32_t count) {
  const uint32_t whole = count / (kBlock / sizeof(Element)) * (kBlock / sizeof(Element));
  if (whole > 0) AscendC::DataCopy(to, from, whole);
  if (whole == count) return;
  AscendC::PipeBarrier<PIPE_ALL>();
  for (uint32_t i = whole; i < count; ++i) to.SetValue(i, from.GetValue(i));
  AscendC::PipeBarrier<PIPE_ALL>();
}

template <class Element>
__aicore__ inline void store(const AscendC::GlobalTensor<Element>& to, const AscendC::LocalTensor<Element>& from,
                             uint32_t count) {
  const uint32_t whole = count / (kBlock / sizeof(Element)) * (kBlock / sizeof(Element));
  if (whole > 0) AscendC::DataCopy(to, from, whole);
  if (whole == count) return;
  AscendC::PipeBarrier<PIPE_ALL>();
  AscendC::GlobalTensor<Element> rest = to;
  for (uint32_t i = whole; i < count; ++i) rest.SetValue(i, from.GetValue(i));
  // The remaining elements, fewer than 32 bytes, lie in one or two lines of the data cache.
  AscendC::DataCacheCleanAndInvalid<Element, AscendC::CacheLine::SINGLE_CACHE_LINE>(to[whole]);
  AscendC::DataCacheCleanAndInvalid<Element, AscendC::CacheLine::SINGLE_CACHE_LINE>(to[count - 1]);
  AscendC::PipeBarrier<PIPE_ALL>();
}

#else

template <class Element>
__aicore__ inline void load(const AscendC::LocalTensor<Element>& to, const AscendC::GlobalTensor<Element>& from,
                            uint32_t count) {
  const AscendC::DataCopyExtParams block{1, static_cast<uint32_t>(count * sizeof(Element)), 0, 0, 0};
  AscendC::DataCopyPadExtParams<Element> padding;
  padding.isPad = false, padding.leftPadding = 0, padding.rightPadding = 0;
  AscendC::DataCopyPad(to, from, block, padding);
}

template <class Element>
__aicore__ inline void store(const AscendC::GlobalTensor<Element>& to, const AscendC::LocalTensor<Element>& from,
                             uint32_t count) {
  const AscendC::DataCopyExtParams block{1, static_cast<uint32_t>(count * sizeof(Element)), 0, 0, 0};
  AscendC::DataCopyPad(to, from, block);
}

#endif

}  // namespace ms_mml
