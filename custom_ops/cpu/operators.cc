// The entry points of the CPU library: one for each operator, p and reduction, with the signature that MindSpore gives
// to ahead-of-time kernels, and beside it NAMEInferShape for dynamic shapes.
//
// They report an error by throwing: MindSpore hands the text to its user. A caller that cannot catch C++ exceptions
// passes the entry point to MultiMarginLossTry instead.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <vector>

#include "kernels.h"

#define MS_MML_EXPORT extern "C" __attribute__((visibility("default")))

namespace ms_mml {

void fail_target(int64_t row, int64_t target, int64_t classes) {
  fail("target[" + std::to_string(row) + "] is " + std::to_string(target) + " but must be in [0, " +
       std::to_string(classes) + ").");
}

namespace {

struct InstructionSet {
  const char* name;
  const Kernels* kernels;
  bool available;
};

// The best one of this processor, or the one that MS_MML_INSTRUCTION_SET names.
const InstructionSet& instruction_set() {
  static const InstructionSet& chosen = []() -> const InstructionSet& {
#if defined(__x86_64__)
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2");  // every processor with AVX2 also converts float16
    const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
    static const InstructionSet sets[] = {
        {"avx512", &kernels_avx512, avx512}, {"avx2", &kernels_avx2, avx2}, {"baseline", &kernels_baseline, true}};
#else
    static const InstructionSet sets[] = {{"baseline", &kernels_baseline, true}};
#endif
    const char* wanted = std::getenv("MS_MML_INSTRUCTION_SET");
    std::string offered;
    for (const InstructionSet& set : sets) {
      if (!set.available) continue;
      if (wanted == nullptr || std::strcmp(wanted, set.name) == 0) return set;
      offered += (offered.empty() ? "" : ", ") + std::string(set.name);
    }
    fail("MS_MML_INSTRUCTION_SET is '" + std::string(wanted) + "' but this processor offers: " + offered + ".");
  }();
  return chosen;
}

int run(Operator op, int p, Reduction reduction, int count, void** data, const int* ranks, int64_t** shapes,
        const char** dtypes) {
  const Call call = decode(op, p, reduction, count, data, ranks, shapes, dtypes);
  instruction_set().kernels->of[static_cast<int>(op)][p - 1][static_cast<int>(call.dtype)](call);
  return 0;
}

// An unknown dimension is negative, and comes out as it came in.
std::vector<int64_t> infer_shape(Operator op, Reduction reduction, const int* ranks, int64_t** shapes) {
  const int input = op == Operator::kLoss ? 0 : 1;
  const int64_t rows = ranks[input] == 2 ? shapes[input][0] : -1;
  const int64_t classes = ranks[input] == 2 ? shapes[input][1] : -1;
  if (op == Operator::kGradient) return {rows, classes};
  if (op == Operator::kWeightGradient) return {classes};
  if (reduction == Reduction::kNone) return {rows};
  return {};
}

using EntryPoint = int (*)(int, void**, int*, int64_t**, const char**, void*, void*);

}  // namespace
}  // namespace ms_mml

// Calls an entry point; returns what it returns, or -1 with the error's text in message.
MS_MML_EXPORT int MultiMarginLossTry(ms_mml::EntryPoint entry_point, int count, void** data, int* ranks,
                                     int64_t** shapes, const char** dtypes, char* message, int64_t message_size) {
  try {
    return entry_point(count, data, ranks, shapes, dtypes, nullptr, nullptr);
  } catch (const std::exception& error) {
    std::snprintf(message, message_size, "%s", error.what());
    return -1;
  }
}

// The name of the instruction set in use, or null where the one asked for is not to be had.
MS_MML_EXPORT const char* MultiMarginLossInstructionSet() {
  try {
    return ms_mml::instruction_set().name;
  } catch (const std::exception&) {
    return nullptr;
  }
}

#define MS_MML_ENTRY_POINT(NAME, OPERATOR, P, REDUCTION)                                                            \
  MS_MML_EXPORT int NAME(int count, void** data, int* ranks, int64_t** shapes, const char** dtypes, void*, void*) { \
    return ms_mml::run(ms_mml::Operator::OPERATOR, P, ms_mml::Reduction::REDUCTION, count, data, ranks, shapes,     \
                       dtypes);                                                                                     \
  }                                                                                                                 \
  MS_MML_EXPORT std::vector<int64_t> NAME##InferShape(int* ranks, int64_t** shapes, void*) {                        \
    return ms_mml::infer_shape(ms_mml::Operator::OPERATOR, ms_mml::Reduction::REDUCTION, ranks, shapes);            \
  }

#define MS_MML_ENTRY_POINTS(NAME, OPERATOR)            \
  MS_MML_ENTRY_POINT(NAME##P1None, OPERATOR, 1, kNone) \
  MS_MML_ENTRY_POINT(NAME##P1Mean, OPERATOR, 1, kMean) \
  MS_MML_ENTRY_POINT(NAME##P1Sum, OPERATOR, 1, kSum)   \
  MS_MML_ENTRY_POINT(NAME##P2None, OPERATOR, 2, kNone) \
  MS_MML_ENTRY_POINT(NAME##P2Mean, OPERATOR, 2, kMean) \
  MS_MML_ENTRY_POINT(NAME##P2Sum, OPERATOR, 2, kSum)

MS_MML_ENTRY_POINTS(MultiMarginLoss, kLoss)
MS_MML_ENTRY_POINTS(MultiMarginLossGrad, kGradient)
MS_MML_ENTRY_POINTS(MultiMarginLossWeightGrad, kWeightGradient)
