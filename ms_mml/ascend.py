"""The loss on Ascend, with the kernels of the op package (custom_ops/ascend/ascendc).

The kernels compute the sum of each row's powered hinges, and its slopes, in float32. MindSpore's operators do the rest,
which needs no loop over the classes, and compute derivatives beyond the first.
"""

import functools

import numpy as np
from mindspore import Tensor, ops
from mindspore import dtype as mstype
from mindspore.ops import constexpr

from ms_mml import library
from ms_mml.ctypes_interface import symbol
from ms_mml.fallback import gradient_backward, loss_of_sums, zeros_like

WITHOUT_KERNEL = "float64, empty batches, and shapes unknown when a graph is compiled"


@constexpr(check=False)
def takes(dtype, shape):
    """Whether the kernels support scores of this dtype and shape. If not, the fallback runs, with one warning."""
    if shape is None or None in shape:
        library.fall_back("no kernel on Ascend for shapes unknown when the graph is compiled")
        return False
    rows, classes = shape
    if dtype == mstype.float64:
        library.fall_back("no kernel on Ascend for float64")
        return False
    if classes >= 2**31:
        library.fall_back(f"no kernel on Ascend for {classes} classes, because its targets are int32")
        return False
    return rows > 0  # the fallback computes an empty batch, without a warning


def loss(row_sums, margin, input, target, weight, reduction):
    """The loss, given the operator for the row sums and its margin argument."""
    in_range = ops.logical_and(target >= 0, target < ops.shape(input)[1])
    target32 = ops.cast(ops.where(in_range, target, -ops.ones_like(target)), mstype.int32)
    sums = ops.reshape(row_sums(input, target32, margin), (-1, 1))
    return loss_of_sums(sums, input, target, weight, reduction)


@functools.cache
def margin_tensor(margin):
    """The margin as the kernels take it: as the sum of two float32 numbers.

    They are passed as their int32 bits, because mixed precision would convert floating-point inputs to float16.
    """
    high = np.float32(margin)
    return Tensor(np.array([high, margin - float(high)], np.float32).view(np.int32))


@functools.cache
def row_sums(p, margin):
    """The sum of each row's powered hinges, 0 if the target is -1: (input, target, margin) -> (N,), float32."""
    slopes = _slopes(p, margin)

    def bprop(input, target, margin_bits, out, dout):
        return slopes(dout, input, target, margin_bits), zeros_like(target), zeros_like(margin_bits)

    return operator(symbol("Rows", p), lambda input, *_: input[:1], lambda *_: mstype.float32, bprop)


@functools.cache
def _slopes(p, margin):
    """The gradient of factor * the row sums: (factor, input, target, margin) -> (N, C)."""

    def bprop(factor, input, target, margin_bits, out, d_out):
        # gradient_backward divides its upstream gradient by C, and the kernel does not divide its factor.
        classes = ops.shape(input)[1]
        d_factor, d_input, _ = gradient_backward(factor * classes, input, target, None, d_out, p, margin, "none")
        return d_factor * classes, d_input, zeros_like(target), zeros_like(margin_bits)

    return operator(symbol("Slopes", p), lambda _, input, *__: input, lambda _, input, *__: input, bprop)


def operator(name, out_shape, out_dtype, bprop):
    """An operator of the op package. MindSpore compiles a caller for it with g++, in MS_COMPILER_CACHE_PATH."""
    return ops.Custom(f"aclnn{name}", out_shape, out_dtype, "aot", bprop)
