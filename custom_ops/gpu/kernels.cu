// The GPU kernels of the three operators and their launches. walk.cuh has the algorithm and the order of additions.
// Launches are asynchronous: a call returns as soon as its work is queued in the stream.
#include "../kernels.h"
#include "device.h"
#include "walk.cuh"

namespace ms_mml {
namespace {

constexpr int64_t kMaxBlocks = 4096;  // blocks that share the rows; a single block adds up their totals
constexpr int kMinBlocksPerSM = 3;    // more would leave too few registers for each thread, and nvcc would spill them

// Segments start at a multiple of this many classes, which is a whole number of packs for every element type.
constexpr int64_t kSegmentAlignment = 16 / sizeof(Half);

using Total = ExactSum<double>;

// Below, Op is one of the templates Loss, Gradient and RowSums, and RowOp an instance of it.

// Calls work(op) with the operator for a call. Whether float is accurate enough for float16 depends on the margin,
// which is in device memory, so it is decided here and not at the launch.
template <template <int, class> class Op, int P, class T, class Work>
__device__ void with_operator(const Call& call, Work work) {
  if constexpr (std::is_same_v<T, Half>) {
    if (float_is_accurate(*call.margin)) {
      work(Op<P, GpuTraits<T, float>>(call));
      return;
    }
  }
  work(Op<P, GpuTraits<T, double>>(call));
}

template <template <int, class> class Op, int P, class T, int kThreadsPerRow>
__global__ void __launch_bounds__(kThreadsPerBlock, kMinBlocksPerSM) walk_rows(const Call call, Total* totals) {
  with_operator<Op, P, T>(call, [&](const auto& op) {
    using RowOp = std::decay_t<decltype(op)>;
    for_rows<RowOp, kThreadsPerRow>(op, totals, [&](int64_t row, int thread) {
      if constexpr (kThreadsPerRow == kThreadsPerNarrowRow) {
        return walk_narrow_row(op, row, thread);
      } else {
        return walk_classes<RowOp, kThreadsPerRow>(op, row, 0, static_cast<int>(call.classes), thread);
      }
    });
  });
}

// One block for each segment of each row: writes the sum of the segment to `sums`.
template <template <int, class> class Op, int P, class T>
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

// One warp for each row: adds up the sums of its segments and finishes the row.
template <template <int, class> class Op, int P, class T>
__global__ void __launch_bounds__(kThreadsPerBlock, kMinBlocksPerSM)
    finish_rows(const Call call, int64_t segments, const Total* sums, Total* totals) {
  using RowOp = Op<P, GpuTraits<T, double>>;
  for_rows<RowOp, kWarpSize>(RowOp(call), totals, [&](int64_t row, int thread) {
    RowSum<RowOp> sum;
    for (int64_t s = thread; s < segments; s += kWarpSize) sum.add(sums[row * segments + s]);
    return sum;
  });
}

// A single block: adds up the totals of all blocks and stores the loss.
template <int P, class T>
__global__ void __launch_bounds__(kThreadsPerBlock, kMinBlocksPerSM)
    add_totals(const Call call, int64_t count, const Total* totals) {
  Accumulator<T, double> sum;
  for (int64_t i = threadIdx.x; i < count; i += kThreadsPerBlock) sum.add(totals[i]);
  sum = group_sum<kThreadsPerBlock>(sum);
  if (threadIdx.x == 0) Loss<P, GpuTraits<T, double>>(call).finish_all(sum.value());
}

inline int64_t divide_up(int64_t value, int64_t by) { return (value + by - 1) / by; }

inline int threads_per_row(const Call& call) {
  if (call.classes <= kMaxClassesFor4Threads) return kThreadsPerNarrowRow;
  if (call.classes <= kMaxClassesFor8Threads) return 8;
  return call.classes <= kMaxClassesForWarp || call.rows >= kManyRows ? kWarpSize : kThreadsPerBlock;
}

template <template <int, class> class Op, int P, class T>
auto walk_rows_with(int threads) {
  if (threads == kThreadsPerNarrowRow) return walk_rows<Op, P, T, kThreadsPerNarrowRow>;
  if (threads == 8) return walk_rows<Op, P, T, 8>;
  return threads == kWarpSize ? walk_rows<Op, P, T, kWarpSize> : walk_rows<Op, P, T, kThreadsPerBlock>;
}

// Launches an operator on all rows.
template <template <int, class> class Op, int P, class T>
void walk(const Call& call) {
  const bool long_rows = call.classes > kSegment;
  const int threads = long_rows ? kWarpSize : threads_per_row(call);
  const int64_t blocks = std::max<int64_t>(1, std::min(kMaxBlocks, divide_up(call.rows, kThreadsPerBlock / threads)));
  const bool adds = Op<P, GpuTraits<T, double>>::kAdds && call.reduction != Reduction::kNone && blocks > 1;
  const Workspace<Total> totals(adds ? blocks : 0, call);
  if (long_rows) {
    const int64_t min_segments = divide_up(call.classes, kSegment);
    const int64_t length = divide_up(divide_up(call.classes, min_segments), kSegmentAlignment) * kSegmentAlignment;
    const int64_t segments = divide_up(call.classes, length);
    const Workspace<Total> sums(call.rows * segments, call);
    if (call.rows > 0) {
      launch("walk_segments", walk_segments<Op, P, T>, call, call.rows * segments, kThreadsPerBlock, segments, length,
             sums.data());
    }
    launch("finish_rows", finish_rows<Op, P, T>, call, blocks, kThreadsPerBlock, segments, sums.data(), totals.data());
  } else {
    launch("walk_rows", walk_rows_with<Op, P, T>(threads), call, blocks, kThreadsPerBlock, totals.data());
  }
  if (adds) launch("add_totals", add_totals<P, T>, call, 1, kThreadsPerBlock, blocks, totals.data());
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
// The gradient of `weight`: for each class, the sum of the rows with that target. The rows are cut into chunks. For
// each chunk and class, one thread adds up the rows in order; then a warp for each class adds up the chunks.
// ---------------------------------------------------------------------------------------------------------------------

constexpr int64_t kMinChunkRows = 256;

// Writes the sum of each chunk and class to `sums`; with a single chunk, stores the result directly.
template <class T>
__global__ void add_by_class(const Call call, const double* row_sums, int64_t chunk_rows, Total* sums) {
  const int64_t blocks_per_chunk = (call.classes + blockDim.x - 1) / blockDim.x;
  const int64_t chunk = blockIdx.x / blocks_per_chunk;
  const int64_t c = blockIdx.x % blocks_per_chunk * blockDim.x + threadIdx.x;
  if (c >= call.classes) return;
  const Operands<GpuTraits<T, double>> op(call);
  const int64_t last = min(call.rows, (chunk + 1) * chunk_rows);
  Sum sum;
  for (int64_t row = chunk * chunk_rows; row < last; ++row) {
    if (call.target[row] == c) sum.add(op.upstream(row) * row_sums[row]);
  }
  if (sums == nullptr) {
    store(static_cast<T*>(call.output) + c, sum.value());
  } else {
    sums[chunk * call.classes + c] = sum.parts;
  }
}

template <class T>
__global__ void __launch_bounds__(kThreadsPerBlock, kMinBlocksPerSM)
    add_chunks(const Call call, int64_t chunks, const Total* sums) {
  constexpr int kClasses = kThreadsPerBlock / kWarpSize;
  const int64_t c = int64_t{blockIdx.x} * kClasses + threadIdx.x / kWarpSize;
  const int lane = threadIdx.x % kWarpSize;
  Sum sum;
  for (int64_t s = lane; s < chunks && c < call.classes; s += kWarpSize) sum.add(sums[s * call.classes + c]);
  sum = group_sum<kWarpSize>(sum);
  if (lane == 0 && c < call.classes) store(static_cast<T*>(call.output) + c, sum.value());
}

template <int P, class T>
void weight_gradient(const Call& call) {
  const Workspace<double> row_sums(call.rows, call);
  Call row_sums_call = call;
  row_sums_call.output = row_sums.data();
  walk<RowSums, P, T>(row_sums_call);

  // With at most N / C chunks, the workspace holds at most one sum for each row. A single chunk needs no workspace.
  const int64_t max_chunks = std::max<int64_t>(1, call.rows / call.classes);
  const int64_t chunks = std::max<int64_t>(1, std::min(divide_up(call.rows, kMinChunkRows), max_chunks));
  const int64_t chunk_rows = divide_up(call.rows, chunks);
  const Workspace<Total> sums(chunks > 1 ? chunks * call.classes : 0, call);
  const int threads = call.classes <= kWarpSize ? kWarpSize : kThreadsPerBlock;
  const int64_t blocks = chunks * divide_up(call.classes, threads);
  launch("add_by_class", add_by_class<T>, call, blocks, threads, row_sums.data(), chunk_rows, sums.data());
  if (chunks == 1) return;
  constexpr int kClasses = kThreadsPerBlock / kWarpSize;
  launch("add_chunks", add_chunks<T>, call, divide_up(call.classes, kClasses), kThreadsPerBlock, chunks, sums.data());
}

#define MS_MML_BY_DTYPE(NAME, P) {NAME<P, Half>, NAME<P, float>, NAME<P, double>}
#define MS_MML_BY_P(NAME) {MS_MML_BY_DTYPE(NAME, 1), MS_MML_BY_DTYPE(NAME, 2)}

}  // namespace

const Kernels& kernels() {
  static const Kernels table = {{MS_MML_BY_P(loss), MS_MML_BY_P(gradient), MS_MML_BY_P(weight_gradient)}};
  return table;
}

// The kernels launched before the error may still be running, so this waits in their stream. A device that has failed
// cannot be written to.
void fill_with_nan(const Call& call) { cudaMemsetAsync(call.output, 0xff, call.output_bytes, stream_of(call)); }

}  // namespace ms_mml
