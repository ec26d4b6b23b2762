// The parts that all kernels share. Rows gives the rows of this core, the target and gap of a row, and its scores
// tile by tile as float32. RowTotal adds up a row over its tiles.
//
// Each queue has two buffers, so that the next tile can be copied while the current one is computed. RowTotal has one
// partial sum per class of a tile and adds these up once per row, so the order of the additions depends only on the
// shape.
#pragma once

#include "copies.h"
#include "tile.h"

namespace ms_mml {

constexpr int32_t kBuffers = 2;

struct Extent {
  int64_t rows, classes, rows_per_core, tile;
};

template <class Score>
class Rows {
 public:
  __aicore__ inline Rows(AscendC::TPipe* pipe, GM_ADDR input, GM_ADDR target, GM_ADDR margin, const Extent& extent)
      : extent_(extent) {
    input_.SetGlobalBuffer(reinterpret_cast<__gm__ Score*>(input), extent.rows * extent.classes);
    target_.SetGlobalBuffer(reinterpret_cast<__gm__ int32_t*>(target), extent.rows);
    margin_.SetGlobalBuffer(reinterpret_cast<__gm__ float*>(margin), 2);
    pipe->InitBuffer(scores_, kBuffers, static_cast<uint32_t>(extent.tile * sizeof(Score)));
    pipe->InitBuffer(values_, static_cast<uint32_t>(extent.tile * sizeof(float)));
  }

  // The rows of this core are first() to end() - 1.
  __aicore__ inline int64_t first() const { return AscendC::GetBlockIdx() * extent_.rows_per_core; }

  __aicore__ inline int64_t end() const {
    const int64_t end = first() + extent_.rows_per_core;
    return end < extent_.rows ? end : extent_.rows;
  }

  // The number of classes in the tile that begins at class `start`.
  __aicore__ inline uint32_t count(int64_t start) const {
    const int64_t left = extent_.classes - start;
    return static_cast<uint32_t>(left < extent_.tile ? left : extent_.tile);
  }

  // Starts a row. Returns false, and reads no score, if the target is out of range.
  __aicore__ inline bool begin(int64_t row) {
    offset_ = row * extent_.classes;
    y_ = target_.GetValue(row);
    if (y_ < 0 || y_ >= extent_.classes) return false;
    gap_ = margin_minus(margin_.GetValue(0), margin_.GetValue(1), widened(input_.GetValue(offset_ + y_)));
    return true;
  }

  __aicore__ inline int64_t offset() const { return offset_; }  // of the row's first score
  __aicore__ inline int64_t target() const { return y_; }
  __aicore__ inline Gap gap() const { return gap_; }

  // The scores of a tile, as float32. The next call overwrites them.
  __aicore__ inline Floats scores(int64_t start) {
    const Floats values = values_.template Get<float>();
    AscendC::LocalTensor<Score> loaded = scores_.template AllocTensor<Score>();
    load(loaded, input_[offset_ + start], count(start));
    scores_.EnQue(loaded);
    AscendC::LocalTensor<Score> scores = scores_.template DeQue<Score>();
    widen(values, scores, count(start));
    scores_.FreeTensor(scores);
    return values;
  }

  // Sets the target's value to 0, because sums are over the wrong classes only.
  __aicore__ inline void clear_target(const Floats& values, int64_t start) const {
    if (start <= y_ && y_ < start + count(start)) clear(values, static_cast<uint32_t>(y_ - start));
  }

 private:
  Extent extent_;
  AscendC::GlobalTensor<Score> input_;
  AscendC::GlobalTensor<int32_t> target_;
  AscendC::GlobalTensor<float> margin_;
  AscendC::TQue<AscendC::TPosition::VECIN, kBuffers> scores_;
  AscendC::TBuf<AscendC::TPosition::VECCALC> values_;
  int64_t offset_ = 0, y_ = 0;
  Gap gap_ = {0.0f, 0.0f};
};

// The total of a row in float32, rounded to Out when it is stored.
template <class Out>
class RowTotal {
 public:
  __aicore__ inline RowTotal(AscendC::TPipe* pipe, int64_t tile) {
    pipe->InitBuffer(partial_sums_, static_cast<uint32_t>(tile * sizeof(float)));
    pipe->InitBuffer(scratch_, static_cast<uint32_t>(tile / kLanes * sizeof(float)));  // one per 256 bytes
    pipe->InitBuffer(sum_, sizeof(float));
    pipe->InitBuffer(stored_, kBuffers, sizeof(Out));
  }

  __aicore__ inline void begin(uint32_t count) {
    count_ = count;
    AscendC::Duplicate(partial_sums_.template Get<float>(), 0.0f, static_cast<int32_t>(count));
    vector_barrier();
  }

  __aicore__ inline void add(const Floats& values, uint32_t count) {
    const Floats partial_sums = partial_sums_.template Get<float>();
    AscendC::Add(partial_sums, partial_sums, values, static_cast<int32_t>(count));
    vector_barrier();
  }

  // Stores factor * the total.
  __aicore__ inline void store_to(const AscendC::GlobalTensor<Out>& to, float factor) {
    const Floats sum = sum_.template Get<float>();
    AscendC::ReduceSum(sum, partial_sums_.template Get<float>(), scratch_.template Get<float>(),
                       static_cast<int32_t>(count_));
    vector_barrier();
    scale(sum, factor, 1);
    AscendC::LocalTensor<Out> rounded = stored_.template AllocTensor<Out>();
    narrow(rounded, sum, 1);
    stored_.EnQue(rounded);
    AscendC::LocalTensor<Out> ready = stored_.template DeQue<Out>();
    store(to, ready, 1);
    stored_.FreeTensor(ready);
  }

 private:
  AscendC::TBuf<AscendC::TPosition::VECCALC> partial_sums_, scratch_, sum_;
  AscendC::TQue<AscendC::TPosition::VECOUT, kBuffers> stored_;
  uint32_t count_ = 0;
};

// A buffer filled with one value, as an operand of Select.
class Constant {
 public:
  __aicore__ inline Constant(AscendC::TPipe* pipe, float value, int64_t tile) {
    pipe->InitBuffer(values_, static_cast<uint32_t>(tile * sizeof(float)));
    AscendC::Duplicate(values_.Get<float>(), value, static_cast<int32_t>(tile));
    vector_barrier();
  }

  __aicore__ inline Floats get() { return values_.Get<float>(); }

 private:
  AscendC::TBuf<AscendC::TPosition::VECCALC> values_;
};

}  // namespace ms_mml
