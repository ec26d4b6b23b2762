// A fuzz target for the exported functions of the CPU library. choices.h makes an argument list for one of them from
// the fuzzer's input: valid, or with a few defects. Then the target checks that
//
// - InferShape gives the shape of the output
// - an invalid list is refused with a message, before any of its arrays (which are poisoned) is accessed
// - a valid list with targets out of range is refused with a message that names the first of them
// - any other valid list is accepted: the inputs stay unchanged, and all of the output is written; two calls give the
//   same bits, and so does every instruction set of this processor
// - the zeros and signs of the output follow the formula
//
// The sanitizers detect all other memory errors and undefined behaviour.
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "choices.h"

namespace {

constexpr size_t kMessage = 1024;  // bytes

void expect(bool holds, const char* expectation) {
  if (holds) return;
  std::fprintf(stderr, "fuzz: expected that %s\n", expectation);
  std::abort();
}

// Checks the zeros and signs that the formula implies, regardless of rounding.
void check_signs(const Symbol& symbol, const List& list, const std::vector<Array>& arrays) {
  const size_t input = symbol.input();
  const Format& format = *format_of(list[input].dtype);
  const auto at = [&](const Array& array, int64_t i) {
    uint64_t bits = 0;
    std::memcpy(&bits, array.data + i * format.size, format.size);
    return bits;
  };
  const Array &output = arrays.back(), &dout = arrays.front();
  const auto* target = reinterpret_cast<const int64_t*>(arrays[input + 1].data);
  const int64_t rows = list[input].shape[0], classes = list[input].shape[1];
  bool positive = list.size() == input + 4;  // without weights, slopes are multiplied by the upstream gradient only
  if (symbol.op != Operator::kLoss) {
    for (size_t i = 0; i < dout.size / format.size; ++i)
      positive = positive && format.is_nonnegative_or_nan(at(dout, i));
  }
  for (size_t i = 0; i < output.size / format.size; ++i) {
    const uint64_t value = at(output, i);
    const bool is_target = symbol.op == Operator::kGradient && target[i / classes] == int64_t(i % classes);
    const uint64_t expected_nonnegative = is_target ? value ^ format.sign() : value;
    if (positive) expect(format.is_nonnegative_or_nan(expected_nonnegative), "signs follow the formula");
    if (symbol.op == Operator::kLoss && positive && classes == 1 && rows > 0) {
      expect(format.is_zero(value), "one class has a loss of 0");
    }
    if (symbol.op == Operator::kWeightGradient && std::count(target, target + rows, i) == 0) {
      expect(format.is_zero(value), "the gradient is 0 for the weight of a class that is no row's target");
    }
  }
}

// Equal bits, except that the payloads of NaN may differ.
bool same_values(const Format& format, const Array& output, const std::vector<char>& other) {
  for (size_t at = 0; at < output.size; at += format.size) {
    uint64_t one = 0, two = 0;
    std::memcpy(&one, output.data + at, format.size);
    std::memcpy(&two, other.data() + at, format.size);
    if (one != two && !(format.is_nan(one) && format.is_nan(two))) return false;
  }
  return true;
}

std::vector<const ms_mml::Kernels*> available_tables() {
  std::vector<const ms_mml::Kernels*> tables = {&ms_mml::kernels_baseline};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) tables.push_back(&ms_mml::kernels_avx2);
#endif
  return tables;
}

// The message for the first target that is out of range, or nothing.
std::optional<std::string> bad_target_message(const Array& target, int64_t classes) {
  const auto* values = reinterpret_cast<const int64_t*>(target.data);
  for (size_t row = 0; row < target.size / sizeof *values; ++row) {
    if (values[row] >= 0 && values[row] < classes) continue;
    return "For 'multi_margin_loss', target[" + std::to_string(row) + "] is " + std::to_string(values[row]) +
           " but must be in [0, " + std::to_string(classes) + ").";
  }
  return std::nullopt;
}

void check_valid_list(FuzzedDataProvider& choices, const Symbol& symbol, const List& list, EntryPointCall& call) {
  const bool shifted = choices.ConsumeBool(), null = choices.ConsumeBool();
  std::vector<Array> arrays;
  for (const Argument& argument : list) arrays.emplace_back(argument, shifted);
  fill(choices, symbol, list, arrays);
  std::vector<std::vector<char>> before;
  for (size_t i = 0; i < list.size(); ++i) {
    before.emplace_back(arrays[i].data, arrays[i].data + arrays[i].size);
    if (arrays[i].size > 0 || null) call.data[i] = arrays[i].size > 0 ? arrays[i].data : nullptr;
  }
  Array& output = arrays.back();
  const auto outcome = [&](char poison, auto run) {
    std::fill_n(output.data, output.size, poison);
    run();
    return std::vector<char>(output.data, output.data + output.size);
  };
  std::optional<std::string> refusal;
  const auto attempt = [&] { refusal = call.attempt(kMessage); };
  const std::vector<char> first = outcome(0x5a, attempt);
  const std::optional<std::string> expected =
      bad_target_message(arrays[symbol.input() + 1], list[symbol.input()].shape[1]);
  if (refusal != expected) {
    std::fprintf(stderr, "fuzz: expected: %s\n", expected.value_or("acceptance").c_str());
    std::fprintf(stderr, "fuzz: got: %s\n", refusal.value_or("acceptance").c_str());
  }
  expect(refusal == expected, "a valid list is refused only for its targets, and the message names the first bad one");
  for (size_t i = 0; i + 1 < list.size(); ++i) {
    expect(std::equal(before[i].begin(), before[i].end(), arrays[i].data), "the inputs stay unchanged");
  }
  if (expected) return;
  expect(outcome(static_cast<char>(0xa5), attempt) == first,
         "all of the output is written, with the same bits in two calls");
  check_signs(symbol, list, arrays);
  for (const ms_mml::Kernels* kernels : available_tables()) {
    outcome(0x5a, [&] { call.run(*kernels); });
    expect(same_values(*format_of(list.back().dtype), output, first), "instruction sets give the same bits");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  FuzzedDataProvider choices(bytes, size);
  const auto op = static_cast<Operator>(choices.ConsumeIntegralInRange(0, 2));
  const int p = choices.ConsumeIntegralInRange(1, 2);
  const Symbol symbol = {op, p, static_cast<Reduction>(choices.ConsumeIntegralInRange(0, 2))};
  List list = choose_list(choices, symbol);
  int count = static_cast<int>(list.size());
  if (choices.ConsumeIntegralInRange(0, 15) == 15) {
    count = choices.ConsumeIntegral<int>();
    list.resize(0 <= count && count <= 8 ? count : 0);
  }
  EntryPointCall call(symbol, list, count);
  if (list.size() > symbol.input()) {
    const Shape& input = list[symbol.input()].shape;
    const bool matrix = input.size() == 2;
    const List inferred = symbol.list(matrix ? input[0] : -1, matrix ? input[1] : -1, "", false);
    expect(call.infer_shape() == inferred.back().shape, "InferShape gives the shape of the output");
  }
  if (symbol.accepts(list)) {
    const auto fits = [](const Argument& argument) { return argument.elements() <= kMaxElements; };
    if (std::all_of(list.begin(), list.end(), fits)) check_valid_list(choices, symbol, list, call);
    return 0;
  }
  const size_t message_size = choices.ConsumeBool() ? choices.ConsumeIntegralInRange<size_t>(0, 60) : kMessage;
  const std::string prefix = std::string("For 'multi_margin_loss', ").substr(0, std::max<size_t>(message_size, 1) - 1);
  const std::optional<std::string> refusal = call.attempt(message_size);
  expect(refusal.has_value(), "an invalid list is refused");
  expect(refusal->compare(0, prefix.size(), prefix) == 0, "a message begins with the operator's name");
  return 0;
}
