// Uses the fuzzer's input to choose an argument list and the contents of its arrays. FuzzedDataProvider reads most
// choices from the end of the input, but the bytes for array values and for random dtype names from its beginning. So
// a mutation of one byte usually changes one choice.
#pragma once

#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "argument_memory.h"

constexpr int64_t kMaxElements = 20000;  // of an array
constexpr int64_t kMaxRows = 200;
constexpr int64_t kClasses[] = {1,  2,  3,   5,   15,  16,  17,  20,  21,    31,    32,
                                47, 48, 100, 255, 256, 257, 271, 300, 16384, 16385, 20000};
constexpr int64_t kExtremes[] = {-1, 0, 1, INT32_MIN, 1l << 31, 1l << 32, 1l << 62, INT64_MAX, INT64_MIN};
constexpr const char* kDtypes[] = {"float16", "float32", "float64", "int64", "int32", "bfloat16", "float", ""};

// A list for this entry point, mostly valid, otherwise with one or two defects.
inline List choose_list(FuzzedDataProvider& choices, const Symbol& symbol) {
  const bool extreme = choices.ConsumeIntegralInRange(0, 15) == 15;
  int64_t classes = choices.PickValueInArray(kClasses);
  int64_t rows = choices.ConsumeIntegralInRange<int64_t>(0, std::min(kMaxRows, kMaxElements / classes));
  if (extreme) {
    rows = choices.PickValueInArray(kExtremes);
    classes = choices.PickValueInArray(kExtremes);
  }
  const bool weighted = choices.ConsumeBool();
  const char* dtype = choices.PickValueInArray(kFormats).dtype;
  List list = symbol.list(rows, classes, dtype, weighted);
  for (int defects = choices.ConsumeIntegralInRange(-6, 2); defects > 0 && !list.empty(); --defects) {
    const auto at = list.begin() + choices.ConsumeIntegralInRange<size_t>(0, list.size() - 1);
    switch (choices.ConsumeIntegralInRange(0, 5)) {
      case 0:
        list.erase(at);
        break;
      case 1:
        list.insert(at, Argument(*at));
        break;
      case 2:
        at->dtype = choices.PickValueInArray(kDtypes);
        break;
      case 3:
        at->dtype = choices.ConsumeRandomLengthString(2000);
        at->dtype.resize(std::strlen(at->dtype.c_str()));
        break;
      case 4:
        at->shape.resize(choices.ConsumeIntegralInRange(0, 8), 1);
        break;
      case 5:
        for (int64_t& size : at->shape) size = choices.ConsumeBool() ? choices.PickValueInArray(kExtremes) : size;
    }
  }
  return list;
}

// Fills the inputs of a valid list.
inline void fill(FuzzedDataProvider& choices, const Symbol& symbol, const List& list, std::vector<Array>& arrays) {
  const int64_t classes = list[symbol.input()].shape[1];
  std::minstd_rand random(choices.ConsumeIntegral<uint16_t>());
  const uint64_t margin = choices.ConsumeIntegral<uint64_t>();
  int64_t* const target = reinterpret_cast<int64_t*>(arrays[symbol.input() + 1].data);
  const size_t rows = arrays[symbol.input() + 1].size / sizeof *target;
  for (size_t row = 0; row < rows; ++row) target[row] = static_cast<int64_t>(random() % classes);
  for (int bad = choices.ConsumeIntegralInRange(-6, 2); bad > 0 && rows > 0; --bad) {
    const uint64_t base = choices.ConsumeBool() ? classes : 0;  // unsigned, because the addition may overflow
    const size_t row = choices.ConsumeIntegralInRange<size_t>(0, rows - 1);
    target[row] = static_cast<int64_t>(base + choices.PickValueInArray(kExtremes));
  }
  const bool any_bits = choices.ConsumeBool();
  std::vector<uint8_t> value_bytes = choices.ConsumeBytes<uint8_t>(16);
  if (value_bytes.empty()) value_bytes = {0};
  for (size_t i = 0; i + 1 < list.size(); ++i) {
    if (const Format* format = format_of(list[i].dtype)) {
      for (size_t at = 0; at < arrays[i].size; at += format->size) {
        const uint64_t bits = format->value(value_bytes[random() % value_bytes.size()]);
        std::memcpy(arrays[i].data + at, &bits, format->size);
      }
    }
  }
  const uint64_t bits = any_bits ? margin : kFloat64.value(value_bytes[0]);
  std::memcpy(arrays[symbol.input() + 2].data, &bits, sizeof bits);
}
