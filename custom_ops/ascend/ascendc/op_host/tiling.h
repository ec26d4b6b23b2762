// How the work is cut: rows over cores, and a row's classes into tiles that fit a core's local memory. Plain C++:
// CANN's tiling functions call it, and so does the emulation.
#pragma once

#include <algorithm>
#include <cstdint>

namespace ms_mml {

struct Chip {
  int64_t cores;
  int64_t local_memory;   // bytes of a core's
  int64_t rows_together;  // rows that must not be split between cores
};

struct Tiling {
  int64_t rows, classes;  // N and C
  int64_t rows_per_core;
  int64_t tile;   // classes in a tile
  int64_t cores;  // that have rows
};

// Without padding copies a core writes the end of a row through its data cache, which writes back whole lines of 64
// bytes. Rows are whole lines 32 at a time, whatever C is: 32 * 2 bytes are one.
constexpr int64_t kRowsOfWholeLines = 32;

// Select keeps 8 KB of local memory for itself.
constexpr int64_t kReserved = 8192;

// A comparison takes 256 bytes at a time and its bits must fill blocks of 32 bytes: 256 classes do both.
constexpr int64_t kTileUnit = 256;

// The most that a kernel asks for each class of a tile. In float32: twice 4 bytes in each of two queues, four buffers
// of 4 bytes, and less than a byte for bits, ReduceSum's scratch and the 96 bytes of a row's total.
constexpr int64_t kBytesPerClass = 33;

inline int64_t rounded_up(int64_t value, int64_t unit) { return (value + unit - 1) / unit * unit; }

inline Tiling make_tiling(int64_t rows, int64_t classes, const Chip& chip) {
  Tiling tiling;
  tiling.rows = rows, tiling.classes = classes;
  const int64_t even = std::max<int64_t>((rows + chip.cores - 1) / chip.cores, 1);
  tiling.rows_per_core = rounded_up(even, chip.rows_together);
  tiling.cores = std::max<int64_t>((rows + tiling.rows_per_core - 1) / tiling.rows_per_core, 1);
  const int64_t most = (chip.local_memory - kReserved) / kBytesPerClass / kTileUnit * kTileUnit;
  tiling.tile = std::min(most, rounded_up(classes, kTileUnit));
  return tiling;
}

}  // namespace ms_mml
