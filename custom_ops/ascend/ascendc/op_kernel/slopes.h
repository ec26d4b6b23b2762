// The gradient of factor * the row sums: factor * the slope of hinge^P at each wrong class, and minus the sum of these
// at the target. The output has input's shape (N, C) and dtype. A row is 0 if its target is out of range.
//
// Each tile is stored with 0 at the target. After the last tile the sum is known and overwrites that 0. The slopes are
// summed before the multiplication by the factor, so for P = 1 the sum is an exact count.
#pragma once

#include "rows.h"

namespace ms_mml {

template <class Score, int P>
class Slopes {
 public:
  __aicore__ inline Slopes(AscendC::TPipe* pipe, GM_ADDR factor, GM_ADDR input, GM_ADDR target, GM_ADDR margin,
                           GM_ADDR slopes, const Extent& extent)
      : classes_(extent.classes),
        tile_(extent.tile),
        rows_(pipe, input, target, margin, extent),
        total_(pipe, extent.tile),
        zeros_(pipe, 0.0f, extent.tile),
        ones_(pipe, 1.0f, extent.tile) {
    factor_.SetGlobalBuffer(reinterpret_cast<__gm__ float*>(factor), extent.rows);
    slopes_.SetGlobalBuffer(reinterpret_cast<__gm__ Score*>(slopes), extent.rows * extent.classes);
    pipe->InitBuffer(bits_, static_cast<uint32_t>(extent.tile / 8));
    pipe->InitBuffer(stored_, kBuffers, static_cast<uint32_t>(extent.tile * sizeof(Score)));
  }

  __aicore__ inline void run() {
    for (int64_t row = rows_.first(); row < rows_.end(); ++row) {
      if (!rows_.begin(row)) {
        for (int64_t start = 0; start < classes_; start += tile_) store_tile(zeros_.get(), start);
        continue;
      }
      total_.begin(rows_.count(0));
      const float factor = P * factor_.GetValue(row);
      for (int64_t start = 0; start < classes_; start += tile_) {
        const Floats values = unscaled_slopes(start);
        total_.add(values, rows_.count(start));
        scale(values, factor, rows_.count(start));
        store_tile(values, start);
      }
      AscendC::PipeBarrier<PIPE_MTE3>();  // the tile's 0 at the target must be written before the sum
      total_.store_to(slopes_[rows_.offset() + rows_.target()], -factor);
    }
  }

 private:
  // The slopes of hinge^P / P in the tile that begins at class `start`.
  __aicore__ inline Floats unscaled_slopes(int64_t start) {
    const uint32_t count = rows_.count(start);
    const Floats values = rows_.scores(start);
    to_hinges(values, rows_.gap(), zeros_.get(), bits_.template Get<uint8_t>(), count);
    to_slopes<P>(values, ones_.get(), bits_.template Get<uint8_t>(), count);
    rows_.clear_target(values, start);
    return values;
  }

  __aicore__ inline void store_tile(const Floats& values, int64_t start) {
    AscendC::LocalTensor<Score> rounded = stored_.template AllocTensor<Score>();
    narrow(rounded, values, rows_.count(start));
    stored_.EnQue(rounded);
    AscendC::LocalTensor<Score> ready = stored_.template DeQue<Score>();
    store(slopes_[rows_.offset() + start], ready, rows_.count(start));
    stored_.FreeTensor(ready);
  }

  int64_t classes_, tile_;
  Rows<Score> rows_;
  RowTotal<Score> total_;
  Constant zeros_, ones_;
  AscendC::TBuf<AscendC::TPosition::VECCALC> bits_;
  AscendC::TQue<AscendC::TPosition::VECOUT, kBuffers> stored_;
  AscendC::GlobalTensor<float> factor_;
  AscendC::GlobalTensor<Score> slopes_;
};

}  // namespace ms_mml
