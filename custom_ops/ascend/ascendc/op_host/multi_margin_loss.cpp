// Declares the operators to CANN: the inputs and outputs on each chip, the shapes and dtypes of the outputs, and the
// tiling (tiling.h).
//
//   MultiMarginLossRowsP1, P2     input (N, C), target (N,), margin (2,)              -> sums (N,)
//   MultiMarginLossSlopesP1, P2   factor (N,), input (N, C), target (N,), margin (2,) -> slopes (N, C)
//
// All parameters are tensors, because MindSpore passes no attributes to operators of a CANN package. The margin is the
// sum of two floats, passed as their int32 bits: mixed precision would convert floating-point inputs to float16.
#include "register/op_def_registry.h"
#include "register/tilingdata_base.h"
#include "tiling.h"
#include "tiling/platform/platform_ascendc.h"

namespace optiling {

BEGIN_TILING_DATA_DEF(MultiMarginLossTiling)
TILING_DATA_FIELD_DEF(int64_t, rows);
TILING_DATA_FIELD_DEF(int64_t, classes);
TILING_DATA_FIELD_DEF(int64_t, rows_per_core);
TILING_DATA_FIELD_DEF(int64_t, tile);
END_TILING_DATA_DEF;

REGISTER_TILING_DATA_CLASS(MultiMarginLossRowsP1, MultiMarginLossTiling)
REGISTER_TILING_DATA_CLASS(MultiMarginLossRowsP2, MultiMarginLossTiling)
REGISTER_TILING_DATA_CLASS(MultiMarginLossSlopesP1, MultiMarginLossTiling)
REGISTER_TILING_DATA_CLASS(MultiMarginLossSlopesP2, MultiMarginLossTiling)

static ms_mml::Chip chip_of(gert::TilingContext* context) {
  const platform_ascendc::PlatformAscendC platform(context->GetPlatformInfo());
  uint64_t local_memory = 0;
  platform.GetCoreMemSize(platform_ascendc::CoreMemType::UB, local_memory);
  const bool pads = platform.GetSocVersion() != platform_ascendc::SocVersion::ASCEND310P;
  return {static_cast<int64_t>(platform.GetCoreNumAiv()), static_cast<int64_t>(local_memory),
          pads ? 1 : ms_mml::kRowsOfWholeLines};
}

template <size_t kInput>
static ge::graphStatus tile(gert::TilingContext* context) {
  const gert::Shape& shape = context->GetInputShape(kInput)->GetStorageShape();
  if (shape.GetDimNum() != 2 || shape.GetDim(1) < 1) return ge::GRAPH_FAILED;
  const ms_mml::Tiling tiling = ms_mml::make_tiling(shape.GetDim(0), shape.GetDim(1), chip_of(context));
  MultiMarginLossTiling data;
  data.set_rows(tiling.rows);
  data.set_classes(tiling.classes);
  data.set_rows_per_core(tiling.rows_per_core);
  data.set_tile(tiling.tile);
  data.SaveToBuffer(context->GetRawTilingData()->GetData(), context->GetRawTilingData()->GetCapacity());
  context->GetRawTilingData()->SetDataSize(data.GetDataSize());
  context->SetBlockDim(static_cast<uint32_t>(tiling.cores));
  context->GetWorkspaceSizes(1)[0] = 0;
  return ge::GRAPH_SUCCESS;
}

}  // namespace optiling

namespace ge {

static graphStatus infer_sums_shape(gert::InferShapeContext* context) {
  gert::Shape* sums = context->GetOutputShape(0);
  sums->SetDimNum(1);
  sums->SetDim(0, context->GetInputShape(0)->GetDim(0));
  return GRAPH_SUCCESS;
}

static graphStatus infer_sums_dtype(gert::InferDataTypeContext* context) {
  return context->SetOutputDataType(0, DT_FLOAT);
}

static graphStatus infer_slopes_shape(gert::InferShapeContext* context) {
  *context->GetOutputShape(0) = *context->GetInputShape(1);
  return GRAPH_SUCCESS;
}

static graphStatus infer_slopes_dtype(gert::InferDataTypeContext* context) {
  return context->SetOutputDataType(0, context->GetInputDataType(1));
}

}  // namespace ge

namespace ops {

using DataTypes = std::vector<ge::DataType>;

// The dtypes of a parameter: the first if the scores are float16, the second if they are float32.
static const DataTypes kScores = {ge::DT_FLOAT16, ge::DT_FLOAT};
static const DataTypes kFloats = {ge::DT_FLOAT, ge::DT_FLOAT};
static const DataTypes kIntegers = {ge::DT_INT32, ge::DT_INT32};

static void declare(OpParamDef& parameter, const DataTypes& dtypes) {
  const std::vector<ge::Format> formats(dtypes.size(), ge::FORMAT_ND);
  parameter.ParamType(REQUIRED).DataType(dtypes).Format(formats).UnknownShapeFormat(formats);
}

class MultiMarginLossRows : public OpDef {
 public:
  explicit MultiMarginLossRows(const char* name) : OpDef(name) {
    declare(Input("input"), kScores);
    declare(Input("target"), kIntegers);
    declare(Input("margin"), kIntegers);
    declare(Output("sums"), kFloats);
    SetInferShape(ge::infer_sums_shape).SetInferDataType(ge::infer_sums_dtype);
    AICore().SetTiling(optiling::tile<0>).AddConfig("ascend310p").AddConfig("ascend910b").AddConfig("ascend910_93");
  }
};

class MultiMarginLossSlopes : public OpDef {
 public:
  explicit MultiMarginLossSlopes(const char* name) : OpDef(name) {
    declare(Input("factor"), kFloats);
    declare(Input("input"), kScores);
    declare(Input("target"), kIntegers);
    declare(Input("margin"), kIntegers);
    declare(Output("slopes"), kScores);
    SetInferShape(ge::infer_slopes_shape).SetInferDataType(ge::infer_slopes_dtype);
    AICore().SetTiling(optiling::tile<1>).AddConfig("ascend310p").AddConfig("ascend910b").AddConfig("ascend910_93");
  }
};

// The declarations do not depend on p; only the kernels do.
class MultiMarginLossRowsP1 : public MultiMarginLossRows {
  using MultiMarginLossRows::MultiMarginLossRows;
};
class MultiMarginLossRowsP2 : public MultiMarginLossRows {
  using MultiMarginLossRows::MultiMarginLossRows;
};
class MultiMarginLossSlopesP1 : public MultiMarginLossSlopes {
  using MultiMarginLossSlopes::MultiMarginLossSlopes;
};
class MultiMarginLossSlopesP2 : public MultiMarginLossSlopes {
  using MultiMarginLossSlopes::MultiMarginLossSlopes;
};

OP_ADD(MultiMarginLossRowsP1);
OP_ADD(MultiMarginLossRowsP2);
OP_ADD(MultiMarginLossSlopesP1);
OP_ADD(MultiMarginLossSlopesP2);

}  // namespace ops
