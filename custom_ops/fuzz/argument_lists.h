// The argument lists that an entry point must accept: the specification in call.h, implemented independently of
// decode().
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "call.h"
#include "number_formats.h"

using ms_mml::Operator;
using ms_mml::Reduction;
using Shape = std::vector<int64_t>;

struct Argument {
  std::string dtype;
  Shape shape;

  bool operator==(const Argument& other) const { return dtype == other.dtype && shape == other.shape; }
  double elements() const {
    double count = 1;
    for (const int64_t size : shape) count *= size;
    return count;
  }
};

using List = std::vector<Argument>;

// An entry point and its specification.
struct Symbol {
  Operator op;
  int p;
  Reduction reduction;

  std::string name() const {
    constexpr const char *operators[] = {"", "Grad", "WeightGrad"}, *reductions[] = {"None", "Mean", "Sum"};
    return std::string("MultiMarginLoss") + operators[int(op)] + "P" + std::to_string(p) + reductions[int(reduction)];
  }

  // The position of `input` in the list.
  size_t input() const { return op == Operator::kLoss ? 0 : 1; }

  // The valid list for this shape and dtype.
  List list(int64_t rows, int64_t classes, const std::string& dtype, bool weighted) const {
    const Shape loss = reduction == Reduction::kNone ? Shape{rows} : Shape{};
    const Shape outputs[] = {loss, {rows, classes}, {classes}};
    List list;
    if (op != Operator::kLoss) list.push_back({dtype, loss});
    list.push_back({dtype, {rows, classes}});
    list.push_back({"int64", {rows}});
    list.push_back({"int64", {}});
    if (weighted) list.push_back({dtype, {classes}});
    list.push_back({dtype, outputs[int(op)]});
    return list;
  }

  bool accepts(const List& given) const {
    if (given.size() <= input() || given[input()].shape.size() != 2) return false;
    const std::string dtype = given[input()].dtype;
    const int64_t rows = given[input()].shape[0], classes = given[input()].shape[1];
    if (rows < 0 || classes < 1 || format_of(dtype) == nullptr) return false;
    return given == list(rows, classes, dtype, false) ||
           (op != Operator::kWeightGradient && given == list(rows, classes, dtype, true));
  }
};
