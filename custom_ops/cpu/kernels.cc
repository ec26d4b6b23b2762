// The CPU kernels. This file is compiled once for each instruction set; each time it defines the kernel table that
// MS_MML_KERNELS names. walk.h has the algorithms, schedule.h the threads and the order of additions.
#include <memory>

#include "../operators.h"
#include "tables.h"
#include "vector.h"
#include "walk.h"

namespace ms_mml {
namespace {

template <int P, class Traits>
void loss(const Call& call) {
  const Loss<P, Traits> op(call);
  op.finish_all(walk(op));
}

template <int P, class Traits>
void gradient(const Call& call) {
  walk(Gradient<P, Traits>(call));
}

// For each class, adds up the sums of the rows with that target in the order of the rows, on the calling thread.
// Workspace: one more double for each row, and two for each class.
template <int P, class Traits>
void weight_gradient(const Call& call) {
  const std::unique_ptr<double[]> row_sums(new double[call.rows]);
  Call row_sums_call = call;
  row_sums_call.output = row_sums.get();
  const RowSums<P, Traits> op(row_sums_call);
  walk(op);
  const std::unique_ptr<Sum[]> sums(new Sum[call.classes]);
  for (int64_t row = 0; row < call.rows; ++row) sums[call.target[row]].add(op.upstream(row) * row_sums[row]);
  auto* output = static_cast<typename Traits::Element*>(call.output);
  for (int64_t c = 0; c < call.classes; ++c) Traits::store(output + c, sums[c].value());
}

#define MS_MML_FLOAT16_KERNEL(NAME)                                                                                   \
  template <int P>                                                                                                    \
  void NAME##_float16(const Call& call) {                                                                             \
    float_is_accurate(*call.margin) ? NAME<P, CpuTraits<Half, float>>(call) : NAME<P, CpuTraits<Half, double>>(call); \
  }
MS_MML_FLOAT16_KERNEL(loss)
MS_MML_FLOAT16_KERNEL(gradient)
MS_MML_FLOAT16_KERNEL(weight_gradient)

#define MS_MML_BY_DTYPE(NAME, P) \
  {NAME##_float16<P>, NAME<P, CpuTraits<float, double>>, NAME<P, CpuTraits<double, double>>}
#define MS_MML_BY_P(NAME) {MS_MML_BY_DTYPE(NAME, 1), MS_MML_BY_DTYPE(NAME, 2)}

}  // namespace

const Kernels MS_MML_KERNELS = {{MS_MML_BY_P(loss), MS_MML_BY_P(gradient), MS_MML_BY_P(weight_gradient)}};

}  // namespace ms_mml
