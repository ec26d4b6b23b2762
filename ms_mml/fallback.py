"""The multi-margin loss written in MindSpore's own operators: every device, any order of derivative.

It runs where a device has no kernel library, and carries the kernels' derivatives beyond the first. float16 is computed
in float32, and float32 in float64, except on Ascend, which has none.
"""

import mindspore
from mindspore import Tensor, ops
from mindspore import dtype as mstype
from mindspore.ops import constexpr

from ms_mml.checks import check_options, check_tensors


def composite(input, target, p=1, margin=1, weight=None, reduction="mean"):
    r"""
    :func:`ms_mml.multi_margin_loss` in MindSpore's own operators.

    It takes the same arguments, raises the same errors and gives the same results within the rounding of its dtype. A
    target outside :math:`[0, C)` cannot raise here: that row's loss is NaN and its gradient 0.

    Args:
        input (Tensor): Scores :math:`x` of shape :math:`(N, C)`: float16, float32 or float64.
        target (Tensor): Class of each row, shape :math:`(N,)`, int64, in :math:`[0, C)`.
        p (int, optional): The power, 1 or 2. Default: ``1`` .
        margin (int, optional): The margin. Default: ``1`` .
        weight (Tensor, optional): Weight of each class, shape :math:`(C,)`, dtype of `input`. Default: ``None`` .
        reduction (str, optional): ``'none'`` , ``'mean'`` or ``'sum'`` . Default: ``'mean'`` .

    Returns:
        Tensor, of the dtype of `input`; shape :math:`(N,)` if `reduction` is ``'none'``, otherwise a scalar.

    Raises:
        TypeError: As :func:`ms_mml.multi_margin_loss`.
        ValueError: As :func:`ms_mml.multi_margin_loss`.

    Supported Platforms:
        ``CPU``; ``GPU`` and ``Ascend``, not run on a device yet

    Examples:
        >>> import numpy as np
        >>> import mindspore as ms
        >>> from ms_mml import composite
        >>> input = ms.Tensor(np.ones((3, 3)), ms.float32)
        >>> target = ms.Tensor([1, 2, 1], ms.int64)
        >>> print(composite(input, target))
        0.6666667
    """
    check_documented_options(p, margin, reduction)
    check_tensors(input, target, weight)
    return composite_loss(input, target, p, margin, weight, reduction)


@constexpr(check=False)
def check_documented_options(p, margin, reduction):
    check_options(p, margin, reduction, (int,))


def composite_loss(input, target, p, margin, weight, reduction):
    """`composite` without its checks, and for any float margin."""
    x, column = widen(input), ops.expand_dims(target, 1)
    hinge = _hinge(x, _is_target(x, column), margin)
    sums = _sum(_step(hinge) * hinge if p == 1 else hinge * hinge, 1)
    return loss_of_sums(sums, input, target, weight, reduction)


def loss_of_sums(sums, input, target, weight, reduction):
    """The loss, given the sum of each row's powers of hinges, (N, 1): what a kernel may leave to others."""
    rows, classes = ops.shape(input)
    target = ops.expand_dims(target, 1)
    in_range = ops.logical_and(target >= 0, target < classes)
    row = sums / classes
    if weight is not None and not is_zero(rows):  # MindSpore cannot gather for no rows
        row = row * _pick_weight(target, in_range, weight)
    row = ops.where(in_range, row, ops.full_like(row, float("nan")))
    return ops.cast(_reduce(row, reduction), input.dtype)


def gradient_backward(dout, input, target, weight, d_out, p, margin, reduction):
    r"""
    Carry a gradient back through the loss's input gradient.

    With :math:`g` the upstream gradient of each row and :math:`v` the incoming tensor, that gradient contributes

    .. math::
        \phi = \sum_n g_n \frac{weight[y_n]}{C} \sum_{i \ne y_n} p \, h_{ni}^{p-1} (v_{ni} - v_{n y_n})

    and this returns the derivatives of :math:`\phi` with respect to `dout`, `input` and `weight`.
    """
    x, v, target = widen(input), widen(d_out), ops.expand_dims(target, 1)
    upstream = ops.reshape(widen(dout), (-1, 1))
    classes = ops.shape(x)[1]
    if reduction == "mean":
        upstream = upstream / ops.shape(x)[0]
    is_target = _is_target(x, target)
    hinge = _hinge(x, is_target, margin)
    slope = _step(hinge) if p == 1 else 2 * hinge
    difference = v - _pick(is_target, v)
    per_row = _sum(slope * difference, 1) / classes
    weight_of_row = ops.ones_like(per_row) if weight is None else ops.gather(widen(weight), target, 0)

    d_dout = ops.cast(_reduce(weight_of_row * per_row, reduction), dout.dtype)
    d_input = ops.zeros_like(input)
    if p == 2:
        active = ops.cast(hinge > 0, x.dtype)
        curvature = 2 * active * difference * (upstream * weight_of_row / classes)
        d_input = ops.cast(ops.where(is_target, -_sum(curvature, 1), curvature), input.dtype)
    d_weight = None
    if weight is not None:
        per_class = _sum_rows(ops.where(is_target, upstream * per_row, ops.zeros_like(x)))
        d_weight = ops.cast(ops.reshape(per_class, (-1,)), weight.dtype)
    return d_dout, d_input, d_weight


# Three habits keep every derivative right in MindSpore 2.10. A mask where one would gather x[y]: gather_elements has no
# second derivative, and a mask needs no target in range. Sums that keep their axis, one value a row being (N, 1): the
# second derivative of a sum that drops it is wrong in PyNative mode. And one more row, of zeros, in a sum over rows: an
# empty sum is left unwritten.


def _is_target(x, target):
    return ops.equal(target, ops.arange(ops.shape(x)[1]))


def _pick(is_target, values):
    """The value of each row's target, (N, 1), from values of shape (N, C)."""
    return _sum(ops.where(is_target, values, ops.zeros_like(values)), 1)


def _pick_weight(target, in_range, weight):
    """The weight of each row's target, (N, 1)."""
    return ops.gather(widen(weight), ops.where(in_range, target, ops.zeros_like(target)), 0)


def _hinge(x, is_target, margin):
    """max(0, margin - x[y] + x) with 0 at the target; a comparison lets NaN through, where a maximum may not.

    margin - x[y] is held as the sum of two floats, `gap` and what rounding `lost`, so that the sign of a hinge is right
    even where x nearly cancels it.
    """
    margin, beyond = _constants(margin, x.dtype)
    negated = -_pick(is_target, x)
    gap = margin + negated
    seen = gap - margin
    lost = (margin - (gap - seen)) + (negated - seen) + beyond
    lost = ops.stop_gradient(ops.where(ops.isfinite(lost), lost, ops.zeros_like(lost)))
    z = (gap + x) + lost
    return ops.where(ops.logical_or(is_target, z <= 0), ops.zeros_like(z), z)


@constexpr(check=False)
def is_zero(size):
    return size == 0


def _step(hinge):
    """1 where a hinge is active, NaN where it is NaN; a constant to differentiation, in which NaN is then seen too."""
    return ops.stop_gradient(ops.where(hinge > 0, ops.ones_like(hinge), hinge))


@constexpr
def _constants(margin, dtype):
    """The margin rounded to dtype, and what that lost; as a Python number it would pass through float32."""
    rounded = Tensor(margin, dtype)
    return rounded, Tensor(margin - float(rounded.asnumpy()), dtype)


def widen(tensor):
    return ops.cast(tensor, _wider(tensor.dtype))


@constexpr(check=False)
def _wider(dtype):
    ascend = mindspore.get_current_device().device_target == "Ascend"
    return mstype.float32 if dtype == mstype.float16 or (dtype == mstype.float32 and ascend) else mstype.float64


def _sum(tensor, axis):
    return ops.sum(tensor, axis, keepdim=True)


def _sum_rows(tensor):
    return _sum(ops.cat((tensor, ops.zeros((1, ops.shape(tensor)[1]), tensor.dtype))), 0)


def _reduce(row, reduction):
    """From one value a row, (N, 1), to (N,) or a scalar."""
    if reduction == "none":
        return ops.reshape(row, (-1,))
    total = ops.reshape(_sum_rows(row), ())
    return total if reduction == "sum" else total / ops.shape(row)[0]
