// The kernels for one dtype of the scores. CANN compiles an operator once per dtype, with DTYPE_INPUT defined as the
// dtype; here the dtype is also part of the function's name, so that one library can hold all of them.
#define NAMED_FOR(name, dtype) name##_##dtype
#define NAMED(name, dtype) NAMED_FOR(name, dtype)

#define multi_margin_loss_rows_p1 NAMED(rows_p1, DTYPE_INPUT)
#define multi_margin_loss_rows_p2 NAMED(rows_p2, DTYPE_INPUT)
#define multi_margin_loss_slopes_p1 NAMED(slopes_p1, DTYPE_INPUT)
#define multi_margin_loss_slopes_p2 NAMED(slopes_p2, DTYPE_INPUT)

#include "op_kernel/multi_margin_loss_rows_p1.cpp"
#include "op_kernel/multi_margin_loss_rows_p2.cpp"
#include "op_kernel/multi_margin_loss_slopes_p1.cpp"
#include "op_kernel/multi_margin_loss_slopes_p2.cpp"
