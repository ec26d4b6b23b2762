"""The arrays of the cases, drawn with a generator that is seeded by the case's id.

Scores and targets depend only on dtype, margin, shape and kind of values. Cases that differ in p, reduction or weight
share them, and also share their exact hinges.
"""

import zlib
from dataclasses import dataclass
from typing import Optional

import numpy as np

DTYPES = {"f16": np.float16, "f32": np.float32, "f64": np.float64}
LARGEST = {
    "f16": 3e4,
    "f32": 1e30,
    "f64": 1e150,
}  # hinges and their squares near or beyond the dtype's largest number


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


def generator(name):
    return np.random.default_rng(zlib.crc32(name.encode()))


def _normal(dtype, shape, target, margin, rng):
    return rng.standard_normal(shape).astype(dtype)


def _tie(dtype, shape, target, margin, rng):
    """Multiples of 1/4: every sum is exact, and many hinges are exactly 0."""
    scores = (rng.integers(-6, 7, shape) / 4).astype(dtype)
    rows = np.arange(shape[0])
    scores[rows, (target + 1) % shape[1]] = scores[rows, target] - dtype(margin)
    return scores


def _nan(dtype, shape, target, margin, rng):
    """NaN in class 0, in the target class, or in the last class; every fourth row has none."""
    scores = _normal(dtype, shape, target, margin, rng)
    scores[1::4, 0] = np.nan
    scores[2::4] = np.where(np.arange(shape[1]) == target[2::4, None], np.nan, scores[2::4])
    scores[3::4, -1] = np.nan
    return scores


def _infinite(dtype, shape, target, margin, rng):
    """Infinities of either sign in a wrong class, in the target class, or in both."""
    scores = _normal(dtype, shape, target, margin, rng)
    for row, y in enumerate(target):
        own, other = [(0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, -1), (0, 0)][row % 7]
        if own:
            scores[row, y] = own * np.inf
        if other:
            scores[row, (y + 1) % shape[1]] = other * np.inf
    return scores


def _largest(dtype, shape, target, margin, rng):
    return (rng.uniform(-1, 1, shape) * next(LARGEST[name] for name in DTYPES if DTYPES[name] == dtype)).astype(dtype)


def _cancelling(dtype, shape, target, margin, rng):
    """The gap margin - x[y] is not representable, and x[i] nearly cancels it, so that the hinge is tiny."""
    rows = shape[0]
    exponent = -9 if dtype == np.float16 else -30
    scores = np.full(shape, -margin, dtype)
    scores[:, 1::2] = np.nextafter(dtype(-margin), dtype(0))
    scores[np.arange(rows), target] = -np.ldexp(rng.uniform(1, 2, rows), exponent).astype(dtype)
    return scores


def _wide(dtype, shape, target, margin, rng):
    """The margin is 2**24 + 1, which float32 cannot represent, and every hinge is 1."""
    scores = np.full(shape, -(2.0**24), dtype)
    scores[np.arange(shape[0]), target] = 0
    return scores


def _equal(dtype, shape, target, margin, rng):
    """Equal rows, which round in the same direction. In float16 with shape (500, 7) and p = 1, each rounding error is
    0.43 ulp; if rows are rounded before the sum, its error is 1.32 ulp."""
    scores = np.zeros(shape, dtype)
    scores[np.arange(shape[0]), target] = -184 / 1024
    return scores


VALUES = {
    "normal": _normal,
    "tie": _tie,
    "nan": _nan,
    "inf": _infinite,
    "largest": _largest,
    "cancelling": _cancelling,
    "wide": _wide,
    "equal": _equal,
    "first": _normal,  # every target is 0
    "last": _normal,  # every target is C - 1
    "beyond": _normal,  # one target is C
    "negative": _normal,  # one target is -1
    "far": _normal,  # one target is 2**32 + 1, which is 1 if truncated to 32 bits
    "strided": _normal,  # every second column of a matrix twice as wide
    "transposed": _normal,  # the transpose of a contiguous matrix
}
BAD_TARGET_ROW = 2
BAD_TARGETS = {"beyond": None, "negative": -1, "far": 2**32 + 1}


def scores_and_target(dtype_name, margin, shape, values):
    rows, classes = shape
    rng = generator(f"{dtype_name}-m{margin}-{rows}x{classes}-{values}")
    target = rng.integers(0, classes, rows)
    target[:1], target[-1:] = classes - 1, 0
    if values in ("first", "last"):
        target[:] = 0 if values == "first" else classes - 1
    scores = VALUES[values](DTYPES[dtype_name], shape, target, margin, rng)
    if values in BAD_TARGETS:
        target[BAD_TARGET_ROW] = classes if values == "beyond" else BAD_TARGETS[values]
    return scores, target


def weights(dtype_name, kind, classes):
    """None, or weights in [0.5, 2): positive, of both signs, with zeros, or NaN for class 0."""
    if kind == "wnone":
        return None
    weight = generator(f"{dtype_name}-{kind}-{classes}").uniform(0.5, 2, classes).astype(DTYPES[dtype_name])
    if kind == "wsigned":
        weight[::2] *= -1
    if kind == "w0":
        weight[::2] = 0
    if kind == "wnan":
        weight[0] = np.nan
    return weight
