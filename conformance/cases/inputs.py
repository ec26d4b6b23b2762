"""Inputs: the arrays of a case, drawn from what its id says about them.

Scores and targets come from dtype, margin, shape and kind of values alone, so that cases which differ only in p,
reduction or weight share them, and the exact work on them.
"""

import zlib
from dataclasses import dataclass
from typing import Optional

import numpy as np

DTYPES = {"f16": np.float16, "f32": np.float32, "f64": np.float64}
LARGEST = {"f16": 3e4, "f32": 1e30, "f64": 1e150}  # hinges and their squares at the end of the dtype, or beyond


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
        """Those of the page; no weight where there is none."""
        weight = {} if self.weight is None else {"weight": self.weight}
        options = {"p": self.p, "margin": self.margin, "reduction": self.reduction}
        return {"input": self.input, "target": self.target, **weight, **options}


def generator(name):
    return np.random.default_rng(zlib.crc32(name.encode()))


def _normal(dtype, shape, target, margin, rng):
    return rng.standard_normal(shape).astype(dtype)


def _tie(dtype, shape, target, margin, rng):
    """Quarters: every sum is exact, and many hinges are exactly 0."""
    scores = (rng.integers(-6, 7, shape) / 4).astype(dtype)
    rows = np.arange(shape[0])
    scores[rows, (target + 1) % shape[1]] = scores[rows, target] - dtype(margin)
    return scores


def _nan(dtype, shape, target, margin, rng):
    """NaN in a wrong class, in the right one, and in the last; every fourth row has none."""
    scores = _normal(dtype, shape, target, margin, rng)
    scores[1::4, 0] = np.nan
    scores[2::4] = np.where(np.arange(shape[1]) == target[2::4, None], np.nan, scores[2::4])
    scores[3::4, -1] = np.nan
    return scores


def _infinite(dtype, shape, target, margin, rng):
    """Infinities of either sign in a wrong class, in the right one, and in both."""
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
    """margin - x[y] needs more than one float and x[i] nearly cancels it: what is left is tiny."""
    rows = shape[0]
    exponent = -9 if dtype == np.float16 else -30
    scores = np.full(shape, -margin, dtype)
    scores[:, 1::2] = np.nextafter(dtype(-margin), dtype(0))
    scores[np.arange(rows), target] = -np.ldexp(rng.uniform(1, 2, rows), exponent).astype(dtype)
    return scores


def _wide(dtype, shape, target, margin, rng):
    """margin is 2**24 + 1, which float32 cannot hold, and every hinge is 1."""
    scores = np.full(shape, -(2.0**24), dtype)
    scores[np.arange(shape[0]), target] = 0
    return scores


def _equal(dtype, shape, target, margin, rng):
    """All rows alike, so that in float16 each is rounded the same way: at (500, 7), p = 1, by 0.43 ulp, which
    is 1.32 ulp of the sum where rows are rounded before it."""
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
    "last": _normal,  # or C - 1
    "beyond": _normal,  # one target is C
    "negative": _normal,  # or -1
    "far": _normal,  # or 2**32 + 1, which 32 bits take for 1
    "strided": _normal,  # every second column of a matrix twice as wide
    "transposed": _normal,  # a matrix the other way round in memory
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
