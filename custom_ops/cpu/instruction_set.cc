// Selects the CPU's kernel table: for the instruction set named by MS_MML_INSTRUCTION_SET, otherwise (if the variable
// is unset or empty) for the best one that the processor supports.
#include <cstdlib>
#include <cstring>
#include <string>

#include "tables.h"
#include "threads.h"

namespace ms_mml {
namespace {

struct InstructionSet {
  const char* name;
  const Kernels* kernels;
  bool available;
};

const InstructionSet& instruction_set() {
  static const InstructionSet& chosen = []() -> const InstructionSet& {
#if defined(__x86_64__)
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2");  // every processor with AVX2 also has F16C
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
      if (wanted == nullptr || *wanted == '\0' || std::strcmp(wanted, set.name) == 0) return set;
      offered += (offered.empty() ? "" : ", ") + std::string(set.name);
    }
    fail("MS_MML_INSTRUCTION_SET must be one of " + offered + " on this processor, but got '" + wanted + "'.");
  }();
  return chosen;
}

}  // namespace

// Every call comes through here before it computes anything, so an invalid variable of either name fails every call.
const Kernels& kernels() {
  static const Kernels& chosen = (thread_limit(), *instruction_set().kernels);
  return chosen;
}

void fill_with_nan(const Call& call) { std::memset(call.output, 0xff, call.output_bytes); }

}  // namespace ms_mml

// An entry point that computes nothing: it fails if an environment variable that this library reads is invalid.
MS_MML_EXPORT int MultiMarginLossEnvironment(int, void**, int*, int64_t**, const char**, void*, void*) {
  ms_mml::kernels();
  return 0;
}

// The name of the selected instruction set; null if the requested instruction set is unavailable.
MS_MML_EXPORT const char* MultiMarginLossInstructionSet() {
  try {
    return ms_mml::instruction_set().name;
  } catch (const std::exception&) {
    return nullptr;
  }
}
