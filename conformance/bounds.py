"""How far from the exact value a result may be, derived from C, N, p and the dtype. Nothing here is tuned.

Two bounds. `Naive` is what the formula costs when every step of it is rounded in the dtype of the input, in any order:
u = 2**-(bits + 1) of every intermediate value. A result beyond it is not that formula. `allowed` is what the contract's
clause 'accuracy' asks for: 1 ulp in float16 and float32 at any size, and the naive bound in float64.
"""

import numpy as np


def ulp(values, dtype):
    """The distance between the numbers of a dtype at some magnitudes, as float64."""
    info = np.finfo(dtype)
    _, exponent = np.frexp(np.abs(np.asarray(values, np.float64)))
    exponent = np.where(np.asarray(values) == 0, info.minexp, np.maximum(exponent - 1, info.minexp))
    return np.ldexp(1.0, (exponent - info.nmant).astype(np.int32))


def overflow(dtype):
    """From here on a value rounds to infinity: half an ulp above the largest number, or more in float64."""
    largest = float(np.finfo(dtype).max)
    return np.inf if dtype == np.float64 else largest + float(ulp(largest, dtype)) / 2


def allowed(dtype, scale, naive):
    """The absolute error that the clause 'accuracy' allows to values of some scale; `naive` is their naive bound."""
    return naive if dtype == np.float64 else ulp(scale, dtype)


def _growth(operations, u):
    """The relative error of so many roundings one on another; infinite where nothing is promised any more."""
    return operations * u / (1 - operations * u) if operations * u < 1 else np.inf


class Naive:
    """Absolute bounds for step-by-step arithmetic in the dtype of the input, of whatever is finite."""

    def __init__(self, inputs):
        self.inputs = inputs
        self.rows, self.classes = inputs.input.shape
        self.u = float(np.finfo(inputs.dtype).eps) / 2
        scores = inputs.input.astype(np.float64)
        self.known = known = (inputs.target >= 0) & (inputs.target < self.classes)
        self.own = np.arange(self.classes) == np.where(known, inputs.target, 0)[:, None]
        with np.errstate(all="ignore"):
            own_score = scores[self.own].reshape(self.rows, 1)
            z = inputs.margin - own_score + scores
            self.hinge = np.where(self.own | ~known[:, None], 0, np.maximum(z, 0))
            size = abs(inputs.margin) + np.abs(own_score) + np.abs(scores)
            # two additions; none is rounded where one is infinite, or all share so few bits that every sum is exact
            exact = self.own | ~known[:, None] | ~np.isfinite(size) | _sums_are_exact(inputs, size)
            self.error = np.where(exact, 0, 2.1 * self.u * size)
            self.unsure = np.abs(z) <= self.error  # on which side of 0 it is computed to be
            self.unsure &= ~self.own & (self.error > 0)
        weight = np.ones(self.classes) if inputs.weight is None else np.abs(inputs.weight.astype(np.float64))
        self.weight = weight[np.where(known, inputs.target, 0)] if self.classes else np.ones(self.rows)
        self.divisor = max(self.rows, 1) if inputs.reduction == "mean" else 1

    def _row_sums(self):
        """Of hinge**p: the value, and its error after adding them up."""
        p, h, e = self.inputs.p, self.hinge, self.error
        with np.errstate(all="ignore"):
            value, error = (h, e) if p == 1 else (h * h, (2 * h + e) * e + self.u * (h + e) ** 2)
            total = value.sum(1)
            return total, error.sum(1) + _growth(self.classes + 2, self.u) * (total + error.sum(1))

    def loss(self):
        total, error = self._row_sums()
        with np.errstate(all="ignore"):
            value, error = (self.weight * a / self.classes for a in (total, error))
            if self.inputs.reduction == "none":
                return error + self._underflow()
            error = error.sum() + _growth(self.rows + 2, self.u) * (value + error).sum()
            return error / self.divisor + self._underflow()

    def _underflow(self):
        """What is lost below the normal numbers: half of the least one for each operation, at most."""
        operations = 6 + self.inputs.p * (self.classes + self.rows)
        return operations * float(np.finfo(self.inputs.dtype).smallest_subnormal) / 2

    def _upstream(self, dout):
        dout = np.abs(np.asarray(dout, np.float64))
        return dout if self.inputs.reduction == "none" else np.full(self.rows, dout / self.divisor)

    def gradient(self, dout):
        p = self.inputs.p
        with np.errstate(all="ignore"):
            factor = (self._upstream(dout) * self.weight * p / self.classes)[:, None]
            slope = np.where(self.hinge > 0, 1.0, 0.0) if p == 1 else self.hinge
            error = np.where(self.unsure, 1.0, 0.0) if p == 1 else self.error
            own = error.sum(1) + _growth(self.classes, self.u) * (slope + error).sum(1)
            value = np.where(self.own, slope.sum(1, keepdims=True), slope)
            error = np.where(self.own, own[:, None], error)
            return factor * (error + 6 * self.u * (value + error)) + self._underflow() * (1 + value)

    def weight_gradient(self, dout):
        total, error = self._row_sums()
        upstream = self._upstream(dout)
        with np.errstate(all="ignore"):
            value, error = (upstream * a / self.classes for a in (total, error))
        value, error = (
            np.bincount(self.inputs.target[self.known], a[self.known], self.classes) for a in (value, error)
        )
        return error + _growth(self.rows + 4, self.u) * (value + error) + self._underflow()


def _sums_are_exact(inputs, size):
    """Whether every sum of margin and two scores fits the dtype: all are multiples of one quantum, and small."""
    quantum = 0.25
    info = np.finfo(inputs.dtype)
    with np.errstate(all="ignore"):
        multiples = np.all(np.mod(inputs.input.astype(np.float64), quantum) == 0) and inputs.margin % quantum == 0
    return multiples & (size / quantum < 2.0**info.nmant)
