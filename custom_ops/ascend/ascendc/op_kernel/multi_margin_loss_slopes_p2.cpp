// The operator MultiMarginLossSlopesP2 (slopes.h). CANN requires one file for each operator, named after it.
#include "slopes.h"

extern "C" __global__ __aicore__ void multi_margin_loss_slopes_p2(GM_ADDR factor, GM_ADDR input, GM_ADDR target,
                                                                  GM_ADDR margin, GM_ADDR slopes, GM_ADDR workspace,
                                                                  GM_ADDR tiling) {
  GET_TILING_DATA(data, tiling);
  AscendC::TPipe pipe;
  const ms_mml::Extent extent{data.rows, data.classes, data.rows_per_core, data.tile};
  ms_mml::Slopes<DTYPE_INPUT, 2>(&pipe, factor, input, target, margin, slopes, extent).run();
}
