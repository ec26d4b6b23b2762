"""The documented formula in exact arithmetic, and how far a result may be from it.

Inputs are floating-point numbers, so every intermediate value is an integer over a power of two: Python's integers hold
them all exactly, and only the divisions by C and N need a Fraction.
"""

from fractions import Fraction

import numpy as np


class Exact:
    """The exact loss and gradients of some finite inputs."""

    def __init__(self, inputs):
        self.inputs = inputs
        self.rows, self.classes = inputs.input.shape
        scores, (margin, *_), self._scale = _integers(inputs.input, [float(inputs.margin)])
        self._hinges = []
        for row, y in zip(scores, inputs.target.tolist()):
            gap = margin - row[y]
            hinge = [max(0, gap + x) for x in row]
            hinge[y] = 0
            self._hinges.append(hinge)
        weight = inputs.weight
        self.weight_of_row = [Fraction(1 if weight is None else float(weight[y])) for y in inputs.target.tolist()]

    def row_sums(self):
        """The sum over classes of hinge^p, by row."""
        return [Fraction(sum(h**self.inputs.p for h in hinge)) * self._scale**self.inputs.p for hinge in self._hinges]

    def row_losses(self):
        return [w * s / self.classes for w, s in zip(self.weight_of_row, self.row_sums())]

    def loss(self):
        """A list for reduction 'none', else one value."""
        return self._reduce(self.row_losses())

    def magnitude(self):
        """The loss with every weight's sign dropped: what its error is judged against."""
        return self._reduce([abs(loss) for loss in self.row_losses()])

    def _reduce(self, losses):
        if self.inputs.reduction == "none":
            return losses
        return sum(losses) / (self.rows if self.inputs.reduction == "mean" else 1)

    def upstream(self, dout):
        """The gradient that reaches each row's loss."""
        if self.inputs.reduction == "none":
            return [Fraction(float(d)) for d in dout]
        return [Fraction(float(dout)) / (self.rows if self.inputs.reduction == "mean" else 1)] * self.rows

    def gradient(self, dout):
        """The gradient of each row, as lists of Fractions."""
        p, scale = self.inputs.p, self._scale
        rows = []
        for y, hinge, w, g in zip(self.inputs.target.tolist(), self._hinges, self.weight_of_row, self.upstream(dout)):
            factor = g * w * p / self.classes
            slopes = [(h > 0) if p == 1 else h * scale for h in hinge]
            gradient = [factor * slope for slope in slopes]
            gradient[y] = -factor * sum(slopes)
            rows.append(gradient)
        return rows

    def weight_gradient(self, dout):
        """The gradient of each class's weight, and the sum of the magnitudes that went into it."""
        value, magnitude = [Fraction(0)] * self.classes, [Fraction(0)] * self.classes
        for y, row_sum, g in zip(self.inputs.target.tolist(), self.row_sums(), self.upstream(dout)):
            value[y] += g * row_sum / self.classes
            magnitude[y] += abs(g) * row_sum / self.classes
        return value, magnitude


def _integers(matrix, extra):
    """Scores and further numbers as integers, and the power of two they all are in units of."""
    values = np.concatenate([matrix.astype(np.float64).ravel(), extra])
    mantissa, exponent = np.frexp(values)
    mantissa = np.ldexp(mantissa, 53).astype(np.int64)
    lowest = int(exponent.min())
    integers = [m << e for m, e in zip(mantissa.tolist(), (exponent - lowest).tolist())]
    rows, classes = matrix.shape
    scores = [integers[r * classes : (r + 1) * classes] for r in range(rows)]
    return scores, integers[rows * classes :], Fraction(2) ** (lowest - 53)


def ulp(value, dtype):
    """The distance of the two numbers of a dtype that enclose a Fraction."""
    info = np.finfo(dtype)
    value = abs(value)
    if value == 0:
        return Fraction(float(info.smallest_subnormal))
    exponent = value.numerator.bit_length() - value.denominator.bit_length()
    exponent -= value < Fraction(2) ** exponent
    return Fraction(2) ** max(exponent - info.nmant, info.minexp - info.nmant)


def overflow(dtype):
    """From here on a value rounds to infinity: half an ulp above the largest number."""
    largest = Fraction(float(np.finfo(dtype).max))
    return largest + ulp(largest, dtype) / 2


def error_in_ulp(result, exact, dtype, of=None):
    """How far a finite result is from the exact value, in ulp of `of` (by default of the exact value)."""
    return float(abs(Fraction(float(result)) - exact) / ulp(exact if of is None else of, dtype))


def loss_bound(inputs):
    """The error allowed to a loss, in ulp of the sum of magnitudes.

    float16 and float32 are accumulated in float64, so what is left is the rounding of the result: half an ulp, and a
    thousandth for values next to a halfway case. In float64 every operation rounds by at most half an ulp: two for the
    hinge, two more operations for its square, one for each of the additions (C - 1 in a row, and N - 1), two for weight
    and division by C, and one by N.
    """
    if inputs.dtype != np.float64:
        return 0.501
    rows, classes = inputs.input.shape
    operations = 2 * inputs.p + (inputs.p - 1) + (classes - 1) + 2
    return operations + (0 if inputs.reduction == "none" else rows)


def gradient_bound(inputs):
    """The error allowed to an input gradient, in ulp of the row's largest element."""
    return 2 if inputs.dtype != np.float64 else 8 + inputs.input.shape[1]
