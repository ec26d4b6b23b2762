// A stub of CANN's header of the same name, for the host compiler: the part of Ascend C that the kernels use. It checks
// results and memory accesses, not speed, and reports errors that the chip would not report (machine.h).
#pragma once

#include <algorithm>
#include <type_traits>

#include "machine.h"
#include "op_host/tiling.h"

#define __global__
#define __aicore__
#define __gm__

using GM_ADDR = uint8_t*;
using half = _Float16;

#define GET_TILING_DATA(name, address) const ms_mml::Tiling& name = *reinterpret_cast<const ms_mml::Tiling*>(address)

namespace AscendC {

using machine::core;

template <class A, class B>
using IsSameType = std::is_same<A, B>;

enum class TPosition { VECIN, VECOUT, VECCALC };
enum class RoundMode { CAST_NONE, CAST_RINT };
enum class CMPMODE { LT, GT };
enum class SELMODE { VSEL_TENSOR_TENSOR_MODE };
enum class CacheLine { SINGLE_CACHE_LINE };

inline int64_t GetBlockIdx() { return core.index; }

template <pipe_t units>
void PipeBarrier() {
  core.wait(units);
}

// ---------------------------------------------------------------------------------------------------------------------
// Tensors
// ---------------------------------------------------------------------------------------------------------------------

template <class T>
class GlobalTensor {
 public:
  void SetGlobalBuffer(T* data, uint64_t size) { data_ = data, size_ = size; }

  GlobalTensor operator[](uint64_t offset) const {
    expect(offset, 0);
    GlobalTensor rest;
    rest.SetGlobalBuffer(data_ + offset, size_ - offset);
    return rest;
  }

  T GetValue(uint64_t i) const {
    expect(i, 1);
    return data_[i];
  }

  // Writes to the data cache. The value reaches global memory when its cache line is written back.
  void SetValue(uint64_t i, T value) {
    expect(i, 1);
    unsigned char bytes[sizeof(T)];
    std::memcpy(bytes, &value, sizeof(T));
    for (uint64_t b = 0; b < sizeof(T); ++b) {
      const uint64_t at = reinterpret_cast<uint64_t>(data_ + i) + b;
      core.dirty[at / machine::kLine][at] = bytes[b];
    }
  }

  T* at(uint64_t count) const {
    expect(0, count);
    return data_;
  }

 private:
  void expect(uint64_t begin, uint64_t count) const {
    if (begin > size_ || count > size_ - begin) {
      machine::refuse("elements " + std::to_string(static_cast<int64_t>(begin)) + " to " +
                      std::to_string(static_cast<int64_t>(begin + count)) + " of a global tensor of " +
                      std::to_string(size_));
    }
  }

  T* data_ = nullptr;
  uint64_t size_ = 0;
};

template <class T, CacheLine>
void DataCacheCleanAndInvalid(const GlobalTensor<T>& tensor) {
  core.write_back(tensor.at(1));
}

template <class T>
class LocalTensor {
 public:
  LocalTensor(machine::Buffer* buffer, uint64_t begin = 0) : buffer(buffer), begin_(begin), lease_(buffer->lease) {}

  LocalTensor operator[](uint64_t offset) const {
    LocalTensor rest = *this;
    rest.begin_ += offset * sizeof(T);
    return rest;
  }

  const T* read(const char* operation, uint64_t count, pipe_t unit = PIPE_V) const {
    buffer->check(operation, lease_, begin_, count * sizeof(T));
    buffer->read(operation, unit);
    return reinterpret_cast<const T*>(buffer->memory + begin_);
  }

  T* write(const char* operation, uint64_t count, pipe_t unit = PIPE_V) const {
    buffer->check(operation, lease_, begin_, count * sizeof(T));
    buffer->written_by(unit);
    return reinterpret_cast<T*>(buffer->memory + begin_);
  }

  void expect_held(const char* operation) const { buffer->check(operation, lease_, begin_, 0); }

  T GetValue(uint64_t i) const { return read("GetValue", i + 1, PIPE_S)[i]; }
  void SetValue(uint64_t i, T value) const { write("SetValue", i + 1, PIPE_S)[i] = value; }

  machine::Buffer* buffer;

 private:
  uint64_t begin_;
  unsigned lease_;
};

// ---------------------------------------------------------------------------------------------------------------------
// Local memory and its queues
// ---------------------------------------------------------------------------------------------------------------------

template <TPosition position, int32_t depth>
class TQue {
 public:
  template <class T>
  LocalTensor<T> AllocTensor() {
    for (machine::Buffer* buffer : buffers) {
      if (buffer->state != machine::State::kFree) continue;
      buffer->start(machine::State::kAllocated);
      return {buffer};
    }
    machine::refuse("AllocTensor: all " + std::to_string(buffers.size()) + " buffers of the queue are in use");
  }

  template <class T>
  void EnQue(const LocalTensor<T>& tensor) {
    tensor.expect_held("EnQue");
    if (queue_.size() == depth) machine::refuse("EnQue: the queue is full");
    tensor.buffer->state = machine::State::kQueued;
    queue_.push_back(tensor.buffer);
  }

  template <class T>
  LocalTensor<T> DeQue() {
    if (queue_.empty()) machine::refuse("DeQue: the queue is empty");
    machine::Buffer* buffer = queue_.front();
    queue_.pop_front();
    buffer->state = machine::State::kAllocated;
    buffer->seen_by |= position == TPosition::VECIN ? PIPE_V : PIPE_MTE3;
    return {buffer};
  }

  template <class T>
  void FreeTensor(const LocalTensor<T>& tensor) {
    tensor.expect_held("FreeTensor");
    tensor.buffer->start(machine::State::kFree);
  }

  std::deque<machine::Buffer*> buffers;

 private:
  std::deque<machine::Buffer*> queue_;
};

template <TPosition>
class TBuf {
 public:
  template <class T>
  LocalTensor<T> Get() {
    return {buffer};
  }

  machine::Buffer* buffer = nullptr;
};

class TPipe {
 public:
  template <TPosition position, int32_t depth>
  void InitBuffer(TQue<position, depth>& queue, uint8_t count, uint32_t bytes) {
    for (uint8_t i = 0; i < count; ++i) queue.buffers.push_back(core.add(bytes));
  }

  template <TPosition position>
  void InitBuffer(TBuf<position>& buffer, uint32_t bytes) {
    buffer.buffer = core.add(bytes);
    buffer.buffer->start(machine::State::kTaken);
  }
};

}  // namespace AscendC

#include "copies_and_vectors.h"
