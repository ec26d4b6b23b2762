// The operator MultiMarginLossRowsP1 (row_sums.h). CANN requires one file for each operator, named after it.
#include "row_sums.h"

extern "C" __global__ __aicore__ void multi_margin_loss_rows_p1(GM_ADDR input, GM_ADDR target, GM_ADDR margin,
                                                                GM_ADDR sums, GM_ADDR workspace, GM_ADDR tiling) {
  GET_TILING_DATA(data, tiling);
  AscendC::TPipe pipe;
  const ms_mml::Extent extent{data.rows, data.classes, data.rows_per_core, data.tile};
  ms_mml::RowSums<DTYPE_INPUT, 1>(&pipe, input, target, margin, sums, extent).run();
}
