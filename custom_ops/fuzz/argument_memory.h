// What an entry point is given, each part in memory of exactly its size, so that the sanitizer sees every byte beyond.
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

// The memory of an argument. It begins at a boundary of 16 bytes, as MindSpore's does, or one element after.
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

// A list and, once they are put there, its arrays; until then, memory that may not be touched.
class Call {
 public:
  Call(const Symbol& symbol, const List& list, int count)
      : data(list.size(), nothing()), symbol_(symbol), count_(count) {
    for (const auto& [dtype, shape] : list) {
      dtypes_of_.emplace_back(dtype.c_str(), dtype.c_str() + std::strlen(dtype.c_str()) + 1);
      shapes_of_.push_back(shape);
      ranks_.push_back(static_cast<int>(shape.size()));
    }
    for (std::vector<char>& dtype : dtypes_of_) dtypes_.push_back(dtype.data());
    for (Shape& shape : shapes_of_) shapes_.push_back(shape.data());
    ranks_.shrink_to_fit(), dtypes_.shrink_to_fit(), shapes_.shrink_to_fit();
  }

  static void* nothing() {
    alignas(16) static char memory[16];
    ASAN_POISON_MEMORY_REGION(memory, sizeof memory);
    return memory;
  }

  // The message of a refusal, cut to this size with its end; nothing where the call is accepted.
  std::optional<std::string> attempt(size_t message_size) {
    std::vector<char> message(message_size);
    if (MultiMarginLossTry(find<EntryPoint>(""), count_, data.data(), ranks_.data(), shapes_.data(), dtypes_.data(),
                           nullptr, message.data(), static_cast<int64_t>(message_size)) == 0) {
      return std::nullopt;
    }
    return message.empty() ? "" : message.data();
  }

  // A good call, on a device's kernels that need not be those in use.
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
