"""The loss on the AKG kernels, in MindSpore's operators. Every dtype is computed in float64.

float32 sums would be less accurate than the contract asks: the sum of 100000 nearly cancelling hinges of float16 scores
is 2 ulp off.
"""

import mindspore as ms
from mindspore import ops
from mindspore.ops import constexpr

from custom_ops.ascend.akg import kernels
from ms_mml.checks import check_options, check_tensors
from ms_mml.compilation import compile_time
from ms_mml.fallback import composite, is_zero, loss_of_sums


def loss(input, target, p=1, margin=1, weight=None, reduction="mean"):
    p, margin, reduction = _check_options(p, margin, reduction)
    check_tensors(input, target, weight)
    if is_zero(ops.shape(input)[0]):  # AKG does not compile a loop over no rows
        return composite(input, target, p, margin, weight, reduction)
    x, classes = ops.cast(input, ms.float64), ops.shape(input)[1]
    in_range = ops.logical_and(target >= 0, target < classes)
    target_in_range = ops.where(in_range, target, ops.zeros_like(target))
    x = ops.where(ops.expand_dims(in_range, 1), x, ops.zeros_like(x))  # otherwise a NaN would reach the gradients
    score = ops.gather_elements(x, 1, ops.expand_dims(target_in_range, 1))
    gap = ops.stop_gradient(_constant(margin, x.dtype) - ops.reshape(score, (-1,)))
    rows = _rows_p1 if p == 1 else _rows_p2
    sums = rows(x, gap, target_in_range, _constant(0, x.dtype))
    return loss_of_sums(ops.reshape(sums, (-1, 1)), input, target, weight, reduction)


@compile_time
def _check_options(p, margin, reduction):
    return check_options(p, margin, reduction, False)


@constexpr
def _constant(value, dtype):
    return ms.Tensor([value], dtype)


def _bprop_p1(x, gap, target, zero, out, dout):
    own = -dout * _active_p1(x, gap, target, zero, zero + 1)
    slopes = _slopes_p1(dout, x, gap, target, own, zero)
    return slopes, ops.zeros_like(gap), ops.zeros_like(target), ops.zeros_like(zero)


def _bprop_p2(x, gap, target, zero, out, dout):
    own = -2 * dout * _rows_p1(x, gap, target, zero)
    slopes = _slopes_p2(dout, x, gap, target, own, zero)
    return slopes, ops.zeros_like(gap), ops.zeros_like(target), ops.zeros_like(zero)


_rows_p1 = ops.Custom(kernels.rows_p1, func_type="hybrid", bprop=_bprop_p1)
_rows_p2 = ops.Custom(kernels.rows_p2, func_type="hybrid", bprop=_bprop_p2)
_active_p1 = ops.Custom(kernels.active_p1, func_type="hybrid")
_slopes_p1 = ops.Custom(kernels.slopes_p1, func_type="hybrid")
_slopes_p2 = ops.Custom(kernels.slopes_p2, func_type="hybrid")
