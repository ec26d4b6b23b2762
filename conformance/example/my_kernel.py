"""An example: an implementation, and the subject that makes it testable by the suite.

Copy this file to a folder, replace `MyKernel` by your implementation, and run in that folder:

    pytest PATH/TO/conformance --subject my_kernel:MySubject --report report.json
"""

import numpy as np

from conformance.subjects.base import Subject


class MyKernel:
    """Replace this by your library. It computes in float64."""

    @staticmethod
    def hinge(scores, target, margin):
        if not isinstance(margin, int) or isinstance(margin, bool):
            raise TypeError(f"margin must be int, but got {margin!r}")
        rows = np.arange(len(target))
        hinge = np.maximum(margin - scores[rows, target][:, None] + scores, 0)
        hinge[rows, target] = 0
        return hinge


class MySubject(Subject):
    limits = {"float16": "MyKernel's documentation: float32 and float64 only"}  # noqa: RUF012
    lacks = {"weight-gradient": "MyKernel has no gradient of the weight"}  # noqa: RUF012

    def loss(self, input, target, p=1, margin=1, weight=None, reduction="mean"):
        if input.dtype == np.float16:
            raise NotImplementedError("float16")
        rows = (MyKernel.hinge(input.astype(float), target, margin) ** p).mean(1)
        rows = rows if weight is None else rows * weight[target]
        return {"none": rows, "mean": rows.mean(), "sum": rows.sum()}[reduction].astype(input.dtype)

    def gradient(self, dout, input, target, p=1, margin=1, weight=None, reduction="mean"):
        if input.dtype == np.float16:
            raise NotImplementedError("float16")
        hinge = MyKernel.hinge(input.astype(float), target, margin)
        slope = (hinge > 0) * 1.0 if p == 1 else 2 * hinge
        slope[np.arange(len(target)), target] = -slope.sum(1)
        factor = np.full(len(target), dout / (len(target) if reduction == "mean" else 1)) / input.shape[1]
        factor = factor if weight is None else factor * weight[target]
        return (factor[:, None] * slope).astype(input.dtype), None
