// The memory that an entry point receives. Each part is allocated with its exact size, so that AddressSanitizer detects
// every access beyond it.
#pragma once

#include <dlfcn.h>
#include <sanitizer/asan_interface.h>

#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "argument_lists.h"
#include "cpu/tables.h"

using EntryPoint = int (*)(int, void**, int*, int64_t**, const char**, void*, void*);
using InferShape = std::vector<int64_t> (*)(int*, int64_t**, void*);
extern "C" int MultiMarginLossTry(EntryPoint, int, void**, int*, int64_t**, const char**, void*, char*, int64_t);

// The memory of an argument. It starts at a 16-byte boundary, as MindSpore's does, or one element after it.
struct Array {
  Array(const Argument& argument, bool shifted) {
    const Format* format = format_of(argument.dtype);
    const size_t element = format != nullptr ? format->size : sizeof(int64_t), shift = shifted ? element : 0;
    size = static_cast<size_t>(argument.elements()) * element;
    block = std::make_unique<char[]>(shift + size);
    data = block.get() + shift;
  }

  std::unique_ptr<char[]> block;
  char* data;
  size_t size;  // bytes
};

// A call of an entry point with a list. Until the caller sets `data`, every argument points to poisoned memory.
class EntryPointCall {
 public:
  EntryPointCall(const Symbol& symbol, const List& list, int count)
      : data(list.size(), poisoned_memory()), symbol_(symbol), count_(count) {
    for (const auto& [dtype, shape] : list) {
      dtypes_of_.emplace_back(dtype.c_str(), dtype.c_str() + std::strlen(dtype.c_str()) + 1);
      shapes_of_.push_back(shape);
      ranks_.push_back(static_cast<int>(shape.size()));
    }
    for (std::vector<char>& dtype : dtypes_of_) dtypes_.push_back(dtype.data());
    for (Shape& shape : shapes_of_) shapes_.push_back(shape.data());
    ranks_.shrink_to_fit(), dtypes_.shrink_to_fit(), shapes_.shrink_to_fit();
  }

  static void* poisoned_memory() {
    alignas(16) static char memory[16];
    ASAN_POISON_MEMORY_REGION(memory, sizeof memory);
    return memory;
  }

  // Calls the entry point. Returns its error message, or nothing if the call succeeds. The buffer for the message,
  // including its terminating 0, has `message_size` bytes.
  std::optional<std::string> attempt(size_t message_size) {
    std::vector<char> message(message_size);
    if (MultiMarginLossTry(find<EntryPoint>(""), count_, data.data(), ranks_.data(), shapes_.data(), dtypes_.data(),
                           nullptr, message.data(), static_cast<int64_t>(message_size)) == 0) {
      return std::nullopt;
    }
    return message.empty() ? "" : message.data();
  }

  // Runs a valid call with the kernels of any instruction set.
  void run(const ms_mml::Kernels& kernels) {
    const ms_mml::Call call = ms_mml::decode(symbol_.op, symbol_.p, symbol_.reduction, count_, data.data(),
                                             ranks_.data(), shapes_.data(), dtypes_.data());
    kernels.of[int(symbol_.op)][symbol_.p - 1][int(call.dtype)](call);
  }

  Shape infer_shape() { return find<InferShape>("InferShape")(ranks_.data(), shapes_.data(), nullptr); }

  std::vector<void*> data;

 private:
  template <class Function>
  Function find(const char* suffix) const {
    return reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, (symbol_.name() + suffix).c_str()));
  }

  const Symbol symbol_;
  const int count_;
  std::vector<std::vector<char>> dtypes_of_;
  std::vector<Shape> shapes_of_;
  std::vector<int> ranks_;
  std::vector<const char*> dtypes_;
  std::vector<int64_t*> shapes_;
};
