// The sum of hinge^P over the wrong classes of each row: (N,), float32. The sum is 0 if the target is out of range.
#pragma once

#include "rows.h"

namespace ms_mml {

template <class Score, int P>
class RowSums {
 public:
  __aicore__ inline RowSums(AscendC::TPipe* pipe, GM_ADDR input, GM_ADDR target, GM_ADDR margin, GM_ADDR sums,
                            const Extent& extent)
      : classes_(extent.classes),
        tile_(extent.tile),
        rows_(pipe, input, target, margin, extent),
        total_(pipe, extent.tile),
        zeros_(pipe, 0.0f, extent.tile) {
    sums_.SetGlobalBuffer(reinterpret_cast<__gm__ float*>(sums), extent.rows);
    pipe->InitBuffer(bits_, static_cast<uint32_t>(extent.tile / 8));
  }

  __aicore__ inline void run() {
    for (int64_t row = rows_.first(); row < rows_.end(); ++row) {
      total_.begin(rows_.count(0));
      if (rows_.begin(row)) {
        for (int64_t start = 0; start < classes_; start += tile_) add_tile(start);
      }
      total_.store_to(sums_[row], 1.0f);
    }
  }

 private:
  __aicore__ inline void add_tile(int64_t start) {
    const uint32_t count = rows_.count(start);
    const Floats values = rows_.scores(start);
    to_hinges(values, rows_.gap(), zeros_.get(), bits_.template Get<uint8_t>(), count);
    to_powers<P>(values, count);
    rows_.clear_target(values, start);
    total_.add(values, count);
  }

  int64_t classes_, tile_;
  Rows<Score> rows_;
  RowTotal<float> total_;
  Constant zeros_;
  AscendC::TBuf<AscendC::TPosition::VECCALC> bits_;
  AscendC::GlobalTensor<float> sums_;
};

}  // namespace ms_mml
