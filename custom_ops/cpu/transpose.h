// Transposes kLanes rows in registers, so that the elements of a class become adjacent.
//
// A tile is 16 bytes of each row: 8, 4 or 2 classes. A register holds the tiles of several rows, one in each of its
// 128-bit lanes: register r holds the rows r, r + kTile, r + 2 * kTile, ... Interleaving the elements of two registers,
// lane by lane, is one instruction on every processor, and log2(kTile) rounds of it transpose kTile registers.
#pragma once

#include <algorithm>
#include <type_traits>
#include <utility>

#include "lanes.h"
#include "prefetch.h"

namespace ms_mml {
namespace {

template <class T>
constexpr int kTile = 16 / sizeof(T);  // classes

template <class T>
constexpr int kTileRegister = std::min<int>(kRegister, kLanes * sizeof(T));  // bytes

template <class T>
constexpr int kTileRows = kTileRegister<T> / sizeof(T);  // rows in kTile registers, and elements in one

template <int bytes>
using Integer = std::conditional_t<bytes == 2, int16_t, std::conditional_t<bytes == 4, int32_t, int64_t>>;

// The bits of kTileRows elements.
template <class T>
using TileRegister = typename VectorOf<Integer<sizeof(T)>, kTileRows<T>>::type;

// The number of a class, for comparisons in the lanes of a TileRegister: as an int16_t or an int32_t. A lane of 64 bits
// holds it twice, because SSE2 cannot compare 64-bit integers.
template <class T>
using Tag = Integer<std::min<int>(sizeof(T), 4)>;

template <class T>
constexpr int kTags = kLanes * sizeof(T) / sizeof(Tag<T>);  // of kLanes rows

template <class T>
using TagRegister = typename VectorOf<Tag<T>, kTileRegister<T> / sizeof(Tag<T>)>::type;

// The elements source(0), source(1), ... of a followed by b. `source` is a constant expression.
template <class Register, class Source, size_t... i>
MS_MML_INLINE Register shuffle(Register a, Register b, Source source, std::index_sequence<i...>) {
#if defined(__clang__)
  return __builtin_shufflevector(a, b, source(i)...);
#else
  return __builtin_shuffle(a, b, Register{source(i)...});
#endif
}

template <class Register, class Source>
MS_MML_INLINE Register shuffle(Register a, Register b, Source source) {
  return shuffle(a, b, source, std::make_index_sequence<sizeof a / sizeof a[0]>());
}

// The elements of the lower or upper half of each 128-bit lane of a and b, alternately.
template <bool upper, class Register>
MS_MML_INLINE Register interleave(Register a, Register b) {
  return shuffle(a, b, [](int i) {
    constexpr int count = sizeof(Register) / sizeof(a[0]), lane = 16 / sizeof(a[0]);
    return i / lane * lane + upper * lane / 2 + i % lane / 2 + i % 2 * count;
  });
}

// Transposes, in each 128-bit lane, the matrix whose rows are the registers.
template <class T>
MS_MML_INLINE void transpose(TileRegister<T> (&registers)[kTile<T>]) {
  for (int round = 1; round < kTile<T>; round *= 2) {
    TileRegister<T> next[kTile<T>];
    for (int i = 0; i < kTile<T> / 2; ++i) {
      next[2 * i] = interleave<false>(registers[i], registers[i + kTile<T> / 2]);
      next[2 * i + 1] = interleave<true>(registers[i], registers[i + kTile<T> / 2]);
    }
    for (int i = 0; i < kTile<T>; ++i) registers[i] = next[i];
  }
}

// Converts the targets of kLanes rows, which are in range, to tags.
template <class T>
MS_MML_INLINE void write_tags(const int64_t* targets, Tag<T>* tags) {
  constexpr int kPerRegister = kRegister / sizeof(int64_t);
  using Pairs = typename VectorOf<int32_t, 2 * kPerRegister>::type;  // the lower half of a target, and its upper half
  using Quads = typename VectorOf<int16_t, 4 * kPerRegister>::type;
  constexpr auto even = [](int i) { return 2 * i; };
  constexpr auto twice = [](int i) { return i / 2 * 2; };
  constexpr int kStep = kPerRegister * (sizeof(T) == 2 ? 4 : sizeof(T) == 4 ? 2 : 1);
  for (int at = 0; at < kLanes; at += kStep) {
    const auto pairs = [&](int n) { return read<Pairs>(targets + at + n * kPerRegister); };
    if constexpr (sizeof(T) == 8) {
      const Pairs both = shuffle(pairs(0), pairs(0), twice);
      std::memcpy(tags + 2 * at, &both, sizeof both);
    } else if constexpr (sizeof(T) == 4) {
      const Pairs lower = shuffle(pairs(0), pairs(1), even);
      std::memcpy(tags + at, &lower, sizeof lower);
    } else if constexpr (kStep <= kLanes) {
      const Pairs first = shuffle(pairs(0), pairs(1), even), second = shuffle(pairs(2), pairs(3), even);
      const Quads lower = shuffle(bit_cast<Quads>(first), bit_cast<Quads>(second), even);
      std::memcpy(tags + at, &lower, sizeof lower);
    } else {
      const Pairs first = shuffle(pairs(0), pairs(1), even);
      const Quads lower = shuffle(bit_cast<Quads>(first), bit_cast<Quads>(first), even);
      std::memcpy(tags + at, &lower, kLanes * sizeof(Tag<T>));
    }
  }
}

// Reads the 128-bit lanes of a register from addresses `pitch` bytes apart.
template <class Register>
MS_MML_INLINE Register read_lanes(const char* from, [[maybe_unused]] int64_t pitch) {
#if defined(__AVX2__)
  if constexpr (sizeof(Register) == 32) {
    const __m256i low = _mm256_castsi128_si256(read<__m128i>(from));
    return bit_cast<Register>(_mm256_inserti128_si256(low, read<__m128i>(from + pitch), 1));
  }
#endif
#if defined(__AVX512F__)
  if constexpr (sizeof(Register) == 64) {
    const __m512i low = _mm512_castsi256_si512(read_lanes<__m256i>(from, pitch));
    return bit_cast<Register>(_mm512_inserti64x4(low, read_lanes<__m256i>(from + 2 * pitch, pitch), 1));
  }
#endif
  if constexpr (sizeof(Register) == 16) return read<Register>(from);
}

// A 128-bit lane of a register.
template <int lane, class Register>
MS_MML_INLINE auto lane_of(Register lanes) {
#if defined(__AVX512F__)
  if constexpr (sizeof lanes == 64) return _mm512_extracti64x2_epi64(bit_cast<__m512i>(lanes), lane);
#endif
#if defined(__AVX2__)
  if constexpr (sizeof lanes == 32) return _mm256_extracti128_si256(bit_cast<__m256i>(lanes), lane);
#endif
  if constexpr (sizeof lanes == 16) return lanes;
}

// Writes kTile registers of tiles to rows `pitch` bytes apart, from the first row to the last.
template <class T, size_t... lane>
MS_MML_INLINE void write_tiles(char* to, int64_t pitch, const TileRegister<T> (&tiles)[kTile<T>],
                               std::index_sequence<lane...>) {
  const auto write_lane = [&](auto index) {
    for (int r = 0; r < kTile<T>; ++r) {
      const auto tile = lane_of<index>(tiles[r]);
      std::memcpy(to + (index * kTile<T> + r) * pitch, &tile, sizeof tile);
    }
  };
  (write_lane(std::integral_constant<int, lane>()), ...);
}

template <class T>
constexpr Integer<sizeof(T)> kMinusInfinity = sizeof(T) == 2   ? -0x400
                                              : sizeof(T) == 4 ? -0x800000
                                                               : -0x10000000000000;

// Reads kLanes rows into columns[class * kLanes + row]. Moves the score of each row's target to scores[row], and puts
// -infinity in its place. Reads up to kTile - 1 elements after the last row, and writes as many classes.
template <class T>
MS_MML_INLINE void read_columns(const T* rows, int64_t classes, const Tag<T>* tags, T* columns, T* scores) {
  using Register = TileRegister<T>;
  using Tags = TagRegister<T>;
  const int64_t pitch = classes * sizeof(T);
  for (int first = 0; first < kLanes; first += kTileRows<T>) {
    const auto* from = reinterpret_cast<const char*>(rows + first * classes);
    const auto target = read<Tags>(tags + first * kTags<T> / kLanes);
    auto minus_infinity = bit_cast<Tags>(Register{} + kMinusInfinity<T>);
#if defined(__AVX512F__)
    asm("" : "+v"(minus_infinity));  // GCC would compare again with the opposite sense for a constant
#endif
    Tags score = {}, number = {};
    for (int64_t c = 0; c < classes; c += kTile<T>) {
      Register tile[kTile<T>];
      prefetch(from + c * kTileRows<T> * sizeof(T), kTile<T> * sizeof(Register));
      for (int r = 0; r < kTile<T>; ++r) {
        tile[r] = read_lanes<Register>(from + r * pitch + c * sizeof(T), kTile<T> * pitch);
      }
      transpose<T>(tile);
      for (int i = 0; i < kTile<T>; ++i) {
        auto column = bit_cast<Tags>(tile[i]);
#if defined(__AVX512F__)
        asm("" : "+v"(column));  // GCC would repeat the last interleave for each use
#endif
        const auto is_target = target == number;
        score = is_target ? column : score;
        column = is_target ? minus_infinity : column;
        number += 1;
        std::memcpy(columns + (c + i) * kLanes + first, &column, sizeof column);
      }
    }
    std::memcpy(scores + first, &score, sizeof score);
  }
}

// The reverse: writes columns[class * kLanes + row] to kLanes rows, and slopes[row] in place of the target's element.
// Writes up to kTile - 1 elements after the last row. Tiles go from last to first and rows from first to last, so that
// a row's elements are written after those that its predecessor wrote beyond its own end.
template <class T>
MS_MML_INLINE void write_columns(const T* columns, int64_t classes, const Tag<T>* tags, const T* slopes, T* rows) {
  using Register = TileRegister<T>;
  using Tags = TagRegister<T>;
  const int64_t pitch = classes * sizeof(T);
  for (int first = 0; first < kLanes; first += kTileRows<T>) {
    auto* to = reinterpret_cast<char*>(rows + first * classes);
    const auto target = read<Tags>(tags + first * kTags<T> / kLanes), slope = read<Tags>(slopes + first);
    for (int64_t c = (classes - 1) / kTile<T> * kTile<T>; c >= 0; c -= kTile<T>) {
      Register tile[kTile<T>];
      for (int i = 0; i < kTile<T>; ++i) {
        const auto column = read<Tags>(columns + (c + i) * kLanes + first);
        tile[i] = bit_cast<Register>(target == static_cast<Tag<T>>(c + i) ? slope : column);
      }
      transpose<T>(tile);
      write_tiles<T>(to + c * sizeof(T), pitch, tile, std::make_index_sequence<kTileRegister<T> / 16>());
    }
  }
}

}  // namespace
}  // namespace ms_mml
