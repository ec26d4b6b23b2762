"""The oracle: the documented formula in exact arithmetic.

Inputs are floating-point numbers, so every intermediate value is an integer times a power of two. Python's integers
hold these exactly, and only the divisions by C and N need fractions. Infinite and NaN scores or weights follow IEEE
arithmetic: they are floats among the fractions, and every sum or product with one is a float as well.
"""

import math
from fractions import Fraction
from typing import NamedTuple

import numpy as np


class Values(NamedTuple):
    """Exact values, each as the nearest float64 and the remainder, and the scale, whose ulp is the unit of errors.

    `nearest` is infinite or NaN if the exact value is.
    """

    nearest: np.ndarray
    rest: np.ndarray
    scale: np.ndarray


class Hinges:
    """The hinges max(0, margin - x[y] + x[i]), in units of the power of two `unit`; 0 for the target class.

    All hinges of a row are NaN if its target is out of range. `counts` is the number of times each row is repeated.
    """

    def __init__(self, scores, target, margin, counts=None):
        self.rows, self.classes = scores.shape
        self.target = target.tolist()
        self.counts = [1] * self.rows if counts is None else [int(n) for n in counts]
        uniques = [np.unique(row, return_inverse=True, return_counts=True) for row in scores]
        integers, gap, self.unit = _integers([values for values, _, _ in uniques], float(margin))
        self.hinges = []  # of each row: its distinct hinges, the number of wrong classes with each, each class's index
        for row, y, scored, (values, positions, numbers) in zip(integers, self.target, scores, uniques):
            if not 0 <= y < self.classes:
                self.hinges.append(([math.nan], [self.classes], None))
                continue
            positions = positions.reshape(-1)
            own, numbers = float(scored[y]), numbers.tolist()
            numbers[positions[y]] -= 1
            gaps = gap - row[positions[y]]
            hinge = [_hinge(gaps + x, own, float(value)) for x, value in zip(row, values)]
            self.hinges.append((hinge, numbers, positions))
        self._sums, self._slopes = {}, {}

    def row_sums(self, p):
        """The sum over classes of hinge**p, by row."""
        if p not in self._sums:
            sums = [_sum([h**p for h in hinge], numbers) for hinge, numbers, _ in self.hinges]
            self._sums[p] = [_times(s, self.unit**p) for s in sums]
        return self._sums[p]

    def slopes(self, p):
        """The slopes of each row, without the factor p and in units of `unit` if p = 2; None for a target out of range.

        They are the slopes of the distinct hinges, that of the target class, and the index of each class's slope. The
        slope of the target class is minus the sum of the others.
        """
        if p not in self._slopes:
            self._slopes[p] = [
                None if positions is None else (*_row_slopes(hinge, numbers, p), positions)
                for hinge, numbers, positions in self.hinges
            ]
        return self._slopes[p]


def _row_slopes(hinge, numbers, p):
    slopes = hinge if p == 2 else [h if h != h else (1 if h > 0 else 0) for h in hinge]
    return slopes, -_sum(slopes, numbers)


def _hinge(finite, own, other):
    """One hinge; `finite` is its value if both scores are finite."""
    if math.isfinite(own) and math.isfinite(other):
        return max(0, finite)
    z = other - own
    return math.nan if math.isnan(z) else max(0, z)


def _integers(rows, margin):
    """All scores and the margin as integers, with 0 for those that are not finite, and their unit, a power of two."""
    scores = np.concatenate([*rows, [margin]]).astype(np.float64)
    mantissa, exponent = np.frexp(np.where(np.isfinite(scores), scores, 0))
    mantissa = np.ldexp(mantissa, 53).astype(np.int64)
    lowest = int(exponent[mantissa != 0].min(initial=0))
    integers = [m << max(e, 0) for m, e in zip(mantissa.tolist(), (exponent - lowest).tolist())]
    ends = np.cumsum([0, *map(len, rows)]).tolist()
    split = [integers[begin:end] for begin, end in zip(ends, ends[1:])]
    return split, integers[-1], _power_of_two(lowest - 53)


def _power_of_two(exponent):
    return Fraction(2) ** exponent


def _exactly(number):
    """A Fraction, or the float itself if it is not finite."""
    number = float(number)
    return Fraction(number) if math.isfinite(number) else number


def _times(a, b):
    """a * b for ints, Fractions and non-finite floats, as in IEEE arithmetic: 0 * inf is NaN."""
    if isinstance(a, float) or isinstance(b, float):
        return _sign(a) * _sign(b)
    return a * b


def _sign(number):
    """A float that gives the same product with a non-finite factor as the number does."""
    return number if isinstance(number, float) else float((number > 0) - (number < 0))


def _sum(values, numbers=None):
    """The sum of the values, each taken as many times as `numbers` says. Beside a value that is not finite, the finite
    ones do not affect the sum and are skipped."""
    terms = list(zip(values, [1] * len(values) if numbers is None else numbers))
    floats = [value for value, number in terms if number and isinstance(value, float)]
    return sum(floats) if floats else sum(value * number for value, number in terms if number)


class Exact:
    """The exact loss and gradients for given hinges, weight, p and reduction."""

    def __init__(self, hinges, weight=None, p=1, reduction="mean"):
        self.hinges, self.p, self.reduction = hinges, p, reduction
        self.rows = sum(hinges.counts)
        known = [0 <= y < hinges.classes for y in hinges.target]
        one = Fraction(1)
        self._weights = [
            (one if weight is None else _exactly(weight[y])) if k else one for y, k in zip(hinges.target, known)
        ]

    @property
    def _divisor(self):
        return self.rows if self.reduction == "mean" else 1

    def loss(self):
        """One value per row for reduction 'none', else one value whose scale is the sum of the rows' magnitudes."""
        share = Fraction(1, self.hinges.classes)
        losses = [_times(_times(w, s), share) for w, s in zip(self._weights, self.hinges.row_sums(self.p))]
        if self.reduction == "none":
            return _values(losses, [abs(loss) for loss in losses])
        if self.rows == 0:
            return _values([math.nan if self.reduction == "mean" else 0], [0], ())
        each = [_times(loss, Fraction(n, self._divisor)) for loss, n in zip(losses, self.hinges.counts)]
        return _values([_sum(each)], [_sum([abs(loss) for loss in each])], ())

    def upstream(self, dout):
        """The upstream gradient of each row's loss."""
        if self.reduction == "none":
            return [_exactly(d) for d in dout]
        return [_exactly(dout) / self._divisor] * self.hinges.rows if self.rows else []

    def gradient(self, dout):
        """The gradient with respect to each score; 0 in a row whose target is out of range.

        The scale of the wrong classes is the largest of their magnitudes; that of the target class is its own.
        """
        hinges = self.hinges
        nearest, rest = np.zeros((2, hinges.rows, hinges.classes))
        for r, (slopes, w, g) in enumerate(zip(hinges.slopes(self.p), self._weights, self.upstream(dout))):
            if slopes is None:
                continue
            factor = _times(_times(g, w), Fraction(self.p, hinges.classes) * (hinges.unit if self.p == 2 else 1))
            distinct, own, positions = slopes
            nearest[r], rest[r] = np.array([_product(slope, factor) for slope in distinct])[positions].T
            nearest[r, hinges.target[r]], rest[r, hinges.target[r]] = _product(own, factor)
        scale = np.where(np.isfinite(nearest), np.abs(nearest), 0)
        own = np.arange(hinges.classes) == np.array(hinges.target, np.int64)[:, None]
        wrong = np.where(own, 0, scale).max(1, initial=0, keepdims=True)
        return Values(nearest, rest, np.where(own, scale, wrong))

    def weight_gradient(self, dout):
        """The gradient with respect to each class's weight; its scale is the sum of the magnitudes of its terms."""
        terms = {}
        share = Fraction(1, self.hinges.classes)
        rows = zip(self.hinges.target, self.hinges.row_sums(self.p), self.upstream(dout), self.hinges.counts)
        for y, row_sum, g, n in rows:
            if 0 <= y < self.hinges.classes:
                terms.setdefault(y, []).append(_times(_times(g, row_sum), share * n))
        nearest, rest, scale = np.zeros((3, self.hinges.classes))
        for y, values in terms.items():
            nearest[y], rest[y] = _split(_sum(values))
            scale[y], _ = _split(_sum([abs(value) for value in values]))
        return Values(nearest, rest, scale)


def _values(exacts, scales, shape=None):
    pairs = np.array([_split(exact) for exact in exacts]).reshape(-1, 2)
    scale = np.array([_split(s)[0] for s in scales], np.float64)
    return Values(*[a.reshape(a.shape if shape is None else shape) for a in (pairs[:, 0], pairs[:, 1], scale)])


def _split(exact):
    """The float64 nearest to an exact number, and the float64 nearest to the remainder."""
    if isinstance(exact, float):
        return exact, 0.0
    exact = Fraction(exact)
    return _quotient(exact.numerator, exact.denominator)


def _product(slope, factor):
    """_split of slope * factor. A gradient has many products, so their fractions are not reduced."""
    if isinstance(slope, float) or isinstance(factor, float):
        return _split(_times(slope, factor))
    return _quotient(slope * factor.numerator, factor.denominator)


def _quotient(numerator, denominator):
    try:
        nearest = numerator / denominator
    except OverflowError:
        return math.inf if numerator > 0 else -math.inf, 0.0
    a, b = nearest.as_integer_ratio()
    return nearest, (numerator * b - a * denominator) / (denominator * b)
