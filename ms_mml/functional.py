"""`multi_margin_loss`, the documented function, and the choice of what computes it."""

import functools

from mindspore.ops import constexpr

from ms_mml import ascend, library, primitive
from ms_mml.checks import check_options, check_tensors
from ms_mml.fallback import composite_loss


def multi_margin_loss(input, target, p=1, margin=1, weight=None, reduction="mean"):
    r"""
    Hinge loss for optimizing a multi-class classification.

    For each row :math:`x` of `input` with class :math:`y`, the loss is

    .. math::
        \text{loss}(x, y) = \frac{weight[y]}{C} \sum_{i \ne y} \max(0, \text{margin} - x[y] + x[i])^p

    with :math:`weight[y] = 1` where no weights are given.

    Args:
        input (Tensor): Scores :math:`x` of shape :math:`(N, C)`, with :math:`C` at least 1. float16, float32 or
            float64. NaN and infinity follow the formula, and so do float64 scores whose hinges, powers or sums
            leave the range of float64.
        target (Tensor): Ground truth labels :math:`y` of shape :math:`(N,)`, int64, each in :math:`[0, C)`.
        p (int, optional): The norm degree for pairwise distance, 1 or 2. Default: ``1`` .
        margin (int, optional): The distance that a wrong class must keep, in units of `input`. Default: ``1`` .
        weight (Tensor, optional): The rescaling weight of each class, of shape :math:`(C,)` and of the dtype of
            `input`. Default: ``None`` .
        reduction (str, optional): Apply specific reduction method to the output: ``'none'`` , ``'mean'`` , ``'sum'`` .
            Default: ``'mean'`` .

            - ``'none'``: no reduction will be applied.
            - ``'mean'``: the sum of the output will be divided by :math:`N`, also with weights; NaN if :math:`N = 0`.
            - ``'sum'``: the output will be summed.

    Returns:
        Tensor, of the dtype of `input`. If `reduction` is ``'none'``, it has the shape of `target`. Otherwise, it is a
        scalar.

    Raises:
        TypeError: If `input`, `target` or `weight` is not a Tensor.
        TypeError: If `p` or `margin` is not an int; a bool is not.
        TypeError: If `reduction` is not a str.
        TypeError: If dtype of `input` is not float16, float32 or float64.
        TypeError: If dtype of `target` is not int64.
        TypeError: If dtype of `weight` and `input` is not the same.
        ValueError: If `p` is not 1 or 2.
        ValueError: If `margin` is beyond the range of int64; graph mode refuses such an int itself.
        ValueError: If `reduction` is not one of {'none', 'sum', 'mean'}.
        ValueError: If rank of `input` is not 2, or rank of `target` or `weight` is not 1.
        ValueError: If shape[0] of `input` is not equal to shape[0] of `target`.
        ValueError: If shape[1] of `input` is 0, or is not equal to shape[0] of `weight`.
        RuntimeError: If a target is outside :math:`[0, C)`, naming its row; or if a shape that graph mode did not know
            when it compiled turns out to be one of the above.

    Supported Platforms:
        ``CPU``; ``GPU`` and ``Ascend``, not run on a device yet

    Examples:
        >>> import mindspore as ms
        >>> import numpy as np
        >>> from ms_mml import multi_margin_loss
        >>> inputs = ms.Tensor(np.ones(shape=[3, 3]), ms.float32)
        >>> target = ms.Tensor(np.array([1, 2, 1]), ms.int64)
        >>> weight = ms.Tensor(np.array([1, 1, 1]), ms.float32)
        >>> output = multi_margin_loss(inputs, target, weight=weight)
        >>> print(output)
        0.6666667
    """
    return loss(input, target, p, margin, weight, reduction, (int,))


def loss(input, target, p, margin, weight, reduction, margin_types):
    """`multi_margin_loss` for a margin of any of these types."""
    kernel, kernel_margin, of_rows = _prepare(p, margin, reduction, weight is not None, margin_types)
    check_tensors(input, target, weight)
    if kernel is None or (of_rows and not ascend.takes(input.dtype, input.shape)):
        return composite_loss(input, target, p, margin, weight, reduction)
    if of_rows:
        return ascend.loss(kernel, kernel_margin, input, target, weight, reduction)
    if weight is None:
        return kernel(input, target, kernel_margin)
    return kernel(input, target, kernel_margin, weight)


@constexpr(check=False)
def _prepare(p, margin, reduction, weighted, margin_types):
    """Check the options; return the kernel for them, or None for the composite, the margin as the kernel takes it, and
    whether it is one of rows.

    In PyNative mode this runs in every call: what the first call found is kept.
    """
    try:
        return _prepared(p, margin, reduction, weighted, margin_types)
    except TypeError:  # an option that cannot be hashed is none that is allowed
        check_options(p, margin, reduction, margin_types)
        raise


@functools.lru_cache(maxsize=None, typed=True)
def _prepared(p, margin, reduction, weighted, margin_types):
    check_options(p, margin, reduction, margin_types)
    kernels = library.choose()
    if kernels is None:
        return None, None, False
    if kernels.target == "Ascend":
        return ascend.row_sums(p, float(margin)), ascend.margin_tensor(float(margin)), True
    kernel = primitive.loss_kernel(kernels.path, p, float(margin), reduction, weighted)
    return kernel, primitive.margin_tensor(float(margin)), False
