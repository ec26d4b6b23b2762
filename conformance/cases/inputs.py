"""The arrays of the cases, drawn with generators that are seeded by what determines them.

A batch has few distinct rows, which it repeats, so that exact values are cheap at any N.
"""

import zlib
from dataclasses import dataclass
from typing import NamedTuple, Optional

import numpy as np

DTYPES = {"f16": np.float16, "f32": np.float32, "f64": np.float64}
PLACES = {"first": 0, "middle": 0.5, "last": 1}  # where the row with the special scores is
DISTINCT = 11  # rows; fewer if they are long
# p -> scores whose hinges raised to p are near the dtype's largest number; in float64, whose sums are
LARGE = {
    "f16": {1: 6e4, 2: 240},
    "f32": {1: 3e38, 2: 1.8e19},
    "f64": {1: 1e300, 2: 1e150},
}


@dataclass(frozen=True)
class Inputs:
    """Arrays of one dtype, the int64 target, and the options."""

    input: np.ndarray
    target: np.ndarray
    weight: Optional[np.ndarray]
    p: int = 1
    margin: float = 1
    reduction: str = "mean"

    @property
    def dtype(self):
        return self.input.dtype

    def arguments(self):
        """The arguments of the documented function, without weight if it is None."""
        weight = {} if self.weight is None else {"weight": self.weight}
        options = {"p": self.p, "margin": self.margin, "reduction": self.reduction}
        return {"input": self.input, "target": self.target, **weight, **options}


class Batch(NamedTuple):
    """The distinct rows of a batch and their targets, and for each row of the batch the index of its distinct row."""

    scores: np.ndarray
    target: np.ndarray
    index: np.ndarray

    @property
    def counts(self):
        return np.bincount(self.index, minlength=len(self.scores))


def generator(*names):
    return np.random.default_rng(zlib.crc32(" ".join(map(str, names)).encode()))


@np.errstate(all="ignore")  # float16 cannot represent some margins
def draw_batch(dtype_name, p, margin, rows, classes, values, column, row, target, active="half", variant=0):
    """A batch whose special scores are of the kind `values` and lie in `column` of `row`.

    With the row 'only', all rows are equal. `active` is how many of the ordinary hinges are positive. `variant` draws
    other scores with the same targets.
    """
    most = 1 if values == "equal" or row == "only" else max(3, min(DISTINCT, 2**17 // classes))
    distinct = min(rows, most)
    labels = _targets(target, distinct, classes)
    rng = generator(dtype_name, margin, rows, classes, values, column, row, target, variant)
    scores = _normal(DTYPES[dtype_name], distinct, classes, labels, margin, rng)
    if active == "few":
        _set_apart(scores, labels, margin)
    special = [distinct - 1] if row in PLACES else list(range(distinct))
    for r in special:
        columns = _columns(column, labels[r], classes, rng)
        SPECIAL[values](scores[r], labels[r], columns, margin, _largest(dtype_name, p, columns, classes), rng)
    if values == "equal":
        scores[0] = _equal_row(DTYPES[dtype_name], p, margin, rows, labels[0], classes)
    return Batch(scores, labels, _positions(rows, distinct, row))


def _targets(kind, distinct, classes):
    """The targets of the distinct rows. If they are spread, the last class and class 0 occur, and one never does."""
    if kind != "spread":
        return np.full(distinct, {"first": 0, "last": classes - 1, "same": classes // 3}[kind])
    labels = generator(distinct, classes).integers(0, classes, distinct)
    labels[:1], labels[-1:] = classes - 1, 0
    return np.where(labels == unused_class(classes), 0, labels)


def unused_class(classes):
    """A class that no row has as its target; -1 with fewer than four classes."""
    return classes // 2 if classes > 3 else -1


def _positions(rows, distinct, row):
    """The index of each row's distinct row. The special one is the last; it lies first, in the middle, or last."""
    if rows <= distinct:
        index = np.arange(rows) % max(distinct, 1)
    else:
        index = generator(rows, distinct, row).integers(0, max(distinct - (row in PLACES), 1), rows)
        index[:distinct] = np.arange(distinct)
    if row in PLACES and rows:
        place = int(PLACES[row] * (rows - 1) + 0.5)
        at = int(np.flatnonzero(index == distinct - 1)[0])
        index[[at, place]] = index[[place, at]]
    return index


def _columns(column, y, classes, rng):
    """The columns of a row's special scores. Only 'target' and 'all' contain the target's own; else its neighbour is
    taken instead."""
    if column == "all":
        return np.arange(classes)
    if column == "target":
        return np.array([y])
    if column == "every":
        return np.delete(np.arange(classes), y)
    at = {"first": 0, "last": classes - 1, "inner": int(rng.integers(1, classes - 1)) if classes > 2 else 0}[column]
    if at == y:
        at = at - 1 if at == classes - 1 else at + 1
    return np.array([at] if 0 <= at < classes else [], int)


def _normal(dtype, distinct, classes, labels, margin, rng):
    """Scores around half the margin, of either sign, so that about half of the hinges are positive at any margin.

    They take few distinct values, which makes exact sums cheap.
    """
    half, size = _center(dtype, margin)
    pool = rng.standard_normal(509) * size
    scores = rng.choice(pool, (distinct, classes)) - half
    scores[np.arange(distinct), labels] += 2 * half
    return scores.astype(dtype)


def _center(dtype, margin):
    """Half the margin, as far as the dtype can represent it, and the standard deviation of the ordinary scores."""
    half = min(abs(margin) / 2, float(np.finfo(dtype).max) / 4) * np.sign(margin)
    return half, max(1.0, abs(half) / 128)


def _set_apart(scores, labels, margin):
    """Raise the target scores, so that one hinge in fifty is positive."""
    rows = np.arange(len(labels))
    _, size = _center(scores.dtype, margin)
    scores[rows, labels] += scores.dtype.type(2 * size)


def _largest(dtype_name, p, columns, classes):
    """The size of large scores. The square of a single one is beyond the dtype's range, though not its share of C."""
    largest = LARGE[dtype_name][p]
    alone = p == 2 and len(columns) == 1 and dtype_name != "f64"
    return min(largest * np.sqrt(classes), LARGE[dtype_name][1]) if alone else largest


# The special scores of a row, written to its `columns`. `y` is the target; a tie is a hinge of exactly 0.


def _prominent(scores, y, columns, margin, large, rng):
    """One score that dominates the row's loss."""
    if len(columns) == 1:
        away = -1 if columns[0] == y else 1
        scores[columns] += scores.dtype.type(away * 8 * max(1.0, abs(float(scores[y])) / 64, len(scores) / 128))


def _set_target(scores, y, value):
    """Set the target score, and move all others with it, which keeps the hinges."""
    value = _round(value, scores.dtype)
    largest = float(np.finfo(scores.dtype).max)
    scores[:] = np.clip(scores.astype(np.float64) + (float(value) - float(scores[y])), -largest, largest)
    scores[y] = value


def _tie(scores, y, columns, margin, large, rng):
    """The target score is such that all partial sums are exact in the dtype, if it can represent the margin."""
    sign = -1 if abs(margin) < 2 ** (np.finfo(scores.dtype).nmant - 2) else 1
    _set_target(scores, y, sign * margin / 2 if margin else -0.5)
    scores[columns] = _round(float(scores[y]) - margin, scores.dtype)


def _near(scores, y, columns, margin, large, rng):
    """Hinges of one and two ulp, and scores one ulp below a tie."""
    _tie(scores, y, columns, margin, large, rng)
    for step in (1, 2, -1):
        some = columns[columns % 4 == step % 4]
        up = scores.dtype.type(np.copysign(np.inf, step))
        for _ in range(abs(step)):
            scores[some] = np.nextafter(scores[some], up)


def _tiny(scores, y, columns, margin, large, rng):
    """The gap margin - x[y] is not representable, and x[i] nearly cancels it, so that the hinge is tiny."""
    exponent = {2: -9, 4: -30, 8: -40}[scores.itemsize]
    _set_target(scores, y, -np.ldexp(rng.uniform(1, 2), exponent) * max(1, abs(margin)))
    scores[columns] = _round(-margin, scores.dtype)
    scores[columns[::2]] = np.nextafter(scores[columns[::2]], scores.dtype.type(0))


def _subnormal(scores, y, columns, margin, large, rng):
    """Subnormal scores. The target score is the margin, so that the hinges are subnormal too if it is representable."""
    unit = np.finfo(scores.dtype).smallest_subnormal
    _set_target(scores, y, margin if margin else 2 * unit)
    most = 2 ** (np.finfo(scores.dtype).nmant - 2)
    scores[columns] = rng.integers(-most // 2, most, len(columns)) * float(unit)


def _large(scores, y, columns, margin, large, rng):
    scores[columns] = (rng.uniform(0.5, 1, len(columns)) * rng.choice([-1, 1], len(columns))) * large


def _constant(value):
    def write(scores, y, columns, margin, large, rng):
        scores[columns] = value

    return write


def _nothing(scores, y, columns, margin, large, rng):
    pass


SPECIAL = {
    "normal": _prominent,
    "equal": _nothing,
    "tie": _tie,
    "near": _near,
    "tiny": _tiny,
    "subnormal": _subnormal,
    "large": _large,
    "inf": _constant(np.inf),
    "ninf": _constant(-np.inf),
    "nan": _constant(np.nan),
}


def _equal_row(dtype, p, margin, rows, y, classes):
    """A row of equal hinges h, chosen so that rounding its loss before the sum over rows costs many ulp."""
    scores = np.zeros(classes, dtype)
    own = (float(margin) - np.arange(1, 2049) / 512).astype(dtype)
    loss = np.maximum(margin - own.astype(np.float64), 0) ** p * (classes - 1) / classes
    error = np.abs(loss.astype(dtype).astype(np.float64) - loss) * rows
    ulps = error / np.spacing((loss * rows).astype(dtype)).astype(np.float64)
    scores[y] = own[np.argmax(np.where(np.isfinite(ulps), ulps, -1))]
    return scores


def _round(value, dtype):
    """The nearest number of the dtype that is finite."""
    largest = float(np.finfo(dtype).max)
    return dtype.type(min(max(value, -largest), largest))


def weights(dtype_name, kind, classes, y=0):
    """None, ones, or weights in [0.5, 2): positive, of both signs, with zeros, so large that naive products overflow,
    or with an infinite or NaN weight for class y. With 'wunused' the class that no row has has a NaN weight."""
    if kind == "wnone":
        return None
    dtype = DTYPES[dtype_name]
    if kind == "wone":
        return np.ones(classes, dtype)
    weight = generator(dtype_name, kind, classes).uniform(0.5, 2, classes).astype(dtype)
    if kind == "wsigned":
        weight[::2] *= -1
    if kind == "w0":
        weight[::2] = 0
    if kind == "wlarge":
        weight *= dtype({"f16": 2.0**14, "f32": 2.0**125, "f64": 2.0**900}[dtype_name])
    if kind in ("winf", "wnan"):
        weight[y] = np.inf if kind == "winf" else np.nan
    if kind == "wunused" and unused_class(classes) >= 0:
        weight[unused_class(classes)] = np.nan
    return weight
