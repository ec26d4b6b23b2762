// Divides the rows among the cores, and the classes of a row into tiles that fit a core's local memory. This is plain
// C++, so that CANN's tiling functions and the emulation can both call it.
#pragma once

#include <algorithm>
#include <cstdint>

namespace ms_mml {

struct Chip {
  int64_t cores;
  int64_t local_memory;  // bytes per core
  int64_t row_multiple;  // rows_per_core must be a multiple of this
};

struct Tiling {
  int64_t rows, classes;  // N and C
  int64_t rows_per_core;
  int64_t tile;   // classes per tile
  int64_t cores;  // cores with at least one row; 1 for an empty batch
};

// The row multiple of a chip without padding copies. Such a chip writes the end of a row through its data cache, which
// writes back whole lines of 64 bytes, so two cores must not share a line. 32 rows of any C fill whole lines: 32
// elements of 2 bytes are 64 bytes.
constexpr int64_t kRowsOfWholeLines = 32;

// Bytes of local memory that Select reserves.
constexpr int64_t kReserved = 8192;

// A comparison works on 256 bytes at a time, and its result of one bit per class must fill blocks of 32 bytes. 256
// classes satisfy both.
constexpr int64_t kTileUnit = 256;

// An upper bound on the local memory that a kernel needs per class of a tile. In float32 these are two queues with two
// buffers of 4 bytes each, four more buffers of 4 bytes, and less than 1 byte for the bits, ReduceSum's scratch and the
// 96 bytes of a row's total.
constexpr int64_t kBytesPerClass = 33;

inline int64_t rounded_up(int64_t value, int64_t unit) { return (value + unit - 1) / unit * unit; }

inline Tiling make_tiling(int64_t rows, int64_t classes, const Chip& chip) {
  Tiling tiling;
  tiling.rows = rows, tiling.classes = classes;
  const int64_t even = std::max<int64_t>((rows + chip.cores - 1) / chip.cores, 1);
  tiling.rows_per_core = rounded_up(even, chip.row_multiple);
  tiling.cores = std::max<int64_t>((rows + tiling.rows_per_core - 1) / tiling.rows_per_core, 1);
  const int64_t most = (chip.local_memory - kReserved) / kBytesPerClass / kTileUnit * kTileUnit;
  tiling.tile = std::min(most, rounded_up(classes, kTileUnit));
  return tiling;
}

}  // namespace ms_mml
