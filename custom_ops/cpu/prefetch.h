// Software prefetch for reads. Hardware prefetchers stop at the end of a page, so the first lines of every page would
// be late. Prefetching for writes gains nothing: measured.
#pragma once

#include <cstdint>

#include "../hinge.h"

namespace ms_mml {
namespace {

constexpr int64_t kLine = 64;     // bytes of a cache line
constexpr int64_t kAhead = 4096;  // bytes: measured; enough for the latency of memory at the speed of one thread

// Prefetches `bytes` bytes that lie kAhead bytes after `from`. Addresses beyond the end of an array are harmless.
MS_MML_INLINE void prefetch(const void* from, int64_t bytes) {
  const uintptr_t first = reinterpret_cast<uintptr_t>(from) + kAhead;
  for (int64_t at = 0; at < bytes; at += kLine) __builtin_prefetch(reinterpret_cast<const void*>(first + at));
}

}  // namespace
}  // namespace ms_mml
