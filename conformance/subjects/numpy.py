"""The formula in NumPy: the simplest complete subject, from which the mutants are derived."""

import numpy as np

from conformance.subjects.base import Subject

WIDE = np.longdouble  # its significand has 64 bits on x86-64 and 113 on aarch64


class NumPy(Subject):
    guarded = True

    def loss(self, input, target, p=1, margin=1, weight=None, reduction="mean"):
        self.check(input, target, p, margin, weight, reduction)
        hinge = self.hinge(input, target, margin)
        rows = (hinge**p).sum(1) / self.divisor(input)
        if weight is not None:
            rows = self.weighted(rows, hinge, weight[target].astype(WIDE), p)
        return self.reduce(rows, reduction, target, weight, input.dtype).astype(input.dtype)

    def gradient(self, dout, input, target, p=1, margin=1, weight=None, reduction="mean"):
        self.check(input, target, p, margin, weight, reduction)
        hinge = self.hinge(input, target, margin)
        upstream = self.upstream(dout, len(input), reduction) / self.divisor(input)
        factor = upstream if weight is None else upstream * weight[target]
        slope = np.where(np.isnan(hinge), hinge, self.active(hinge)) if p == 1 else 2 * hinge
        slope[np.arange(len(target)), target] = self.own_slope(slope)
        by_class = None
        if weight is not None:
            by_class = np.zeros(len(weight), WIDE)
            np.add.at(by_class, target, upstream * (hinge**p).sum(1))
            by_class = by_class.astype(input.dtype)
        return (factor[:, None] * slope).astype(input.dtype), by_class

    # The steps of the formula. Each mutant overrides one of them.

    def hinge(self, input, target, margin):
        rows = np.arange(len(target))
        scores = input.astype(WIDE)
        z = margin - scores[rows, target][:, None] + scores
        hinge = np.where(np.isnan(z), z, np.maximum(z, 0))
        hinge[rows, target] = 0
        return hinge

    def divisor(self, input):
        return WIDE(input.shape[1])

    def active(self, hinge):
        return hinge > 0

    def own_slope(self, slope):
        return -slope.sum(1)

    def weighted(self, rows, hinge, weight, p):
        return rows * weight

    def upstream(self, dout, rows, reduction):
        dout = np.asarray(dout).astype(WIDE)
        return dout if reduction == "none" else np.full(rows, dout / (rows if reduction == "mean" else 1))

    def reduce(self, rows, reduction, target, weight, dtype):
        if reduction == "none":
            return rows
        return rows.sum() / (len(rows) if reduction == "mean" else 1)

    def check(self, input, target, p, margin, weight, reduction):
        """Raise the documented errors."""

        def expect(condition, error, argument, expected, got):
            if not condition:
                raise error(f"For 'multi_margin_loss', {argument} must be {expected}, but got {got}.")

        expect(type(p) is int, TypeError, "p", "an int", p)
        expect(p in (1, 2), ValueError, "p", "1 or 2", p)
        expect(type(margin) is int, TypeError, "margin", "an int", margin)
        expect(isinstance(reduction, str), TypeError, "reduction", "a str", reduction)
        expect(reduction in ("none", "mean", "sum"), ValueError, "reduction", "'none', 'mean' or 'sum'", reduction)
        arrays = {"input": input, "target": target, **({} if weight is None else {"weight": weight})}
        for name, rank in zip(arrays, (2, 1, 1)):
            expect(isinstance(arrays[name], np.ndarray), TypeError, name, "an array", type(arrays[name]).__name__)
            expect(arrays[name].ndim == rank, ValueError, name, f"of rank {rank}", f"shape {arrays[name].shape}")
        expect(input.dtype in (np.float16, np.float32, np.float64), TypeError, "input", "a float array", input.dtype)
        expect(target.dtype == np.int64, TypeError, "target", "int64", target.dtype)
        expect(input.shape[1] > 0, ValueError, "shape[1] of input", "at least 1", 0)
        expect(len(target) == len(input), ValueError, "shape[0] of target", f"{len(input)}", len(target))
        if weight is not None:
            expect(weight.dtype == input.dtype, TypeError, "the dtype of weight", input.dtype, weight.dtype)
            expect(len(weight) == input.shape[1], ValueError, "shape[0] of weight", input.shape[1], len(weight))
        self.check_range(target, input.shape[1])

    def check_range(self, target, classes):
        for row in np.flatnonzero((target < 0) | (target >= classes))[:1]:
            raise ValueError(
                f"For 'multi_margin_loss', target[{row}] must be in [0, {classes}), but got {target[row]}."
            )
