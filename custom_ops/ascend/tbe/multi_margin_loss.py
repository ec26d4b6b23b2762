"""The multi-margin loss for Ascend in TBE, CANN's Python DSL: kernels for row sums of powered hinges, and for slopes.

The DSL compiles elementwise operations on float16 or float32 tensors, all of the same dtype and shape. No operation may
follow a reduce. The caller therefore computes the inputs that depend on a row's target, in float32:

    high, low   (N, 1)   margin - x[y] as the sum of two values, because one float32 cannot hold it exactly
    wrong       (N, C)   1 for a wrong class; 0 for the target, and for the whole row if its target is out of range
    factor      (N, 1)   the factor of each row's slopes
    own         (N, 1)   the gradient at the target: -factor * the sum of the row's slopes

The sum of a row's slopes is multi_margin_loss_slope_sums_p1 for p = 1, and 2 * multi_margin_loss_rows_p1 for p = 2.
float16 scores are converted to float32, and slopes are rounded back once. The formula is in custom_ops/hinge.h.
"""

import tbe.dsl as dsl
from tbe import tvm
from tbe.common.utils import para_check

_FLOATS = ("float16", "float32")
_of_rows = para_check.check_op_params(
    *[para_check.REQUIRED_INPUT] * 4, para_check.REQUIRED_OUTPUT, para_check.KERNEL_NAME
)
_of_slopes = para_check.check_op_params(
    *[para_check.REQUIRED_INPUT] * 6, para_check.REQUIRED_OUTPUT, para_check.KERNEL_NAME
)


@_of_rows
def multi_margin_loss_rows_p1(scores, high, low, wrong, sums, kernel_name="multi_margin_loss_rows_p1"):
    _sum(lambda hinge: hinge, (scores, high, low, wrong), kernel_name)


@_of_rows
def multi_margin_loss_rows_p2(scores, high, low, wrong, sums, kernel_name="multi_margin_loss_rows_p2"):
    _sum(lambda hinge: dsl.vmul(hinge, hinge), (scores, high, low, wrong), kernel_name)


@_of_rows
def multi_margin_loss_slope_sums_p1(scores, high, low, wrong, sums, kernel_name="multi_margin_loss_slope_sums_p1"):
    _sum(_step, (scores, high, low, wrong), kernel_name)


@_of_slopes
def multi_margin_loss_slopes_p1(
    scores, high, low, wrong, factor, own, slopes, kernel_name="multi_margin_loss_slopes_p1"
):
    _scale(_step, (scores, high, low, wrong, factor, own), kernel_name)


@_of_slopes
def multi_margin_loss_slopes_p2(
    scores, high, low, wrong, factor, own, slopes, kernel_name="multi_margin_loss_slopes_p2"
):
    _scale(lambda hinge: dsl.vmuls(hinge, 2.0), (scores, high, low, wrong, factor, own), kernel_name)


def _sum(term, arguments, kernel_name):
    """Build the kernel for the row sums of `term(hinge)`, (N,)."""
    tensors = _placeholders(arguments)
    terms = term(_hinges(arguments[0]["shape"], *tensors))
    _build(dsl.reduce_sum(terms, axis=1), tensors, kernel_name)


def _scale(slope, arguments, kernel_name):
    """Build the kernel for factor * `slope(hinge)`, with `own` at the target.

    If a row's target is out of range, its `wrong` is 0 for every class and its `own` is 0, so its gradient is 0.
    """
    tensors = _placeholders(arguments)
    scores, high, low, wrong, factor, own = tensors
    shape = arguments[0]["shape"]
    gradient = dsl.vmul(dsl.broadcast(factor, shape), slope(_hinges(shape, scores, high, low, wrong)))
    gradient = dsl.vcmpsel(wrong, 0.0, "gt", gradient, dsl.broadcast(own, shape))
    _build(gradient if scores.dtype == "float32" else dsl.cast_to(gradient, scores.dtype), tensors, kernel_name)


def _hinges(shape, scores, high, low, wrong):
    """max(0, (high + x) + low) at wrong classes, 0 elsewhere.

    x is added to high first: if they nearly cancel, that sum is exact and low is not lost. NaN is not less than 0, so
    it stays. The last step selects 0 instead of multiplying by 0, because NaN * 0 and inf * 0 are NaN.
    """
    x = scores if scores.dtype == "float32" else dsl.cast_to(scores, "float32")
    z = dsl.vadd(dsl.vadd(dsl.broadcast(high, shape), x), dsl.broadcast(low, shape))
    hinges = dsl.vcmpsel(z, 0.0, "lt", 0.0, z)
    return dsl.vcmpsel(wrong, 0.0, "gt", hinges, 0.0)


def _step(hinge):
    """1 where a hinge is positive, 0 at 0, NaN at NaN."""
    return dsl.vcmpsel(hinge, 0.0, "gt", 1.0, hinge)


def _placeholders(arguments):
    scores = arguments[0]["dtype"].lower()
    para_check.check_dtype(scores, _FLOATS, param_name="scores")
    dtypes = [scores, *["float32"] * (len(arguments) - 1)]
    return [
        tvm.placeholder(argument["shape"], name=f"argument_{i}", dtype=dtype)
        for i, (argument, dtype) in enumerate(zip(arguments, dtypes))
    ]


def _build(result, tensors, kernel_name):
    with tvm.target.cce():
        schedule = dsl.auto_schedule(result)
    dsl.build(schedule, {"name": kernel_name, "tensor_list": [*tensors, result]})
