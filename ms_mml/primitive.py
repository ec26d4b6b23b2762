"""The kernels as MindSpore operators: one `ops.Custom` for each operator, p and reduction, with and without weights.

The first derivatives are kernels. Higher derivatives are the same formula in MindSpore's own operators. Those take the
margin as a Python number, so each margin has its own `ops.Custom` objects.
"""

import functools
from typing import NamedTuple

import mindspore
import numpy as np
from mindspore import Tensor, ops
from mindspore.common import _Function
from mindspore.nn.cell import _pynative_executor  # its own module has moved between versions, with a warning
from mindspore.ops import CustomRegOp, DataType

from ms_mml.checks import INPUT_DTYPES
from ms_mml.ctypes_interface import symbol
from ms_mml.fallback import gradient_backward, zeros_like


class Options(NamedTuple):
    """The path of the kernel library, the options of the loss, and whether it is given weights."""

    library: str
    p: int
    margin: float
    reduction: str
    weighted: bool


@functools.cache
def margin_tensor(margin):
    """The margin as the kernels take it: the bits of a float64 as an int64, which mixed precision does not cast."""
    return Tensor(np.array(margin, np.float64).view(np.int64))


# ----------------------------------------------------------------------------------------------------------------------
# The three operators. Each has a function that makes its bprop; graph mode requires a bprop with a fixed number of
# parameters, so there is one for calls with weights and one for calls without.
# ----------------------------------------------------------------------------------------------------------------------


@functools.cache
def loss_kernel(options):
    """The loss: (input, target, margin[, weight]) -> (N,) or ()."""
    out_shape = (lambda input, *_: input[:1]) if options.reduction == "none" else ()
    make_bprop = _weighted_loss_bprop if options.weighted else _loss_bprop
    return Kernel("", options, ["input", "target", "margin"], out_shape, make_bprop)


@functools.cache
def gradient_kernel(options):
    """The gradient of the loss with respect to input: (dout, input, target, margin[, weight]) -> (N, C)."""
    make_bprop = _weighted_gradient_bprop if options.weighted else _gradient_bprop
    return Kernel("Grad", options, ["dout", "input", "target", "margin"], lambda dout, input, *_: input, make_bprop)


@functools.cache
def weight_gradient_kernel(options):
    """The gradient of the loss with respect to weight: (dout, input, target, margin) -> (C,)."""
    out_shape = lambda dout, input, *_: input[1:]  # noqa: E731
    return Kernel("WeightGrad", options, ["dout", "input", "target", "margin"], out_shape, _weight_gradient_bprop)


def _loss_bprop(options, zeros_like):
    gradient = gradient_kernel(options)

    def bprop(input, target, margin, out, dout):
        return gradient(dout, input, target, margin), zeros_like(target), zeros_like(margin)

    return bprop


def _weighted_loss_bprop(options, zeros_like):
    gradient, weight_gradient = gradient_kernel(options), weight_gradient_kernel(options)

    def bprop(input, target, margin, weight, out, dout):
        d_input = gradient(dout, input, target, margin, weight)
        return d_input, zeros_like(target), zeros_like(margin), weight_gradient(dout, input, target, margin)

    return bprop


def _gradient_bprop(options, zeros_like):
    _, p, margin, reduction, _ = options

    def bprop(dout, input, target, margin_bits, out, d_out):
        d_dout, d_input, _ = gradient_backward(dout, input, target, None, d_out, p, margin, reduction)
        return d_dout, d_input, zeros_like(target), zeros_like(margin_bits)

    return bprop


def _weighted_gradient_bprop(options, zeros_like):
    _, p, margin, reduction, _ = options

    def bprop(dout, input, target, margin_bits, weight, out, d_out):
        d_dout, d_input, d_weight = gradient_backward(dout, input, target, weight, d_out, p, margin, reduction)
        return d_dout, d_input, zeros_like(target), zeros_like(margin_bits), d_weight

    return bprop


def _weight_gradient_bprop(options, zeros_like):
    """The loss is linear in the weight. So the gradient with respect to dout is the loss, and the gradient with respect
    to input is the loss's gradient, with the incoming tensor as the weight."""

    def bprop(dout, input, target, margin, out, d_out):
        d_dout = loss_kernel(options)(input, target, margin, d_out)
        d_input = gradient_kernel(options)(dout, input, target, margin, d_out)
        return d_dout, d_input, zeros_like(target), zeros_like(margin)

    return bprop


# ----------------------------------------------------------------------------------------------------------------------
# An exported function of the kernel library as an operator
# ----------------------------------------------------------------------------------------------------------------------


class Kernel(ops.Custom):
    """An exported function of the kernel library as a MindSpore operator.

    In graph mode the library infers the output's shape, as dynamic shapes require. In PyNative mode `out_shape` does,
    which is faster; it is a shape, or a function of the shapes of the inputs. `make_bprop(options, zeros_like)` makes
    the bprop; `zeros_like` makes the gradient of an input that has none.
    """

    def __init__(self, operator, options, inputs, out_shape, make_bprop):
        function = symbol(operator, options.p, options.reduction)
        path = f"{options.library}:{function}"
        if options.weighted and operator != "WeightGrad":
            inputs = [*inputs, "weight"]
        # One function serves calls with and without weights, so the name of the registration lists the inputs.
        # MindSpore requires at least one attribute for shape inference by the library; its value is unused.
        registration = CustomRegOp(f"{function}_{'_'.join(inputs)}")
        registration.target(mindspore.get_current_device().device_target)
        for index, name in enumerate(inputs):
            registration.input(index, name)
        registration.output(0, "output").attr("unused", "optional", "int", value=0)
        registration.dtype_format(*[DataType.None_None] * (len(inputs) + 1))
        registered = registration.get_op_info()
        super().__init__(path, None, _dtype_of_first, "aot", make_bprop(options, zeros_like), registered)
        self.add_prim_attr("input_names", inputs)
        self._eager = _EagerKernel(path, out_shape, _dtype_of_first, "aot", None, registered)
        self._eager_with_gradient = _eager_function(self._eager, make_bprop(options, _no_gradient))

    def __call__(self, *args):
        return self._eager_with_gradient(*args) if _pynative_executor.requires_grad() else self._eager(*args)


class _EagerKernel(ops.Custom):
    """The operator in PyNative mode, where this inference of shape and dtype is faster than that of `ops.Custom`."""

    def __infer__(self, *args):
        shape = self.out_shape(*[arg["shape"] for arg in args]) if callable(self.out_shape) else self.out_shape
        return {"shape": shape, "dtype": _dtype_of_first(args[0]["dtype"]), "value": None}


def _dtype_of_first(dtype, *_):
    """The output's dtype is that of the first input. Mixed precision may have cast it to one without a kernel."""
    if dtype.element_type() not in INPUT_DTYPES:
        raise TypeError(f"For 'multi_margin_loss', there is no kernel for {str(dtype.element_type()).lower()}.")
    return dtype


def _eager_function(kernel, bprop):
    """The function of tensors that runs a kernel in PyNative mode with this gradient.

    A bprop of the operator would do the same, but converts five tensors in each call, which takes longer than a small
    loss.
    """

    class Function(_Function):
        @staticmethod
        def forward(context, *inputs):
            context.save_for_backward(*inputs)
            return kernel(*inputs)

        @staticmethod
        def backward(context, dout):
            inputs = context.saved_tensors
            if dout.dtype != inputs[0].dtype:  # a hook of the caller may have changed it
                dout = dout.astype(inputs[0].dtype)
            return bprop(*inputs, None, dout)

    return Function.apply


def _no_gradient(tensor):
    return None
