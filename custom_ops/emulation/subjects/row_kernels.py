"""Kernels for chips that have no float64: they give the sum of a row's hinges and a row's slopes, and around them comes
what ms_mml does there in MindSpore's operators, here in NumPy."""

import numpy as np

from conformance.subjects.base import Subject
from ms_mml.subjects.operator import LIMITS_ON_ASCEND

SINGLE = np.float32


class Rows(Subject):
    """A subclass has the two kernels. They take the scores (N, C) of float16 or float32, the targets (N,) as int32, -1
    for one out of range, and the margin (2,) of float32: it is the sum of the two."""

    lacks = {  # noqa: RUF012
        "errors": "the kernels have no options to refuse",
        "non-contiguous": "a buffer has no strides",
    }
    limits = LIMITS_ON_ASCEND

    def row_sums(self, p, input, target, margin):
        """The sum of hinge**p over the wrong classes of each row, (N,) of float32; 0 for a target of -1."""
        raise NotImplementedError

    def slopes(self, p, factor, input, target, margin):
        """The slopes of each row times its factor, (N,) of float32, with minus their sum at the target: (N, C) of the
        dtype of input; 0 for a target of -1."""
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
    high = SINGLE(margin)
    return np.array([high, margin - float(high)], SINGLE)


def _weights(weight, targets):
    return SINGLE(1) if weight is None else weight.astype(SINGLE)[targets]
