// One core of the emulated chip: its local memory, and which of its units may read each buffer.
//
// A core's units (copies in, vector, copies out, scalar) run concurrently. A unit may read the output of another only
// after a queue has passed the buffer on or a barrier has waited for the writer. The vector unit needs a barrier even
// between its own operations. The emulation runs the units one after another, so a missing barrier would not change its
// results. Each buffer therefore records which units have waited; a read by any other unit ends the call with an error.
#pragma once

#include <cstdint>
#include <cstring>
#include <deque>
#include <map>
#include <new>
#include <stdexcept>
#include <string>

enum pipe_t { PIPE_S = 1, PIPE_V = 2, PIPE_MTE2 = 4, PIPE_MTE3 = 8, PIPE_ALL = 15 };  // bits of a set

namespace machine {

constexpr uint64_t kBlock = 32;          // bytes: the unit in which local memory is addressed and copied
constexpr uint64_t kLine = 64;           // bytes per line of the data cache
constexpr unsigned char kPoison = 0xff;  // bytes that are a NaN in every floating-point type

[[noreturn]] inline void refuse(const std::string& message) { throw std::runtime_error(message); }

inline void expect_aligned(const char* operation, const char* quantity, uint64_t bytes, uint64_t unit) {
  if (bytes % unit != 0) {
    refuse(std::string(operation) + ": " + quantity + " of " + std::to_string(bytes) + " bytes is not a multiple of " +
           std::to_string(unit));
  }
}

inline uint64_t whole_blocks(uint64_t bytes) { return (bytes + kBlock - 1) / kBlock * kBlock; }

enum class State { kFree, kAllocated, kQueued, kTaken };

// A buffer of local memory. If a tensor's lease differs from the buffer's, the tensor is stale: it was freed.
struct Buffer {
  unsigned char* memory;
  uint64_t size;
  State state = State::kFree;
  unsigned lease = 0;
  int seen_by = PIPE_ALL;  // the units that may read the last write

  void start(State started) {
    state = started, ++lease, seen_by = PIPE_ALL;
    std::memset(memory, kPoison, size);
  }

  void check(const char* operation, unsigned of_lease, uint64_t begin, uint64_t bytes) const {
    if (of_lease != lease) refuse(std::string(operation) + ": the tensor was freed");
    if (state == State::kQueued) refuse(std::string(operation) + ": the tensor is still in a queue: call DeQue first");
    expect_aligned(operation, "a local address", begin, kBlock);
    if (begin + bytes > size) {
      refuse(std::string(operation) + ": bytes " + std::to_string(begin) + " to " + std::to_string(begin + bytes) +
             " of a local buffer of " + std::to_string(size));
    }
  }

  void read(const char* operation, pipe_t unit) const {
    if ((seen_by & unit) == 0) {
      refuse(std::string(operation) + ": reads the output of another operation without waiting for it");
    }
  }

  // Even the vector unit must wait for its own writes.
  void written_by(pipe_t unit) { seen_by = unit == PIPE_V ? 0 : unit; }
};

struct Core {
  int64_t index = 0;
  uint64_t local_memory = 0, used = 0;
  std::deque<Buffer> buffers;               // a deque, because tensors point to its elements
  std::map<uint64_t, uint64_t> copied_out;  // address ranges (begin to end) copied out since the last barrier
  std::map<uint64_t, std::map<uint64_t, unsigned char>> dirty;  // data cache lines with the bytes not yet written back

  Buffer* add(uint64_t bytes) {
    const uint64_t size = whole_blocks(bytes);
    used += size;
    if (size == 0 || used > local_memory) {
      refuse("InitBuffer: " + std::to_string(used) + " bytes of local memory, but a core has " +
             std::to_string(local_memory));
    }
    buffers.push_back({static_cast<unsigned char*>(operator new(size, std::align_val_t(kBlock))), size});
    return &buffers.back();
  }

  void copy_out(const void* to, uint64_t bytes) {
    const uint64_t begin = reinterpret_cast<uint64_t>(to), end = begin + bytes;
    const auto after = copied_out.lower_bound(begin);
    if ((after != copied_out.end() && after->first < end) ||
        (after != copied_out.begin() && std::prev(after)->second > begin)) {
      refuse("two copies to the same global memory without a barrier between them");
    }
    copied_out[begin] = end;
  }

  void write_back(const void* address) {
    const auto line = dirty.find(reinterpret_cast<uint64_t>(address) / kLine);
    if (line == dirty.end()) return;
    for (const auto& [at, byte] : line->second) *reinterpret_cast<unsigned char*>(at) = byte;
    dirty.erase(line);
  }

  void wait(int units) {
    if (units == PIPE_MTE3 || units == PIPE_ALL) copied_out.clear();
    for (Buffer& buffer : buffers) {
      if (units == PIPE_ALL) buffer.seen_by = PIPE_ALL;
      if (units == PIPE_V && buffer.seen_by == 0) buffer.seen_by = PIPE_V;
    }
  }

  void start(int64_t this_core, uint64_t bytes) {
    release();
    index = this_core, local_memory = bytes, used = 0;
  }

  // Called when the kernel returns. The kernel must have freed all tensors of its queues.
  void end() {
    for (const Buffer& buffer : buffers) {
      if (buffer.state == State::kQueued) refuse("a tensor is still in a queue: EnQue without DeQue");
      if (buffer.state == State::kAllocated) refuse("a tensor was not freed: AllocTensor without FreeTensor");
    }
    release();
  }

  void release() {
    for (const Buffer& buffer : buffers) operator delete(buffer.memory, std::align_val_t(kBlock));
    buffers.clear(), copied_out.clear(), dirty.clear();
  }
};

extern Core core;

}  // namespace machine
