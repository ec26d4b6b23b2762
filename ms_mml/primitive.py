"""The kernels as MindSpore operators: one `ops.Custom` for each operator, p, reduction and with or without weights.

The first derivatives are kernels. What lies beyond them is the same formula written in MindSpore's operators, which
MindSpore differentiates to any order; they take the margin as a Python number, so each margin has kernels of its own.
"""

import functools

import mindspore
import numpy as np
from mindspore import Tensor, ops
from mindspore.ops import CustomRegOp, DataType

from ms_mml.checks import INPUT_DTYPES
from ms_mml.ctypes_interface import symbol
from ms_mml.fallback import gradient_backward


class Kernel(ops.Custom):
    """An entry point of the kernel library.

    In a graph its output shape is inferred by the library, which dynamic shapes need; called in PyNative mode by
    `out_shape`, a shape or a function of the inputs' shapes, which is faster there. `derivative(zeros_like)` is its
    bprop, given what makes the gradient of an input that has none.
    """

    def __init__(self, library, function, inputs, out_shape, derivative):
        path = f"{library}:{function}"
        # One symbol serves both with and without weights: the registration keeps the two apart by their names. Shape
        # inference by the library needs an attribute, any.
        registration = CustomRegOp(f"{function}_{'_'.join(inputs)}").target(
            mindspore.get_current_device().device_target
        )
        for index, name in enumerate(inputs):
            registration.input(index, name)
        registration.output(0, "output").attr("unused", "optional", "int", value=0)
        registration.dtype_format(*[DataType.None_None] * (len(inputs) + 1))
        super().__init__(path, None, _dtype_of_first, "aot", derivative(ops.zeros_like), registration.get_op_info())
        self.add_prim_attr("input_names", inputs)
        bprop = derivative(_zeros_like)
        self._eager = _EagerKernel(path, out_shape, _dtype_of_first, "aot", bprop, registration.get_op_info())

    def __call__(self, *args):
        return self._eager(*args)


class _EagerKernel(ops.Custom):
    """The same in PyNative mode. `ops.Custom` infers for every call: this does it in a fraction of the time."""

    def __infer__(self, *args):
        shape = self.out_shape(*[arg["shape"] for arg in args]) if callable(self.out_shape) else self.out_shape
        return {"shape": shape, "dtype": _dtype_of_first(args[0]["dtype"]), "value": None}


def _zeros_like(tensor):
    """The same tensor every time: to make one in PyNative mode costs as much as the loss of a small batch."""
    return _zeros(tensor.shape)


@functools.lru_cache(maxsize=8)
def _zeros(shape):
    return Tensor(np.zeros(shape, np.int64))


def _dtype_of_first(dtype, *_):
    """The output's dtype: that of the first input, which mixed precision may have made one that has no kernel."""
    if dtype.element_type() not in INPUT_DTYPES:
        raise TypeError(f"For 'multi_margin_loss', there is no kernel for {str(dtype.element_type()).lower()}.")
    return dtype


def _inputs(*names, weighted):
    return [*names, "weight"] if weighted else list(names)


@functools.cache
def margin_tensor(margin):
    """The margin as the kernels take it: the bits of a float64, which mixed precision leaves alone."""
    return Tensor(np.array(margin, np.float64).view(np.int64))


@functools.cache
def loss_kernel(library, p, margin, reduction, weighted):
    """The loss: (input, target, margin[, weight]) -> (N,) or ()."""
    gradient = gradient_kernel(library, p, margin, reduction, weighted)
    weight_gradient = weight_gradient_kernel(library, p, margin, reduction) if weighted else None

    def derivative(zeros_like):
        def bprop(input, target, margin_bits, out, dout):
            return gradient(dout, input, target, margin_bits), zeros_like(target), zeros_like(margin_bits)

        def bprop_weighted(input, target, margin_bits, weight, out, dout):
            return (
                gradient(dout, input, target, margin_bits, weight),
                zeros_like(target),
                zeros_like(margin_bits),
                weight_gradient(dout, input, target, margin_bits),
            )

        return bprop_weighted if weighted else bprop

    return Kernel(
        library,
        symbol("", p, reduction),
        _inputs("input", "target", "margin", weighted=weighted),
        (lambda input, *_: input[:1]) if reduction == "none" else (),
        derivative,
    )


@functools.cache
def gradient_kernel(library, p, margin, reduction, weighted):
    """The gradient of the loss with respect to input: (dout, input, target, margin[, weight]) -> (N, C)."""

    def derivative(zeros_like):
        def bprop(dout, input, target, margin_bits, out, d_out):
            d_dout, d_input, _ = gradient_backward(dout, input, target, None, d_out, p, margin, reduction)
            return d_dout, d_input, zeros_like(target), zeros_like(margin_bits)

        def bprop_weighted(dout, input, target, margin_bits, weight, out, d_out):
            d_dout, d_input, d_weight = gradient_backward(dout, input, target, weight, d_out, p, margin, reduction)
            return d_dout, d_input, zeros_like(target), zeros_like(margin_bits), d_weight

        return bprop_weighted if weighted else bprop

    return Kernel(
        library,
        symbol("Grad", p, reduction),
        _inputs("dout", "input", "target", "margin", weighted=weighted),
        lambda dout, input, *_: input,
        derivative,
    )


@functools.cache
def weight_gradient_kernel(library, p, margin, reduction):
    """The gradient of the loss with respect to weight: (dout, input, target, margin) -> (C,).

    The loss is linear in the weight, so what comes back through this gradient is the loss itself, and its gradient,
    with the incoming tensor in the weight's place.
    """

    def derivative(zeros_like):
        def bprop(dout, input, target, margin_bits, out, d_out):
            loss = loss_kernel(library, p, margin, reduction, True)
            gradient = gradient_kernel(library, p, margin, reduction, True)
            return (
                loss(input, target, margin_bits, d_out),
                gradient(dout, input, target, margin_bits, d_out),
                zeros_like(target),
                zeros_like(margin_bits),
            )

        return bprop

    return Kernel(
        library,
        symbol("WeightGrad", p, reduction),
        _inputs("dout", "input", "target", "margin", weighted=False),
        lambda dout, input, *_: input[1:],
        derivative,
    )
