// One core of the stand-in chip: its local memory, and which of its units may see what another has written there.
//
// A core's units (copies in, vector, copies out, scalar) run on their own. What one writes another may read only after
// a queue has handed it over or a barrier has waited for it, and the vector unit itself waits only where it is told to.
// Here they run one after another, so what was not waited for is told apart by a mark, and ends the call with an error.
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

constexpr uint64_t kBlock = 32;          // local memory is addressed, and copied, in blocks
constexpr uint64_t kLine = 64;           // the data cache writes back whole lines
constexpr unsigned char kPoison = 0xff;  // a NaN, in every type

[[noreturn]] inline void refuse(const std::string& what) { throw std::runtime_error(what); }

inline void expect_aligned(const char* operation, const char* what, uint64_t bytes, uint64_t unit) {
  if (bytes % unit != 0) {
    refuse(std::string(operation) + ": " + what + " of " + std::to_string(bytes) + " bytes is not a multiple of " +
           std::to_string(unit));
  }
}

inline uint64_t whole_blocks(uint64_t bytes) { return (bytes + kBlock - 1) / kBlock * kBlock; }

enum class State { kFree, kAllocated, kQueued, kTaken };

// A buffer of local memory. A tensor of an earlier lease is one that was freed.
struct Buffer {
  unsigned char* memory;
  uint64_t size;
  State state = State::kFree;
  unsigned lease = 0;
  int seen_by = PIPE_ALL;  // the units that may read what was last written

  void start(State started) {
    state = started, ++lease, seen_by = PIPE_ALL;
    std::memset(memory, kPoison, size);
  }

  void check(const char* operation, unsigned of_lease, uint64_t begin, uint64_t bytes) const {
    if (of_lease != lease) refuse(std::string(operation) + ": the tensor was freed");
    if (state == State::kQueued) refuse(std::string(operation) + ": the tensor is in a queue: there is no DeQue");
    expect_aligned(operation, "a local address", begin, kBlock);
    if (begin + bytes > size) {
      refuse(std::string(operation) + ": bytes " + std::to_string(begin) + " to " + std::to_string(begin + bytes) +
             " of a local buffer of " + std::to_string(size));
    }
  }

  void read(const char* operation, pipe_t unit) const {
    if ((seen_by & unit) == 0) {
      refuse(std::string(operation) + ": reads what another operation wrote without waiting for it");
    }
  }

  void written_by(pipe_t unit) { seen_by = unit == PIPE_V ? 0 : unit; }  // the vector unit does not wait for itself
};

struct Core {
  int64_t index = 0;
  uint64_t local_memory = 0, used = 0;
  std::deque<Buffer> buffers;               // which stay where they are: tensors point to them
  std::map<uint64_t, uint64_t> copied_out;  // begin and end of what copies out write, since they waited
  std::map<uint64_t, std::map<uint64_t, unsigned char>> dirty;  // the data cache: by line, bytes not written back

  Buffer* add(uint64_t bytes) {
    const uint64_t size = whole_blocks(bytes);
    used += size;
    if (size == 0 || used > local_memory) {
      refuse("InitBuffer: " + std::to_string(used) + " bytes of local memory, where a core has " +
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

  // The kernel is done: what it took from queues it must have given back.
  void end() {
    for (const Buffer& buffer : buffers) {
      if (buffer.state == State::kQueued) refuse("a tensor is left in a queue: an EnQue without a DeQue");
      if (buffer.state == State::kAllocated) refuse("a tensor was never freed: an AllocTensor without a FreeTensor");
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
