// The entry points of a device's library: for each operator, p and reduction a function with MindSpore's signature for
// ahead-of-time kernels, and a function NAMEInferShape for dynamic shapes.
//
// An entry point reports an error by throwing; MindSpore shows the text to the user, in PyNative mode at a later call.
// So a kernel that fails leaves NaN in the output, and not the memory's old content. With an invalid argument list, no
// memory is touched. A caller that cannot catch C++ exceptions calls MultiMarginLossTry (c_api.cc).
#include <vector>

#include "flush_to_zero.h"
#include "kernels.h"

namespace ms_mml {
namespace {

int run(Operator op, int p, Reduction reduction, int count, void** data, const int* ranks, int64_t** shapes,
        const char** dtypes, void* stream) {
  Call call = decode(op, p, reduction, count, data, ranks, shapes, dtypes);
  call.stream = stream;
  const FlushToZeroGuard guard;
  try {
    kernels().of[static_cast<int>(op)][p - 1][static_cast<int>(call.dtype)](call);
  } catch (...) {
    fill_with_nan(call);
    throw;
  }
  return 0;
}

// Unknown dimensions are negative and are returned unchanged.
std::vector<int64_t> infer_shape(Operator op, Reduction reduction, const int* ranks, int64_t** shapes) {
  const int input = op == Operator::kLoss ? 0 : 1;
  const int64_t rows = ranks[input] == 2 ? shapes[input][0] : -1;
  const int64_t classes = ranks[input] == 2 ? shapes[input][1] : -1;
  if (op == Operator::kGradient) return {rows, classes};
  if (op == Operator::kWeightGradient) return {classes};
  if (reduction == Reduction::kNone) return {rows};
  return {};
}

}  // namespace
}  // namespace ms_mml

#define MS_MML_ENTRY_POINT(NAME, OPERATOR, P, REDUCTION)                                                          \
  MS_MML_EXPORT int NAME(int count, void** data, int* ranks, int64_t** shapes, const char** dtypes, void* stream, \
                         void*) {                                                                                 \
    return ms_mml::run(ms_mml::Operator::OPERATOR, P, ms_mml::Reduction::REDUCTION, count, data, ranks, shapes,   \
                       dtypes, stream);                                                                           \
  }                                                                                                               \
  MS_MML_EXPORT std::vector<int64_t> NAME##InferShape(int* ranks, int64_t** shapes, void*) {                      \
    return ms_mml::infer_shape(ms_mml::Operator::OPERATOR, ms_mml::Reduction::REDUCTION, ranks, shapes);          \
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
