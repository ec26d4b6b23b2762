"""The checks of the arguments: each documented `Raises`.

The checks need only Python values, dtypes and shapes. In graph mode `constexpr` runs them during compilation, so a
compiled graph contains no checks. A dynamic shape, or a dynamic dimension, is None during compilation; the kernel
checks it at run time.
"""

import math

from mindspore import Tensor
from mindspore import dtype as mstype
from mindspore.ops import constexpr

REDUCTIONS = ("none", "mean", "sum")
INPUT_DTYPES = (mstype.float32, mstype.float16, mstype.float64)  # searched in this order by every eager call


def _fail(error, message):
    raise error(f"For 'multi_margin_loss', {message}.")


def _name(dtype):
    return str(dtype).lower()


def _check_floating(name, dtype):
    if dtype not in INPUT_DTYPES:
        _fail(TypeError, f"the dtype of '{name}' must be one of float16, float32, float64, but got {_name(dtype)}")


def _check_p_and_reduction(p, reduction):
    if not isinstance(p, int) or isinstance(p, bool):
        _fail(TypeError, f"the type of 'p' must be int, but got {p!r} of type {type(p).__name__}")
    if p not in (1, 2):
        _fail(ValueError, f"'p' must be 1 or 2, but got {p}")
    if not isinstance(reduction, str):
        _fail(
            TypeError, f"the type of 'reduction' must be str, but got {reduction!r} of type {type(reduction).__name__}"
        )
    if reduction not in REDUCTIONS:
        _fail(ValueError, f"'reduction' must be one of {', '.join(map(repr, REDUCTIONS))}, but got {reduction!r}")


def check_options(p, margin, reduction, margin_types):
    """Check the arguments other than tensors. The margin must be of one of `margin_types`."""
    _check_p_and_reduction(p, reduction)
    _check_margin(margin, margin_types)


def _check_margin(margin, types):
    if not isinstance(margin, types) or isinstance(margin, bool):
        names = " or ".join(t.__name__ for t in types)
        _fail(TypeError, f"the type of 'margin' must be {names}, but got {margin!r} of type {type(margin).__name__}")
    if isinstance(margin, int) and not -(2**63) <= margin < 2**63:
        _fail(ValueError, f"'margin' must be in the range of int64, but got {margin}")
    if not math.isfinite(margin):
        _fail(ValueError, f"'margin' must be finite, but got {margin}")


def check_weight(weight):
    """Check the weight of a Cell's constructor."""
    if weight is None:
        return
    if not isinstance(weight, Tensor):
        _not_a_tensor("weight", type(weight))
    _check_floating("weight", weight.dtype)


@constexpr(check=False)
def _not_a_tensor(name, got):
    _fail(TypeError, f"the type of '{name}' must be Tensor, but got {got.__name__}")


@constexpr(check=False)
def _check_dtypes_and_shapes(input_dtype, input_shape, target_dtype, target_shape, weight_dtype, weight_shape):
    _check_floating("input", input_dtype)
    if target_dtype != mstype.int64:
        _fail(TypeError, f"the dtype of 'target' must be int64, but got {_name(target_dtype)}")
    if weight_dtype is not None and weight_dtype != input_dtype:
        _fail(
            TypeError,
            f"the dtype of 'weight' must be that of 'input', {_name(input_dtype)}, but got {_name(weight_dtype)}",
        )
    for name, shape, rank in (("input", input_shape, 2), ("target", target_shape, 1), ("weight", weight_shape, 1)):
        if shape is not None and len(shape) != rank:
            _fail(ValueError, f"the rank of '{name}' must be {rank}, but got shape {shape}")
    if input_shape is None:
        return
    rows, classes = input_shape
    if classes == 0:
        _fail(ValueError, f"shape[1] of 'input' must be at least 1, but got shape {input_shape}")
    for name, shape, axis, size in (("target", target_shape, 0, rows), ("weight", weight_shape, 1, classes)):
        if shape is not None and size is not None and shape[0] not in (None, size):
            _fail(ValueError, f"shape[0] of '{name}' must be shape[{axis}] of 'input', {size}, but got {shape[0]}")


def check_input(input):
    """Check that the input is a Tensor and so has a dtype."""
    if not isinstance(input, Tensor):
        _not_a_tensor("input", type(input))


def check_tensors(input, target, weight):
    """Check the tensors of the function or the Cell; `weight` may be None."""
    check_input(input)
    if not isinstance(target, Tensor):
        _not_a_tensor("target", type(target))
    if weight is None:
        _check_dtypes_and_shapes(input.dtype, input.shape, target.dtype, target.shape, None, None)
    else:
        if not isinstance(weight, Tensor):
            _not_a_tensor("weight", type(weight))
        _check_dtypes_and_shapes(input.dtype, input.shape, target.dtype, target.shape, weight.dtype, weight.shape)
