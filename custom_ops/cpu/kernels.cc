// The CPU kernels: the three operators, as walk.h asks for them. This file is compiled once for each instruction set,
// as the table named by MS_MML_KERNELS.
#include "tables.h"
#include "walk.h"

namespace ms_mml {
namespace {

template <int P, class T, class Real>
void loss(const Call& call) {
  const Loss<P, T, Real> op(call);
  op.finish_all(walk(op, call));
}

template <int P, class T, class Real>
void gradient(const Call& call) {
  walk(Gradient<P, T, Real>(call), call);
}

template <int P, class T, class Real>
void weight_gradient(const Call& call) {
  const std::unique_ptr<double[]> row_sums(new double[call.rows]);
  Call of_rows = call;
  of_rows.output = row_sums.get();
  const RowSums<P, T, Real> op(of_rows);
  walk(op, call);
  const std::unique_ptr<Sum[]> sums(new Sum[call.classes]);
  for (int64_t row = 0; row < call.rows; ++row) sums[call.target[row]].add(op.upstream(row) * row_sums[row]);
  for (int64_t c = 0; c < call.classes; ++c) store(static_cast<T*>(call.output) + c, sums[c].value());
}

// Half in float where that is as good, and in double elsewhere.
#define MS_MML_HALF(NAME)                                                                 \
  template <int P>                                                                        \
  void NAME##_half(const Call& call) {                                                    \
    float_holds(*call.margin) ? NAME<P, Half, float>(call) : NAME<P, Half, double>(call); \
  }
MS_MML_HALF(loss)
MS_MML_HALF(gradient)
MS_MML_HALF(weight_gradient)

#define MS_MML_BY_DTYPE(NAME, P) {NAME##_half<P>, NAME<P, float, double>, NAME<P, double, double>}
#define MS_MML_BY_P(NAME) {MS_MML_BY_DTYPE(NAME, 1), MS_MML_BY_DTYPE(NAME, 2)}

}  // namespace

const Kernels MS_MML_KERNELS = {{MS_MML_BY_P(loss), MS_MML_BY_P(gradient), MS_MML_BY_P(weight_gradient)}};

}  // namespace ms_mml
