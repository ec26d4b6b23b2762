// Exports the operators as C functions with the signature of MindSpore's AOT kernels. Each function does the work of
// op_host and CANN's runtime: it checks the arguments, computes the tiling and runs the kernel on every core.
//
// The emulated chip has three cores, so that the rows do not divide evenly among them. Its local memory is an eighth of
// a 910B's 192 KB, so that a row of a few thousand classes has several tiles with a shorter last one.
#include <cstring>
#include <string>

#include "kernels.h"
#include "machine.h"
#include "op_host/tiling.h"

machine::Core machine::core;

namespace {

using Address = uint8_t*;
using RowsKernel = void(Address, Address, Address, Address, Address, Address);
using SlopesKernel = void(Address, Address, Address, Address, Address, Address, Address);

constexpr ms_mml::Chip kChip = {3, 192 * 1024 / 8, __CCE_AICORE__ == 200 ? ms_mml::kRowsOfWholeLines : 1};

template <class Kernel>
struct Kernels {
  Kernel *float16, *float32;

  Kernel* of(const char* dtype) const {
    if (std::strcmp(dtype, "float16") == 0) return float16;
    if (std::strcmp(dtype, "float32") == 0) return float32;
    ms_mml::fail("the dtype of 'input' must be float16 or float32, but got " + std::string(dtype) + ".");
  }
};

template <class Kernel, class... Arguments>
int launch(Kernel* kernel, const int64_t* shape, Arguments... arguments) {
  ms_mml::Tiling tiling = ms_mml::make_tiling(shape[0], shape[1], kChip);
  for (int64_t core = 0; core < tiling.cores; ++core) {
    machine::core.start(core, kChip.local_memory - ms_mml::kReserved);
    kernel(static_cast<Address>(arguments)..., nullptr, reinterpret_cast<Address>(&tiling));
    machine::core.end();
  }
  return 0;
}

int rows(Kernels<RowsKernel> kernels, int count, void** data, const int* ranks, int64_t** shapes, const char** dtypes) {
  if (count != 4) {
    ms_mml::fail("there must be 4 arguments (input, target, margin, sums), but got " + std::to_string(count) + ".");
  }
  ms_mml::expect_matrix(shapes[0], ranks[0]);
  RowsKernel* kernel = kernels.of(dtypes[0]);
  const int64_t *shape = shapes[0], parts = 2;
  ms_mml::ArgumentList list(count, data, ranks, shapes, dtypes);
  void* input = list.take("input", dtypes[0], shape, 2);
  void* target = list.take("target", "int32", shape, 1);
  void* margin = list.take("margin", "int32", &parts, 1);
  void* sums = list.take("sums", "float32", shape, 1);
  return launch(kernel, shape, input, target, margin, sums);
}

int slopes(Kernels<SlopesKernel> kernels, int count, void** data, const int* ranks, int64_t** shapes,
           const char** dtypes) {
  if (count != 5) {
    ms_mml::fail("there must be 5 arguments (factor, input, target, margin, slopes), but got " + std::to_string(count) +
                 ".");
  }
  ms_mml::expect_matrix(shapes[1], ranks[1]);
  SlopesKernel* kernel = kernels.of(dtypes[1]);
  const int64_t *shape = shapes[1], parts = 2;
  ms_mml::ArgumentList list(count, data, ranks, shapes, dtypes);
  void* factor = list.take("factor", "float32", shape, 1);
  void* input = list.take("input", dtypes[1], shape, 2);
  void* target = list.take("target", "int32", shape, 1);
  void* margin = list.take("margin", "int32", &parts, 1);
  void* output = list.take("slopes", dtypes[1], shape, 2);
  return launch(kernel, shape, factor, input, target, margin, output);
}

}  // namespace

// Exports the operator NAME. CALL is one of the functions above, and FUNCTION the kernel's name in kernels.cc.
#define ENTRY_POINT(NAME, CALL, KERNEL, FUNCTION)                                                                   \
  extern "C" KERNEL FUNCTION##_half, FUNCTION##_float;                                                              \
  MS_MML_EXPORT int NAME(int count, void** data, int* ranks, int64_t** shapes, const char** dtypes, void*, void*) { \
    return CALL({FUNCTION##_half, FUNCTION##_float}, count, data, ranks, shapes, dtypes);                           \
  }

ENTRY_POINT(MultiMarginLossRowsP1, rows, RowsKernel, rows_p1)
ENTRY_POINT(MultiMarginLossRowsP2, rows, RowsKernel, rows_p2)
ENTRY_POINT(MultiMarginLossSlopesP1, slopes, SlopesKernel, slopes_p1)
ENTRY_POINT(MultiMarginLossSlopesP2, slopes, SlopesKernel, slopes_p2)
