"""The loss by the op package for Ascend (custom_ops/ascend/ascendc), whose kernels work on rows.

They give the sum of each row's hinges, and its slopes, in float32. What needs no loop over the classes is MindSpore's
operators, and so is what lies beyond the first derivatives.
"""

import functools

import numpy as np
from mindspore import Tensor, ops
from mindspore import dtype as mstype
from mindspore.ops import constexpr

from ms_mml import library
from ms_mml.fallback import gradient_backward, loss_of_sums

EXCEPT = "float64, no rows at all, and shapes that graph mode does not know when it compiles"


@constexpr(check=False)
def takes(dtype, shape):
    """Whether the kernels take scores of this dtype and shape. If not, the composite does, and it is said once."""
    if shape is None or None in shape:
        library.fall_back("no kernel on Ascend for shapes that graph mode does not know when it compiles")
        return False
    rows, classes = shape
    if dtype == mstype.float64:
        library.fall_back("no kernel on Ascend for float64")
        return False
    if classes >= 2**31:
        library.fall_back(f"no kernel on Ascend for {classes} classes, as targets are int32 there")
        return False
    return rows > 0  # where there are none, nothing is missing


def loss(row_sums, margin, input, target, weight, reduction):
    """The loss, given the operator for the sums of rows and the margin as it takes it."""
    in_range = ops.logical_and(target >= 0, target < ops.shape(input)[1])
    target32 = ops.cast(ops.where(in_range, target, -ops.ones_like(target)), mstype.int32)
    sums = ops.reshape(row_sums(input, target32, margin), (-1, 1))
    return loss_of_sums(sums, input, target, weight, reduction)


@functools.cache
def margin_tensor(margin):
    """The margin as the kernels take it: a float32, and what that lacks, by their bits, which mixed precision leaves
    alone."""
    high = np.float32(margin)
    return Tensor(np.array([high, margin - float(high)], np.float32).view(np.int32))


@functools.cache
def row_sums(p, margin):
    """The sum of each row's powers of hinges, 0 for a target of -1: (input, target, margin) -> (N,) of float32."""
    slopes = _slopes(p, margin)

    def bprop(input, target, margin_bits, out, dout):
        return slopes(dout, input, target, margin_bits), ops.zeros_like(target), ops.zeros_like(margin_bits)

    return operator(f"MultiMarginLossRowsP{p}", lambda input, *_: input[:1], lambda *_: mstype.float32, bprop)


@functools.cache
def _slopes(p, margin):
    """Slopes times each row's factor, minus their sum at the target: (factor, input, target, margin) -> (N, C)."""

    def bprop(factor, input, target, margin_bits, out, d_out):
        # The gradient of a sum of rows with these factors, but that theirs is divided by C.
        classes = ops.shape(input)[1]
        d_factor, d_input, _ = gradient_backward(factor * classes, input, target, None, d_out, p, margin, "none")
        return d_factor * classes, d_input, ops.zeros_like(target), ops.zeros_like(margin_bits)

    return operator(f"MultiMarginLossSlopesP{p}", lambda _, input, *__: input, lambda _, input, *__: input, bprop)


def operator(name, out_shape, out_dtype, bprop):
    """An operator of the op package. MindSpore compiles what calls it, with g++ and into MS_COMPILER_CACHE_PATH."""
    return ops.Custom(f"aclnn{name}", out_shape, out_dtype, "aot", bprop)
