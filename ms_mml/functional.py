"""`multi_margin_loss`, the documented function, and the choice between the kernels and the fallback."""

import functools

from mindspore import ops

from ms_mml import ascend, library, primitive
from ms_mml.checks import check_options, check_tensors
from ms_mml.compilation import compile_time, export_format
from ms_mml.fallback import composite_of


def multi_margin_loss(input, target, p=1, margin=1, weight=None, reduction="mean"):
    r"""
    Hinge loss for optimizing a multi-class classification.

    For each row :math:`x` of `input` with class :math:`y`, the loss is

    .. math::
        \text{loss}(x, y) = \frac{weight[y]}{C} \sum_{i \ne y} \max(0, \text{margin} - x[y] + x[i])^p

    with :math:`weight[y] = 1` if `weight` is None.

    Args:
        input (Tensor): Scores :math:`x` of shape :math:`(N, C)`, with :math:`C` at least 1. float16, float32 or
            float64. NaN and infinity follow the formula. In float64, hinges, powers and sums that overflow become
            infinite.
        target (Tensor): Ground truth labels :math:`y` of shape :math:`(N,)`, int64, each in :math:`[0, C)`.
        p (int, optional): The norm degree for pairwise distance, 1 or 2. Default: ``1`` .
        margin (int, optional): The required distance between the target score and the scores of the other classes, in
            units of `input`. Default: ``1`` .
        weight (Tensor, optional): The rescaling weight of each class, of shape :math:`(C,)` and of the dtype of
            `input`. Default: ``None`` .
        reduction (str, optional): Apply specific reduction method to the output: ``'none'`` , ``'mean'`` , ``'sum'`` .
            Default: ``'mean'`` .

            - ``'none'``: no reduction will be applied.
            - ``'mean'``: the sum of the output will be divided by :math:`N`, with weights too; NaN if :math:`N = 0`.
            - ``'sum'``: the output will be summed.

    Returns:
        Tensor, of the dtype of `input`. If `reduction` is ``'none'``, it has the shape of `target`. Otherwise, it is a
        scalar.

    Raises:
        TypeError: If `input`, `target` or `weight` is not a Tensor.
        TypeError: If `p` or `margin` is not an int. A bool is not accepted. The integers of NumPy that graph mode
            converts to int are: int8, int16, int64, uint8, uint16 and uint64.
        TypeError: If `reduction` is not a str, or bytes, which graph mode converts to str.
        TypeError: If, in graph mode, `p`, `margin` or `reduction` is not a constant.
        TypeError: If dtype of `input` is not float16, float32 or float64.
        TypeError: If dtype of `target` is not int64.
        TypeError: If dtype of `weight` and `input` is not the same.
        ValueError: If `p` is not 1 or 2.
        ValueError: If `margin` is outside the range of int64. In graph mode MindSpore itself raises for such an int.
        ValueError: If `reduction` is not one of {'none', 'sum', 'mean'}.
        ValueError: If rank of `input` is not 2, or rank of `target` or `weight` is not 1.
        ValueError: If shape[0] of `input` is not equal to shape[0] of `target`.
        ValueError: If shape[1] of `input` is 0, or is not equal to shape[0] of `weight`.
        RuntimeError: If a target is outside :math:`[0, C)`; the message names its row.
        RuntimeError: If a shape is invalid as described above, in graph mode with dynamic shapes.
        RuntimeError: If the network is exported to ONNX. In the format MINDIR, MindSpore's own operators are exported.

    Supported Platforms:
        ``CPU``; ``GPU`` and ``Ascend``, not yet tested on a device

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
    return loss(input, target, p, margin, weight, reduction, False)


def loss(input, target, p, margin, weight, reduction, float_margin):
    """`multi_margin_loss`, whose margin may be a float if `float_margin`."""
    compute = _prepare(p, margin, reduction, weight is not None, float_margin)
    check_tensors(input, target, weight)
    return compute(input, target, weight)


def _compute(*options):
    """Check the options; return the function of (input, target, weight) that computes the loss.

    PyNative mode calls this for every loss, so the result is cached.
    """
    try:
        return _prepared(*options)
    except TypeError:  # the cache cannot hash an invalid option such as a list
        p, margin, reduction, _, float_margin = options[:5]
        check_options(p, margin, reduction, float_margin)
        raise


def _compute_in_graph(*options):
    # Bytecode capture needs the result from the cache, to which its eager call has added it. So the key is the same.
    exported_as = export_format()
    return _compute(*options) if exported_as is None else _compute(*options, exported_as)


_prepare = compile_time(_compute, _compute_in_graph)


@functools.lru_cache(maxsize=None, typed=True)
def _prepared(p, margin, reduction, weighted, float_margin, exported_as=None):
    p, margin, reduction = check_options(p, margin, reduction, float_margin)
    if exported_as == "onnx":
        raise RuntimeError(
            "For 'multi_margin_loss', ONNX has no such operator, and MindSpore cannot export its fallback to ONNX. "
            "Export the network without the loss, or in the format MINDIR."
        )
    kernels = library.choose()
    if kernels is not None and exported_as is not None:
        library.fall_back("no kernel in an exported network, because its file may be loaded without this package")
    if kernels is None or exported_as is not None:
        return composite_of(p, margin, reduction)
    if kernels.target == "Ascend":
        return _ascend(p, margin, reduction)
    options = primitive.Options(kernels.path, p, float(margin), reduction, weighted)
    return _weighted_kernel(options) if weighted else _kernel(options)


# The functions that compute the loss. In graph mode each is compiled into the network that calls it.


def _kernel(options):
    kernel, margin = primitive.loss_kernel(options), primitive.margin_tensor(options.margin)

    def compute(input, target, weight):
        return kernel(input, target, margin)

    return compute


def _weighted_kernel(options):
    kernel, margin = primitive.loss_kernel(options), primitive.margin_tensor(options.margin)

    def compute(input, target, weight):
        if weight.dtype != input.dtype:  # mixed precision has cast one of them
            weight = ops.cast(weight, input.dtype)
        return kernel(input, target, margin, weight)

    return compute


def _ascend(p, margin, reduction):
    row_sums, margin_parts = ascend.row_sums(p, float(margin)), ascend.margin_tensor(float(margin))
    fallback = composite_of(p, margin, reduction)

    def compute(input, target, weight):
        if not ascend.takes(input.dtype, input.shape):
            return fallback(input, target, weight)
        return ascend.loss(row_sums, margin_parts, input, target, weight, reduction)

    return compute
