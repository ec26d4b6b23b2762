"""`MultiMarginLoss`: the loss as a Cell."""

from mindspore import nn, ops

from ms_mml.checks import check_input, check_options, check_weight
from ms_mml.functional import loss


class MultiMarginLoss(nn.LossBase):
    r"""
    Hinge loss for optimizing a multi-class classification, as a layer.

    It computes :func:`ms_mml.multi_margin_loss`, and also accepts a float margin.

    Args:
        p (int, optional): The norm degree for pairwise distance, 1 or 2. Default: ``1`` .
        margin (Union[int, float], optional): The required distance between the target score and the scores of the
            other classes, in units of `x`. Default: ``1.0`` .
        reduction (str, optional): ``'none'`` , ``'mean'`` or ``'sum'`` . Default: ``'mean'`` .
        weight (Tensor, optional): The rescaling weight of each class, of shape :math:`(C,)`; float16, float32 or
            float64. It is cast to the dtype of `x`, which mixed precision may have changed. If it is a Parameter, it
            is trained. Default: ``None`` .

    Inputs:
        - **x** (Tensor) - Scores of shape :math:`(N, C)`: float16, float32 or float64.
        - **target** (Tensor) - Ground truth labels of shape :math:`(N,)`, int64, each in :math:`[0, C)`.
        - **weight** (Tensor, optional) - The rescaling weight of each class for this call, of shape :math:`(C,)` and of
          the dtype of `x`. It is ignored if the constructor was given a weight. Default: ``None`` .

    Outputs:
        Tensor, of the dtype of `x`. If `reduction` is ``'none'``, it has the shape of `target`. Otherwise, it is a
        scalar.

    Raises:
        TypeError: If `p` is not an int, `margin` is not an int or a float (of Python or NumPy), `reduction` is not a
            str, or `weight` is not a Tensor of float16, float32 or float64.
        ValueError: If `p` is not 1 or 2, `margin` is not finite or is an int outside the range of int64, or `reduction`
            is not one of {'none', 'sum', 'mean'}.
        TypeError: If :func:`ms_mml.multi_margin_loss` raises it for the inputs.
        ValueError: If :func:`ms_mml.multi_margin_loss` raises it for the inputs.
        RuntimeError: If :func:`ms_mml.multi_margin_loss` raises it for the inputs.

    Supported Platforms:
        ``CPU``; ``GPU`` and ``Ascend``, not yet tested on a device

    Examples:
        >>> import mindspore as ms
        >>> import numpy as np
        >>> from ms_mml import MultiMarginLoss
        >>> x = ms.Tensor(np.ones(shape=[3, 3]), ms.float32)
        >>> target = ms.Tensor(np.array([1, 2, 1]), ms.int64)
        >>> loss = MultiMarginLoss()
        >>> output = loss(x, target)
        >>> print(output)
        0.6666667
    """

    def __init__(self, p=1, margin=1.0, reduction="mean", weight=None):
        p, margin, reduction = check_options(p, margin, reduction, True)
        check_weight(weight)
        super().__init__(reduction)
        self.p = p
        self.margin = float(margin)
        self.reduction = reduction
        self.weight = weight

    def construct(self, x, target, weight=None):
        if self.weight is not None:
            check_input(x)
            weight = ops.cast(self.weight, x.dtype)
        return loss(x, target, self.p, self.margin, weight, self.reduction, True)
