// The GPU kernels: the three operators, as walk.cuh asks for them, and the calls that start them. A call returns when
// its work is in the stream, not when it is done.
#include "../kernels.h"
#include "device.h"
#include "walk.cuh"

namespace ms_mml {
namespace {

constexpr int64_t kMaxBlocks = 4096;  // of those whose totals are added by one block
constexpr int kMinBlocksPerSM = 3;    // blocks, at least, on a multiprocessor: registers enough that none is spilled

constexpr int64_t kPackEnds = 16 / sizeof(Half);  // elements, after which a pack of any type has ended

using Total = ExactSum<double>;

// Calls work(op) with the operator of a call. Whether float16 may be computed in float depends on the margin, which is
// in the device's memory.
template <template <int, class, class> class Op, int P, class T, class Work>
__device__ void with_operator(const Call& call, Work work) {
  if constexpr (std::is_same_v<T, Half>) {
    if (float_holds(*call.margin)) {
      work(Op<P, T, float>(call));
      return;
    }
  }
  work(Op<P, T, double>(call));
}

template <template <int, class, class> class Op, int P, class T, int kThreadsPerRow>
__global__ void __launch_bounds__(kThreadsPerBlock, kMinBlocksPerSM) walk_rows(const Call call, Total* totals) {
  with_operator<Op, P, T>(call, [&](const auto& op) {
    using RowOp = std::decay_t<decltype(op)>;
    for_rows<RowOp, kThreadsPerRow>(op, totals, [&](int64_t row, int thread) {
      return walk_classes<RowOp, kThreadsPerRow>(op, row, 0, static_cast<int>(call.classes), thread);
    });
  });
}

// The sum of every segment of every row.
template <template <int, class, class> class Op, int P, class T>
__global__ void __launch_bounds__(kThreadsPerBlock, kMinBlocksPerSM)
    walk_segments(const Call call, int64_t segments, int64_t length, Total* sums) {
  with_operator<Op, P, T>(call, [&](const auto& op) {
    using RowOp = std::decay_t<decltype(op)>;
    const int64_t row = blockIdx.x / segments, first = blockIdx.x % segments * length;
    const int count = static_cast<int>(min(length, call.classes - first));
    const auto sum =
        group_sum<kThreadsPerBlock>(walk_classes<RowOp, kThreadsPerBlock>(op, row, first, count, threadIdx.x));
    if (threadIdx.x == 0) sums[blockIdx.x] = sum.parts;
  });
}

// What is left to do for rows whose segments have been added up.
template <template <int, class, class> class Op, int P, class T>
__global__ void __launch_bounds__(kThreadsPerBlock, kMinBlocksPerSM)
    finish_rows(const Call call, int64_t segments, const Total* sums, Total* totals) {
  using RowOp = Op<P, T, double>;
  for_rows<RowOp, kWarpSize>(RowOp(call), totals, [&](int64_t row, int thread) {
    RowSum<RowOp> sum;
    for (int64_t s = thread; s < segments; s += kWarpSize) sum.add(sums[row * segments + s]);
    return sum;
  });
}

// The loss, of what the rows of each block add up to.
template <int P, class T>
__global__ void __launch_bounds__(kThreadsPerBlock, kMinBlocksPerSM)
    add_totals(const Call call, int64_t count, const Total* totals) {
  Accumulator<T, double> sum;
  for (int64_t i = threadIdx.x; i < count; i += kThreadsPerBlock) sum.add(totals[i]);
  sum = group_sum<kThreadsPerBlock>(sum);
  if (threadIdx.x == 0) Loss<P, T, double>(call).finish_all(sum.value());
}

inline int64_t divide_up(int64_t value, int64_t by) { return (value + by - 1) / by; }

// Threads for each row.
inline int threads_per_row(const Call& call) {
  if (call.classes <= kMaxClassesFor4Threads) return 4;
  if (call.classes <= kMaxClassesFor8Threads) return 8;
  return call.classes <= kMaxClassesForWarp || call.rows >= kManyRows ? kWarpSize : kThreadsPerBlock;
}

template <template <int, class, class> class Op, int P, class T>
auto walk_rows_by(int group) {
  if (group == 4) return walk_rows<Op, P, T, 4>;
  if (group == 8) return walk_rows<Op, P, T, 8>;
  return group == kWarpSize ? walk_rows<Op, P, T, kWarpSize> : walk_rows<Op, P, T, kThreadsPerBlock>;
}

// Starts an operator over all rows.
template <template <int, class, class> class Op, int P, class T>
void walk(const Call& call) {
  const bool long_rows = call.classes > kSegment;
  const int group = long_rows ? kWarpSize : threads_per_row(call);
  const int64_t blocks = std::max<int64_t>(1, std::min(kMaxBlocks, divide_up(call.rows, kThreadsPerBlock / group)));
  const bool adds = Op<P, T, double>::kAdds && call.reduction != Reduction::kNone && blocks > 1;
  const Scratch<Total> totals(adds ? blocks : 0, call);
  if (long_rows) {
    const int64_t fewest = divide_up(call.classes, kSegment);
    const int64_t length = divide_up(divide_up(call.classes, fewest), kPackEnds) * kPackEnds;
    const int64_t segments = divide_up(call.classes, length);
    const Scratch<Total> sums(call.rows * segments, call);
    if (call.rows > 0) {
      start("walk_segments", walk_segments<Op, P, T>, call, call.rows * segments, kThreadsPerBlock, segments, length,
            sums.data());
    }
    start("finish_rows", finish_rows<Op, P, T>, call, blocks, kThreadsPerBlock, segments, sums.data(), totals.data());
  } else {
    start("walk_rows", walk_rows_by<Op, P, T>(group), call, blocks, kThreadsPerBlock, totals.data());
  }
  if (adds) start("add_totals", add_totals<P, T>, call, 1, kThreadsPerBlock, blocks, totals.data());
}

template <int P, class T>
void loss(const Call& call) {
  walk<Loss, P, T>(call);
}

template <int P, class T>
void gradient(const Call& call) {
  walk<Gradient, P, T>(call);
}

// ---------------------------------------------------------------------------------------------------------------------
// The weight's gradient: for each class, what the rows with that target add
// ---------------------------------------------------------------------------------------------------------------------

constexpr int64_t kMinRowsPerThread = 256;  // rows, at least, that a thread adds for its class

// For each class, in a thread of its own, the rows of each share; where there is but one, that is the result.
template <class T>
__global__ void add_by_class(const Call call, const double* row_sums, int64_t share, Total* sums) {
  const int64_t shares_of = (call.classes + blockDim.x - 1) / blockDim.x;
  const int64_t number = blockIdx.x / shares_of;
  const int64_t c = blockIdx.x % shares_of * blockDim.x + threadIdx.x;
  if (c >= call.classes) return;
  const Operands<T, double> op(call);
  const int64_t last = min(call.rows, (number + 1) * share);
  Sum sum;
  for (int64_t row = number * share; row < last; ++row) {
    if (call.target[row] == c) sum.add(op.upstream(row) * row_sums[row]);
  }
  if (sums == nullptr) {
    store(static_cast<T*>(call.output) + c, sum.value());
  } else {
    sums[number * call.classes + c] = sum.parts;
  }
}

// The sum of all shares, one warp to a class.
template <class T>
__global__ void __launch_bounds__(kThreadsPerBlock, kMinBlocksPerSM)
    add_shares(const Call call, int64_t shares, const Total* sums) {
  constexpr int kClasses = kThreadsPerBlock / kWarpSize;
  const int64_t c = int64_t{blockIdx.x} * kClasses + threadIdx.x / kWarpSize;
  const int lane = threadIdx.x % kWarpSize;
  Sum sum;
  for (int64_t s = lane; s < shares && c < call.classes; s += kWarpSize) sum.add(sums[s * call.classes + c]);
  sum = group_sum<kWarpSize>(sum);
  if (lane == 0 && c < call.classes) store(static_cast<T*>(call.output) + c, sum.value());
}

template <int P, class T>
void weight_gradient(const Call& call) {
  const Scratch<double> row_sums(call.rows, call);
  Call of_rows = call;
  of_rows.output = row_sums.data();
  walk<RowSums, P, T>(of_rows);

  // As many shares as keep the scratch within a sum for each row, or for each class where there are more of these.
  const int64_t most = std::max<int64_t>(1, call.rows / call.classes);
  const int64_t shares = std::max<int64_t>(1, std::min(divide_up(call.rows, kMinRowsPerThread), most));
  const int64_t share = divide_up(call.rows, shares);
  const Scratch<Total> sums(shares > 1 ? shares * call.classes : 0, call);
  const int threads = call.classes <= kWarpSize ? kWarpSize : kThreadsPerBlock;
  const int64_t blocks = shares * divide_up(call.classes, threads);
  start("add_by_class", add_by_class<T>, call, blocks, threads, row_sums.data(), share, sums.data());
  if (shares == 1) return;
  constexpr int kClasses = kThreadsPerBlock / kWarpSize;
  start("add_shares", add_shares<T>, call, divide_up(call.classes, kClasses), kThreadsPerBlock, shares, sums.data());
}

#define MS_MML_BY_DTYPE(NAME, P) {NAME<P, Half>, NAME<P, float>, NAME<P, double>}
#define MS_MML_BY_P(NAME) {MS_MML_BY_DTYPE(NAME, 1), MS_MML_BY_DTYPE(NAME, 2)}

}  // namespace

const Kernels& kernels() {
  static const Kernels all = {{MS_MML_BY_P(loss), MS_MML_BY_P(gradient), MS_MML_BY_P(weight_gradient)}};
  return all;
}

}  // namespace ms_mml
