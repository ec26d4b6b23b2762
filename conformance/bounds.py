"""Error bounds, derived from C, N, p and the dtype. No constant is tuned to an implementation.

`Naive` bounds the error of naive arithmetic: every step is rounded to the dtype of the input, in any order, with a
relative error of at most u, half the distance from 1 to the next number. A result beyond this bound does not follow the
formula. `allowed` is the bound of the clause 'accuracy': 1 ulp in float16 and float32 at any size, and the naive bound
in float64.
"""

import numpy as np


def ulp(values, dtype):
    """The distance between neighbouring numbers of a dtype at the given magnitudes, as float64."""
    info = np.finfo(dtype)
    _, exponent = np.frexp(np.abs(np.asarray(values, np.float64)))
    exponent = np.where(np.asarray(values) == 0, info.minexp, np.maximum(exponent - 1, info.minexp))
    return np.ldexp(1.0, (exponent - info.nmant).astype(np.int32))


def overflow(dtype):
    """The least magnitude that rounds to infinity: half an ulp above the largest number. In float64 it is infinite."""
    largest = float(np.finfo(dtype).max)
    return np.inf if dtype == np.float64 else largest + float(ulp(largest, dtype)) / 2


def allowed(dtype, scale, naive):
    """The absolute error that the clause 'accuracy' allows at a scale; `naive` is the naive bound."""
    return naive if dtype == np.float64 else ulp(scale, dtype)


def _growth(operations, u):
    """The relative error after n roundings: n u / (1 - n u), or infinite if n u is 1 or more."""
    return operations * u / (1 - operations * u) if operations * u < 1 else np.inf


def _wide(array):
    """The magnitudes of an array as float64, or as long double if products could overflow or underflow in float64."""
    size = np.abs(np.asarray(array, np.float64))
    with np.errstate(invalid="ignore"):
        extreme = np.isfinite(size) & (size > 0) & ((size > 2.0**200) | (size < 2.0**-200))
        return size.astype(np.longdouble) if extreme.any() else size


class NaiveHinges:
    """The hinges of naive arithmetic, and their absolute errors. `counts` is how often each row is repeated."""

    def __init__(self, scores, target, margin, counts=None):
        self.distinct, self.classes = scores.shape
        self.counts = np.ones(self.distinct, np.int64) if counts is None else np.asarray(counts)
        self.rows = int(self.counts.sum())
        self.u = float(np.finfo(scores.dtype).eps) / 2
        wide = np.sign(scores) * _wide(scores)
        self.known = known = (target >= 0) & (target < self.classes)
        self.own = np.arange(self.classes) == np.where(known, target, 0)[:, None]
        with np.errstate(all="ignore"):
            own_score = wide[self.own].reshape(self.distinct, 1)
            z = margin - own_score + wide
            self.value = np.where(self.own | ~known[:, None], 0, np.maximum(z, 0))
            size = abs(margin) + np.abs(own_score) + np.abs(wide)
            exact = self.own | ~known[:, None] | ~np.isfinite(size)
            x, y = (a.astype(np.longdouble) if scores.dtype == np.float64 else a for a in (wide, own_score))
            partial = np.maximum(np.abs(margin - y), np.maximum(np.abs(margin + x), np.abs(x - y)))
            exact |= partial <= _quantum(scores, margin) * 2.0 ** (np.finfo(scores.dtype).nmant + 1)
            # Two roundings: (1 + u)**2 - 1 = 2 u + u**2, which is at most 2.1 u because u is at most 2**-11.
            error = 2.1 * self.u * size
            self.error = np.where(exact | (z < -error), 0, error)
            self.unsure = np.abs(z) <= self.error  # its rounding error may change the sign of the hinge
            self.unsure &= ~self.own & (self.error > 0)


def _quantum(scores, margin):
    """For each row, the largest power of two of which its finite scores and the margin are multiples.

    A sum of such numbers is exact if it is at most 2**(nmant + 1) quanta.
    """
    numbers = np.concatenate([scores.astype(np.float64), np.full((len(scores), 1), float(margin))], 1)
    mantissa, exponent = np.frexp(np.where(np.isfinite(numbers), numbers, 0))
    mantissa = np.abs(np.ldexp(mantissa, 53)).astype(np.int64)
    _, lowest = np.frexp((mantissa & -mantissa).astype(np.float64))
    lowest = np.where(mantissa == 0, np.iinfo(np.int32).max, exponent - 53 + lowest - 1).min(1, initial=1024)
    return np.ldexp(np.ones((), np.longdouble), np.minimum(lowest, 1024).astype(np.int32))[:, None]


class Naive:
    """Absolute error bounds of naive arithmetic in the dtype of the input, for finite values.

    Cases with the same scores can share their hinges: pass them as `hinges`.
    """

    def __init__(self, inputs, hinges=None):
        self.inputs = inputs
        hinges = hinges or NaiveHinges(inputs.input, inputs.target, inputs.margin)
        self.rows, self.classes, self.u, self.counts = hinges.rows, hinges.classes, hinges.u, hinges.counts
        self.known, self.own, self.unsure = hinges.known, hinges.own, hinges.unsure
        self.hinge, self.error = hinges.value, hinges.error
        weight = np.ones(self.classes) if inputs.weight is None else _wide(inputs.weight)
        self.weight = np.where(self.known, weight[np.where(self.known, inputs.target, 0)], 1)
        self.divisor = max(self.rows, 1) if inputs.reduction == "mean" else 1

    def _row_sums(self):
        """The sum over classes of hinge**p for each row, and its error.

        The roundings are C additions, the division by C, and the weight.
        """
        p, h, e = self.inputs.p, self.hinge, self.error
        with np.errstate(all="ignore"):
            value, error = (h, e) if p == 1 else (h * h, (2 * h + e) * e + self.u * (h + e) ** 2)
            total = value.sum(1)
            return total, error.sum(1) + _growth(self.classes + 2, self.u) * (total + error.sum(1))

    def loss(self):
        total, error = self._row_sums()
        with np.errstate(all="ignore"):
            value, error = (self.weight * a / self.classes for a in (total, error))
            error = np.where(self._overflows(total), np.nan, error)
            if self.inputs.reduction == "none":
                return np.asarray(error + self._underflow(), np.float64)
            # N additions, and the division by N as a reciprocal and a product
            error, total = (self.counts * error).sum(), (self.counts * (value + error)).sum()
            error = (error + _growth(self.rows + 2, self.u) * total) / self.divisor
            return np.asarray(error + self._underflow(), np.float64)

    def _overflows(self, total):
        """Whether the sum of a row of float16 or float32 scores overflows float32, before it is divided by C."""
        finite = np.isfinite(total) & np.isfinite(self.weight)
        return finite & (self.inputs.dtype != np.float64) & (np.maximum(1, self.weight) * total >= overflow(np.float32))

    def _underflow(self):
        """The error of subnormal results: half of the smallest subnormal number for each operation.

        There are p operations for each class and each row, and six for weight, C, N and the upstream gradient.
        """
        operations = 6 + self.inputs.p * (self.classes + self.rows)
        return operations * float(np.finfo(self.inputs.dtype).smallest_subnormal) / 2

    def _upstream(self, dout):
        dout = _wide(dout)
        return dout if self.inputs.reduction == "none" else np.full(len(self.counts), dout / self.divisor)

    def gradient(self, dout):
        """The gradient with respect to input.

        The factor of a slope takes six roundings: dout, weight, 1 / C, 1 / N, and two of their products. It is NaN in a
        row whose dout times weight overflows the dtype, where naive arithmetic multiplies inactive classes by infinity.
        """
        p = self.inputs.p
        with np.errstate(all="ignore"):
            factor = (self._upstream(dout) * self.weight * p / self.classes)[:, None]
            slope = np.where(self.hinge > 0, 1.0, 0.0) if p == 1 else self.hinge
            error = np.where(self.unsure, 1.0, 0.0) if p == 1 else self.error
            own = error.sum(1) + _growth(self.classes, self.u) * (slope + error).sum(1)
            value = np.where(self.own, slope.sum(1, keepdims=True), slope)
            error = np.where(self.own, own[:, None], error)
            bound = factor * (error + 6 * self.u * (value + error)) + self._underflow() * (1 + value)
            overflows = _wide(dout) * self.weight >= overflow(self.inputs.dtype)
            overflows &= np.isfinite(_wide(dout)) & np.isfinite(self.weight)
            return np.where(np.broadcast_to(overflows, len(self.counts))[:, None], np.nan, bound).astype(np.float64)

    def weight_gradient(self, dout):
        """The gradient with respect to weight: at most N additions, and four roundings of dout, 1 / C and 1 / N."""
        total, error = self._row_sums()
        with np.errstate(all="ignore"):
            each = self.counts * self._upstream(dout) / self.classes
            error = np.where(self._overflows(total), np.nan, error)
            value, error = (self._by_class(each * a) for a in (total, error))
            return (error + _growth(self.rows + 4, self.u) * (value + error) + self._underflow()).astype(np.float64)

    def _by_class(self, rows):
        """The sum over the rows of each class."""
        sums = np.zeros(self.classes, rows.dtype)
        np.add.at(sums, self.inputs.target[self.known], rows[self.known])
        return sums
