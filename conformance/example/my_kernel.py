"""An example: an implementation, and the subject that makes it testable by the suite.

Copy this file to a folder, replace `MyKernel` by your implementation, and run in that folder:

    python -m conformance --subject=my_kernel:MySubject --report=report.json
"""

import numpy as np

from conformance.subjects.base import Subject


class MyKernel:
    """Replace this by your library. It computes in float64, and checks only the type of margin."""

    @staticmethod
    def hinge(scores, target, margin):
        if not isinstance(margin, int) or isinstance(margin, bool):
            raise TypeError(f"margin must be int, but got {margin!r}")
        rows = np.arange(len(target))
        hinge = np.maximum(margin - scores[rows, target][:, None] + scores, 0)
        hinge[rows, target] = 0
        return hinge

    def loss(self, scores, target, p, margin, weight, reduction):
        if scores.dtype == np.float16:
            raise NotImplementedError("float16 is not supported")
        rows = (self.hinge(scores.astype(float), target, margin) ** p).mean(1)
        rows = rows if weight is None else rows * weight[target]
        return {"none": rows, "mean": rows.mean(), "sum": rows.sum()}[reduction].astype(scores.dtype)

    def backward(self, upstream, scores, target, p, margin, weight, reduction):
        if scores.dtype == np.float16:
            raise NotImplementedError("float16 is not supported")
        hinge = self.hinge(scores.astype(float), target, margin)
        slope = (hinge > 0) * 1.0 if p == 1 else 2 * hinge
        slope[np.arange(len(target)), target] = -slope.sum(1)
        rows = np.full(len(target), upstream, float) / (len(target) if reduction == "mean" else 1) / scores.shape[1]
        rows = rows if weight is None else rows * weight[target]
        return (rows[:, None] * slope).astype(scores.dtype)


class MySubject(Subject):
    limits = {"float16": "MyKernel's documentation: float32 and float64 only"}  # noqa: RUF012
    lacks = {"weight-gradient": "MyKernel has no gradient of the weight"}  # noqa: RUF012

    def __init__(self, target, mode):
        self.kernel = MyKernel()

    def loss(self, input, target, p=1, margin=1, weight=None, reduction="mean"):
        return self.kernel.loss(input, target, p, margin, weight, reduction)

    def gradient(self, dout, input, target, p=1, margin=1, weight=None, reduction="mean"):
        return self.kernel.backward(dout, input, target, p, margin, weight, reduction), None
