// One call of an operator: checks the argument list that MindSpore passes to an ahead-of-time kernel, and converts it
// to a Call.
//
// The list holds the inputs in this order, then the output. `weight` is optional: without it the list is shorter.
//   loss             input (N, C), target (N,), margin (), weight (C,)              -> () or (N,)
//   gradient         dout, input (N, C), target (N,), margin (), weight (C,)        -> (N, C)
//   weight gradient  dout, input (N, C), target (N,), margin ()                     -> (C,)
// dout has the shape of the loss: (N,) for reduction 'none', otherwise (). target is int64. margin is a float64 whose
// bits are passed as an int64: under mixed precision MindSpore casts every floating-point input, so 0.1 would be
// rounded to float16. All other arguments share one dtype: float16, float32 or float64.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <numeric>
#include <stdexcept>
#include <string>

namespace ms_mml {

enum class Operator { kLoss, kGradient, kWeightGradient };
enum class Reduction { kNone, kMean, kSum };
enum class Dtype { kFloat16, kFloat32, kFloat64 };

struct Call {
  int p;
  Reduction reduction;
  Dtype dtype;
  int64_t rows, classes;  // N and C
  const void* input;
  const int64_t* target;
  const double* margin;  // a single value, in device memory
  const void* weight;    // null: the weight of every class is 1
  const void* dout;      // null for the loss
  void* output;
  int64_t output_bytes;
  void* stream;  // null on the CPU
};

[[noreturn]] inline void fail(const std::string& message) {
  throw std::invalid_argument("For 'multi_margin_loss', " + message);
}

inline std::string shape_text(const int64_t* shape, int rank) {
  std::string text = "(";
  for (int axis = 0; axis < rank; ++axis) {
    text += (axis > 0 ? ", " : "") + std::to_string(shape[axis]);
  }
  return text + (rank == 1 ? ",)" : ")");
}

// Reads an argument list from front to back.
class ArgumentList {
 public:
  ArgumentList(int count, void** data, const int* ranks, int64_t** shapes, const char** dtypes)
      : left_(count), data_(data), ranks_(ranks), shapes_(shapes), dtypes_(dtypes) {}

  int left() const { return left_; }

  // Returns the data of the next argument. Fails if its dtype or shape is not the given one.
  void* take(const char* name, const char* dtype, const int64_t* shape, int rank) {
    if (std::strcmp(*dtypes_, dtype) != 0) {
      fail("the dtype of '" + std::string(name) + "' must be " + dtype + ", but got " + *dtypes_ + ".");
    }
    if (*ranks_ != rank || !std::equal(shape, shape + rank, *shapes_)) {
      fail("the shape of '" + std::string(name) + "' must be " + shape_text(shape, rank) + ", but got " +
           shape_text(*shapes_, *ranks_) + ".");
    }
    --left_, ++ranks_, ++shapes_, ++dtypes_;
    return *data_++;
  }

 private:
  int left_;
  void** data_;
  const int* ranks_;
  int64_t** shapes_;
  const char** dtypes_;
};

inline Dtype parse_dtype(const char* dtype) {
  if (std::strcmp(dtype, "float16") == 0) return Dtype::kFloat16;
  if (std::strcmp(dtype, "float32") == 0) return Dtype::kFloat32;
  if (std::strcmp(dtype, "float64") == 0) return Dtype::kFloat64;
  fail("the dtype of 'input' must be float16, float32 or float64, but got " + std::string(dtype) + ".");
}

inline int64_t size_of(Dtype dtype) { return dtype == Dtype::kFloat16 ? 2 : dtype == Dtype::kFloat32 ? 4 : 8; }

inline void expect_matrix(const int64_t* shape, int rank) {
  if (rank != 2) {
    fail("the rank of 'input' must be 2, but got shape " + shape_text(shape, rank) + ".");
  }
  if (shape[0] < 0) {
    fail("shape[0] of 'input' must be at least 0, but got shape " + shape_text(shape, rank) + ".");
  }
  if (shape[1] < 1) {
    fail("shape[1] of 'input' must be at least 1, but got shape " + shape_text(shape, rank) + ".");
  }
}

inline Call decode(Operator op, int p, Reduction reduction, int count, void** data, const int* ranks, int64_t** shapes,
                   const char** dtypes) {
  const int input = op == Operator::kLoss ? 0 : 1;  // dout comes first
  const int least = input + 4;
  const int most = op == Operator::kWeightGradient ? least : least + 1;
  if (count < least || count > most) {
    fail("the number of inputs and outputs must be in [" + std::to_string(least) + ", " + std::to_string(most) +
         "], but got " + std::to_string(count) + ".");
  }
  expect_matrix(shapes[input], ranks[input]);

  Call call = {};
  call.p = p;
  call.reduction = reduction;
  call.dtype = parse_dtype(dtypes[input]);
  call.rows = shapes[input][0];
  call.classes = shapes[input][1];

  const char* dtype = dtypes[input];
  const int64_t matrix[] = {call.rows, call.classes};
  const int64_t *per_row = &matrix[0], *per_class = &matrix[1];
  const int loss_rank = reduction == Reduction::kNone ? 1 : 0;
  ArgumentList arguments(count, data, ranks, shapes, dtypes);
  if (op != Operator::kLoss) call.dout = arguments.take("dout", dtype, per_row, loss_rank);
  call.input = arguments.take("input", dtype, matrix, 2);
  call.target = static_cast<const int64_t*>(arguments.take("target", "int64", per_row, 1));
  call.margin = static_cast<const double*>(arguments.take("margin", "int64", nullptr, 0));
  if (arguments.left() == 2) call.weight = arguments.take("weight", dtype, per_class, 1);
  const int64_t* output = op == Operator::kGradient ? matrix : op == Operator::kLoss ? per_row : per_class;
  const int output_rank = op == Operator::kGradient ? 2 : op == Operator::kLoss ? loss_rank : 1;
  call.output = arguments.take("output", dtype, output, output_rank);
  call.output_bytes = std::accumulate(output, output + output_rank, size_of(call.dtype), std::multiplies<int64_t>());
  return call;
}

}  // namespace ms_mml
