// What every operator does with a row: which rows are this core's, the row's target and gap, its scores tile by tile in
// float32, and a total over all tiles.
//
// Two buffers a queue let the copy of the next tile run while this one is computed. A row's total is kept lane by lane
// over its tiles, and its lanes are added up once: the order follows from the shape alone.
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

  __aicore__ inline int64_t first() const { return AscendC::GetBlockIdx() * extent_.rows_per_core; }

  __aicore__ inline int64_t end() const {
    const int64_t end = first() + extent_.rows_per_core;
    return end < extent_.rows ? end : extent_.rows;
  }

  __aicore__ inline uint32_t count(int64_t start) const {
    const int64_t left = extent_.classes - start;
    return static_cast<uint32_t>(left < extent_.tile ? left : extent_.tile);
  }

  // Whether the row's target is a class. If not, nothing of the row is read.
  __aicore__ inline bool begin(int64_t row) {
    at_ = row * extent_.classes;
    y_ = target_.GetValue(row);
    if (y_ < 0 || y_ >= extent_.classes) return false;
    gap_ = margin_minus(margin_.GetValue(0), margin_.GetValue(1), widened(input_.GetValue(at_ + y_)));
    return true;
  }

  __aicore__ inline int64_t at() const { return at_; }  // where the row begins
  __aicore__ inline int64_t target() const { return y_; }
  __aicore__ inline Gap gap() const { return gap_; }

  // The buffer of a tile's values.
  __aicore__ inline Floats values() { return values_.template Get<float>(); }

  __aicore__ inline Floats scores(int64_t start) {
    AscendC::LocalTensor<Score> loaded = scores_.template AllocTensor<Score>();
    load(loaded, input_[at_ + start], count(start));
    scores_.EnQue(loaded);
    AscendC::LocalTensor<Score> scores = scores_.template DeQue<Score>();
    widen(values(), scores, count(start));
    scores_.FreeTensor(scores);
    return values();
  }

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
  int64_t at_ = 0, y_ = 0;
  Gap gap_ = {0.0f, 0.0f};
};

// A row's total, rounded to Out when it is stored.
template <class Out>
class Total {
 public:
  __aicore__ inline Total(AscendC::TPipe* pipe, int64_t tile) {
    pipe->InitBuffer(lanes_, static_cast<uint32_t>(tile * sizeof(float)));
    pipe->InitBuffer(scratch_, static_cast<uint32_t>(tile / kLanes * sizeof(float)));  // one for each 256 bytes
    pipe->InitBuffer(sum_, sizeof(float));
    pipe->InitBuffer(stored_, kBuffers, sizeof(Out));
  }

  __aicore__ inline void begin(uint32_t lanes) {
    count_ = lanes;
    AscendC::Duplicate(lanes_.template Get<float>(), 0.0f, static_cast<int32_t>(lanes));
    settle();
  }

  __aicore__ inline void add(const Floats& values, uint32_t count) {
    const Floats lanes = lanes_.template Get<float>();
    AscendC::Add(lanes, lanes, values, static_cast<int32_t>(count));
    settle();
  }

  // Stores factor * the total.
  __aicore__ inline void store_to(const AscendC::GlobalTensor<Out>& to, float factor) {
    const Floats sum = sum_.template Get<float>();
    AscendC::ReduceSum(sum, lanes_.template Get<float>(), scratch_.template Get<float>(), static_cast<int32_t>(count_));
    settle();
    scale(sum, factor, 1);
    AscendC::LocalTensor<Out> rounded = stored_.template AllocTensor<Out>();
    narrow(rounded, sum, 1);
    stored_.EnQue(rounded);
    AscendC::LocalTensor<Out> ready = stored_.template DeQue<Out>();
    store(to, ready, 1);
    stored_.FreeTensor(ready);
  }

 private:
  AscendC::TBuf<AscendC::TPosition::VECCALC> lanes_, scratch_, sum_;
  AscendC::TQue<AscendC::TPosition::VECOUT, kBuffers> stored_;
  uint32_t count_ = 0;
};

// A buffer of one value, for Select.
class Constant {
 public:
  __aicore__ inline Constant(AscendC::TPipe* pipe, float value, int64_t tile) {
    pipe->InitBuffer(values_, static_cast<uint32_t>(tile * sizeof(float)));
    AscendC::Duplicate(values_.Get<float>(), value, static_cast<int32_t>(tile));
    settle();
  }

  __aicore__ inline Floats get() { return values_.Get<float>(); }

 private:
  AscendC::TBuf<AscendC::TPosition::VECCALC> values_;
};

}  // namespace ms_mml
