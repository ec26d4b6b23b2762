"""The base class of the emulated Ascend subjects, whose kernels compute the row sums and slopes.

This class does the rest of the loss in NumPy. On Ascend, ms_mml/ascend.py does it in MindSpore's operators.
"""

import numpy as np

from conformance.subjects.base import Subject
from ms_mml.subjects.operator import LIMITS_ON_ASCEND

SINGLE = np.float32


class RowKernels(Subject):
    """A subclass implements the two kernels, `row_sums` and `slopes`.

    Their inputs are the scores (N, C), float16 or float32; the targets (N,), int32, with -1 for a target out of range;
    and the margin (2,), float32: the sum of the two elements is the margin.
    """

    lacks = {  # noqa: RUF012
        "errors": "the kernels have no options to refuse",
        "non-contiguous": "a buffer has no strides",
    }
    limits = LIMITS_ON_ASCEND

    def row_sums(self, p, input, target, margin):
        """The sum of hinge**p over the wrong classes of each row, (N,), float32; 0 if the target is -1."""
        raise NotImplementedError

    def slopes(self, p, factor, input, target, margin):
        """Each row's slopes times its factor, and minus their sum at the target; 0 if the target is -1.

        The result has the shape and dtype of the input; the factors (N,) are float32.
        """
        raise NotImplementedError

    @np.errstate(all="ignore")
    def loss(self, input, target, p=1, margin=1, weight=None, reduction="mean"):
        in_range, targets = _targets(target, input.shape[1])
        rows = self.row_sums(p, input, targets, _parts(margin)) / SINGLE(input.shape[1])
        rows = np.where(in_range, rows * _weights(weight, targets), SINGLE(np.nan))
        if reduction != "none":
            rows = rows.sum(dtype=SINGLE)
        if reduction == "mean":
            rows = rows / SINGLE(len(target))
        return rows.astype(input.dtype)

    @np.errstate(all="ignore")
    def gradient(self, dout, input, target, p=1, margin=1, weight=None, reduction="mean"):
        in_range, targets = _targets(target, input.shape[1])
        upstream = np.broadcast_to(dout.astype(SINGLE) / SINGLE(input.shape[1]), target.shape)
        if reduction == "mean":
            upstream = upstream / SINGLE(len(target))
        factor = np.where(in_range, upstream * _weights(weight, targets), SINGLE(0))
        gradient = self.slopes(p, factor, input, targets, _parts(margin))
        if weight is None:
            return gradient, None
        rows = self.row_sums(p, input, targets, _parts(margin))
        by_class = np.zeros(len(weight), SINGLE)
        np.add.at(by_class, targets[in_range], (upstream * rows)[in_range])
        return gradient, by_class.astype(input.dtype)


def _targets(target, classes):
    in_range = (target >= 0) & (target < classes)
    return in_range, np.where(in_range, target, -1).astype(np.int32)


def _parts(margin):
    """The margin as two float32 numbers, of which it is the sum."""
    high = SINGLE(margin)
    return np.array([high, margin - float(high)], SINGLE)


def _weights(weight, targets):
    """The weight of each row's target."""
    return SINGLE(1) if weight is None else weight.astype(SINGLE)[targets]
