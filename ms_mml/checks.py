"""The checks of the arguments: each documented `Raises`.

The checks need only Python values, dtypes and shapes. In graph mode `constexpr` runs them during compilation, so a
compiled graph contains no checks. A dynamic shape, or a dynamic dimension, is None during compilation; the kernel
checks it at run time.
"""

import functools
import math

import numpy as np
from mindspore import Parameter, Tensor
from mindspore import dtype as mstype
from mindspore._c_expression.amp import get_curr_amp_strategy
from mindspore.ops import constexpr

from ms_mml.compilation import Variable, compile_time, mixes_precision

REDUCTIONS = ("none", "mean", "sum")
# Graph mode converts these types of NumPy, and no others, to int before an operator sees them.
INTS = (int, np.int8, np.int16, np.int64, np.uint8, np.uint16, np.uint64)
NUMBERS = (*INTS, float, np.floating)
INPUT_DTYPES = (mstype.float32, mstype.float16, mstype.float64)  # searched in this order by every eager call


def _fail(error, message):
    raise error(f"For 'multi_margin_loss', {message}.")


def _name(dtype):
    return str(dtype).lower()


def _check_floating(name, dtype):
    if dtype not in INPUT_DTYPES:
        _fail(TypeError, f"the dtype of '{name}' must be one of float16, float32, float64, but got {_name(dtype)}")


def check_options(p, margin, reduction, float_margin):
    """Check the arguments other than tensors; return them as an int, an int or a float, and a str."""
    p = _number("p", p, INTS)
    if p not in (1, 2):
        _fail(ValueError, f"'p' must be 1 or 2, but got {_text(p)}")
    reduction = _reduction(reduction)
    margin = _number("margin", margin, NUMBERS if float_margin else INTS)
    if isinstance(margin, int) and not -(2**63) <= margin < 2**63:
        _fail(ValueError, f"'margin' must be in the range of int64, but got {_text(margin)}")
    if not math.isfinite(margin):
        _fail(ValueError, f"'margin' must be finite, but got {margin}")
    return p, margin, reduction


def _text(number):
    """The number, or the size of an int that is too long for a message; Python converts 4300 digits at most."""
    long = isinstance(number, int) and number.bit_length() > 256
    return f"an int of {number.bit_length()} bits" if long else str(number)


def _number(name, value, types):
    if not isinstance(value, types) or isinstance(value, bool):
        _wrong_type(name, "int" if types is INTS else "int or float", value)
    return int(value) if isinstance(value, INTS) else float(value)


def _reduction(value):
    if isinstance(value, bytes):  # graph mode converts it to str before an operator sees it
        value = value.decode(errors="replace")
    if not isinstance(value, str):
        _wrong_type("reduction", "str", value)
    if value not in REDUCTIONS:
        _fail(ValueError, f"'reduction' must be one of {', '.join(map(repr, REDUCTIONS))}, but got {value!r}")
    return REDUCTIONS[REDUCTIONS.index(value)]  # a str, where the value may be of a subclass


def _wrong_type(name, expected, value):
    if isinstance(value, Variable):
        _fail(
            TypeError,
            f"the type of '{name}' must be {expected} and, in graph mode, its value a constant, but got a variable of"
            f" type {value.type}",
        )
    _fail(TypeError, f"the type of '{name}' must be {expected}, but got {value!r} of type {type(value).__name__}")


def check_weight(weight):
    """Check the weight of a Cell's constructor."""
    if weight is None:
        return
    if not isinstance(weight, Tensor):
        _not_a_tensor("weight", weight)
    _check_floating("weight", weight.dtype)
    if weight.has_init and not isinstance(weight, Parameter):
        weight.init_data()  # a Tensor of mindspore.common.initializer has no values until then


@compile_time
def _not_a_tensor(name, got):
    got_type = got.type if isinstance(got, Variable) else type(got).__name__
    _fail(TypeError, f"the type of '{name}' must be Tensor, but got {got_type}")


@constexpr(check=False)
@functools.lru_cache(maxsize=1024)  # a lookup takes less of an eager call than the check
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
        _not_a_tensor("input", input)


_ONE = Tensor(1.0, mstype.float32)


def _eager_casts(*dtypes):
    """Whether mixed precision casts the inputs of operators, after this check; so their dtypes may still differ."""
    if any(dtype not in INPUT_DTYPES for dtype in dtypes):
        return False
    return get_curr_amp_strategy() is not None or (_ONE + _ONE).dtype != _ONE.dtype


def _graph_casts(*dtypes):
    """The same in graph mode, where only the level 'auto' casts after this check."""
    return all(dtype in INPUT_DTYPES for dtype in dtypes) and mixes_precision()


_casts = compile_time(_eager_casts, _graph_casts)


def check_tensors(input, target, weight):
    """Check the tensors of the function or the Cell; `weight` may be None."""
    check_input(input)
    if not isinstance(target, Tensor):
        _not_a_tensor("target", target)
    if weight is None:
        _check_dtypes_and_shapes(input.dtype, input.shape, target.dtype, target.shape, None, None)
    else:
        if not isinstance(weight, Tensor):
            _not_a_tensor("weight", weight)
        weight_dtype = weight.dtype
        if weight_dtype != input.dtype and _casts(input.dtype, weight_dtype):
            weight_dtype = input.dtype
        _check_dtypes_and_shapes(input.dtype, input.shape, target.dtype, target.shape, weight_dtype, weight.shape)
