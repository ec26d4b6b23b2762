"""The fallback: the multi-margin loss in MindSpore's own operators, for every device.

It runs on devices without a kernel library, and it computes the higher derivatives of the kernels. float16 scores are
computed in float32, and float32 scores in float64, except on Ascend, which has no float64.
"""

import functools

import mindspore
from mindspore import Tensor, ops
from mindspore import dtype as mstype
from mindspore.ops import constexpr

from ms_mml.checks import check_options, check_tensors
from ms_mml.compilation import compile_time


def composite(input, target, p=1, margin=1, weight=None, reduction="mean"):
    r"""
    :func:`ms_mml.multi_margin_loss` in MindSpore's own operators.

    It takes the same arguments, raises the same errors and gives the same results up to rounding, except that:

    - MindSpore's operators cannot raise for a target outside :math:`[0, C)`, so that row's loss is NaN and its gradient
      is 0;
    - where the weight or the upstream gradient is infinite or NaN, the target's gradient may be NaN instead of
      infinite, or 0 instead of NaN;
    - on CPU, subnormal numbers may be replaced by 0;
    - in PyNative mode, third derivatives are wrong, because those of MindSpore's `ops.sum` are.

    Args:
        input (Tensor): Scores :math:`x` of shape :math:`(N, C)`: float16, float32 or float64.
        target (Tensor): Ground truth labels :math:`y` of shape :math:`(N,)`, int64, each in :math:`[0, C)`.
        p (int, optional): The norm degree for pairwise distance, 1 or 2. Default: ``1`` .
        margin (int, optional): The required distance between the target score and the scores of the other classes, in
            units of `input`. Default: ``1`` .
        weight (Tensor, optional): The rescaling weight of each class, of shape :math:`(C,)` and of the dtype of
            `input`. Default: ``None`` .
        reduction (str, optional): ``'none'`` , ``'mean'`` or ``'sum'`` . Default: ``'mean'`` .

    Returns:
        Tensor, of the dtype of `input`. If `reduction` is ``'none'``, it has the shape of `target`. Otherwise, it is a
        scalar.

    Raises:
        TypeError: In the same cases as :func:`ms_mml.multi_margin_loss`.
        ValueError: In the same cases as :func:`ms_mml.multi_margin_loss`.

    Supported Platforms:
        ``CPU``; ``GPU`` and ``Ascend``, not yet tested on a device

    Examples:
        >>> import numpy as np
        >>> import mindspore as ms
        >>> from ms_mml import composite
        >>> input = ms.Tensor(np.ones((3, 3)), ms.float32)
        >>> target = ms.Tensor([1, 2, 1], ms.int64)
        >>> print(composite(input, target))
        0.6666667
    """
    compute = _prepare(p, margin, reduction)
    check_tensors(input, target, weight)
    return compute(input, target, weight)


@compile_time
def _prepare(p, margin, reduction):
    return composite_of(*check_options(p, margin, reduction, False))


@functools.lru_cache(maxsize=None, typed=True)
def composite_of(p, margin, reduction):
    """`composite` without the checks, as a function of (input, target, weight). The margin may be a float."""

    def compute(input, target, weight):
        x, column = widen(input), ops.expand_dims(target, 1)
        hinge = _hinge(x, column, _is_target(x, column), margin)
        sums = _sum(_step(hinge) * hinge if p == 1 else hinge * hinge, 1)
        return loss_of_sums(sums, input, target, weight, reduction)

    return compute


def loss_of_sums(sums, input, target, weight, reduction):
    """The loss from the sum of hinge**p of each row, (N, 1), which a kernel may have computed."""
    rows, classes = ops.shape(input)
    target = ops.expand_dims(target, 1)
    in_range = _in_range(target, classes)
    row = sums / classes
    if weight is not None and not is_zero(rows):  # MindSpore cannot gather for an empty batch
        row = row * _pick_weight(target, in_range, weight)
    row = ops.where(in_range, row, ops.full_like(row, float("nan")))
    return ops.cast(_reduce(row, reduction), input.dtype)


def gradient_backward(dout, input, target, weight, d_out, p, margin, reduction):
    r"""
    The second derivatives: the backward pass of the gradient with respect to `input`.

    With :math:`g` the upstream gradient of each row and :math:`v` the upstream gradient of that gradient (`d_out`), the
    scalar to differentiate is

    .. math::
        \phi = \sum_n g_n \frac{weight[y_n]}{C} \sum_{i \ne y_n} p \, h_{ni}^{p-1} (v_{ni} - v_{n y_n})

    and this function returns its derivatives with respect to `dout`, `input` and `weight`.
    """
    x, v, target = widen(input), widen(d_out), ops.expand_dims(target, 1)
    upstream = ops.reshape(widen(dout), (-1, 1))
    classes = ops.shape(x)[1]
    if reduction == "mean":
        upstream = upstream / ops.shape(x)[0]
    is_target = _is_target(x, target)
    hinge = _hinge(x, target, is_target, margin)
    slope = _step(hinge) if p == 1 else 2 * hinge
    difference = v - _pick(is_target, v)
    per_row = _sum(slope * difference, 1) / classes
    weight_of_row = ops.ones_like(per_row)
    if weight is not None:
        weight_of_row = _pick_weight(target, _in_range(target, classes), weight)

    d_dout = ops.cast(_reduce(weight_of_row * per_row, reduction), dout.dtype)
    d_input = zeros_like(input)
    if p == 2:
        active = ops.cast(hinge > 0, x.dtype)
        curvature = 2 * active * difference * (upstream * weight_of_row / classes)
        d_input = ops.cast(ops.where(is_target, -_sum(curvature, 1), curvature), input.dtype)
    d_weight = None
    if weight is not None:
        per_class = _sum_rows(ops.where(is_target, upstream * per_row, ops.zeros_like(x)))
        d_weight = ops.cast(ops.reshape(per_class, (-1,)), weight.dtype)
    return d_dout, d_input, d_weight


# Three rules keep every derivative correct in MindSpore 2.10:
# - Select x[y] with a mask. `gather_elements` has no second derivative and requires targets in range.
# - Sums keep their axis, so one value per row has the shape (N, 1). In PyNative mode, the second derivative of a sum
#   that drops its axis is wrong.
# - Append a row of zeros before a sum over rows. The sum of an empty tensor returns unwritten memory.


def _is_target(x, target):
    return ops.equal(target, ops.arange(ops.shape(x)[1]))


def _in_range(target, classes):
    return ops.logical_and(target >= 0, target < classes)


def _pick(is_target, values):
    """The value at each row's target, (N, 1), from values of shape (N, C)."""
    return _sum(ops.where(is_target, values, ops.zeros_like(values)), 1)


def _pick_weight(target, in_range, weight):
    """The weight of each row's target, (N, 1). `gather` has no vmap rule that runs; `gather_nd` has."""
    return ops.expand_dims(ops.gather_nd(widen(weight), ops.where(in_range, target, ops.zeros_like(target))), 1)


def _hinge(x, target, is_target, margin):
    """The hinge max(0, margin - x[y] + x), with 0 at the target and in a row whose target is out of range.

    It uses a comparison, which propagates NaN; a maximum may not. The gap margin - x[y] is the sum of two floats, `gap`
    and its rounding error (TwoSum), so that the hinge has the correct sign even if x nearly cancels the gap.
    """
    margin, margin_error = _split_margin(margin, x.dtype)
    negated = -_pick(is_target, x)
    gap = margin + negated
    added = gap - margin
    error = (margin - (gap - added)) + (negated - added) + margin_error
    error = ops.stop_gradient(ops.where(ops.isfinite(error), error, ops.zeros_like(error)))
    z = (gap + x) + error
    # An inactive hinge is 0 times z and not a constant, so that its gradient is NaN if the upstream gradient is.
    active = ops.stop_gradient(ops.cast(ops.logical_not(z <= 0), z.dtype))
    hinge = active * ops.where(z == float("-inf"), ops.zeros_like(z), z)
    known = ops.logical_and(_in_range(target, ops.shape(x)[1]), ops.logical_not(is_target))
    return ops.where(known, hinge, ops.zeros_like(hinge))


@constexpr(check=False)
def is_zero(size):
    return size == 0


def _step(hinge):
    """1 if the hinge is active, NaN if it is NaN, otherwise 0. It is a constant factor, so derivatives are NaN too."""
    return ops.stop_gradient(ops.where(hinge > 0, ops.ones_like(hinge), hinge))


@constexpr
def _split_margin(margin, dtype):
    """The margin rounded to dtype, and the rounding error. As a Python number the margin would be cast to float32."""
    rounded = Tensor(margin, dtype)
    return rounded, Tensor(margin - float(rounded.asnumpy()), dtype)


def zeros_like(tensor):
    """New zeros: callers may write to them. In graph mode `ops.zeros_like` gives every call the same tensor."""
    positive = ops.cast(tensor > 0, tensor.dtype)
    return positive - positive


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
    """Reduce one value per row, (N, 1), to (N,) or a scalar."""
    if reduction == "none":
        return ops.reshape(row, (-1,))
    total = ops.reshape(_sum_rows(row), ())
    return total if reduction == "sum" else total / ops.shape(row)[0]
