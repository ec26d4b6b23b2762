"""What is tested: the cases, and the inputs that each stands for.

A case's id is readable, the same everywhere, and the seed of its inputs: `f32-p2-mean-signed-m1-33x129`.
"""

import itertools
import zlib
from dataclasses import dataclass
from typing import Optional

import numpy as np

DTYPES = {"f16": np.float16, "f32": np.float32, "f64": np.float64}
POWERS = (1, 2)
REDUCTIONS = ("none", "mean", "sum")
WEIGHTS = ("unweighted", "positive", "signed")

# Each shape is here for an edge: one element; one class; one row; fewer classes than a vector; around one vector; and
# more than a few. The large ones are what threads share: rows that may be split, few and many, and many short rows.
SHAPES = ((1, 1), (7, 1), (1, 3), (5, 4), (9, 15), (8, 16), (33, 17), (17, 129), (3, 1100))
LARGE_SHAPES = ((1, 100_000), (3, 20_000), (70, 17_000), (300, 1000), (4000, 10))
MARGINS = (-1, 0, 1, 1000)


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


@dataclass(frozen=True)
class Case:
    dtype: str
    p: int
    reduction: str
    weight: str
    margin: int
    shape: tuple

    @property
    def id(self):
        rows, classes = self.shape
        return f"{self.dtype}-p{self.p}-{self.reduction}-{self.weight}-m{self.margin}-{rows}x{classes}"

    def inputs(self):
        rng = np.random.default_rng(zlib.crc32(self.id.encode()))
        rows, classes = self.shape
        dtype = DTYPES[self.dtype]
        scores = rng.standard_normal(self.shape).astype(dtype)
        target = rng.integers(0, classes, rows)
        target[:1], target[-1:] = classes - 1, 0
        tied = (np.arange(rows), (target + 1) % classes)
        scores[tied] = scores[np.arange(rows), target] - dtype(self.margin)  # z = 0 where this is exact
        weight = None
        if self.weight != "unweighted":
            weight = rng.uniform(0.5, 2, classes).astype(dtype)
        if self.weight == "signed":
            weight[::2] *= -1
        return Inputs(scores, target, weight, self.p, self.margin, self.reduction)

    def dout(self):
        """An upstream gradient of the loss's shape."""
        values = np.linspace(-1, 2, self.shape[0]) if self.reduction == "none" else 1.5
        return np.array(values, DTYPES[self.dtype])


def cases():
    """Every dtype x p x reduction x weight on every shape, and every margin on one."""
    options = list(itertools.product(DTYPES, POWERS, REDUCTIONS, WEIGHTS))
    every_shape = [Case(*option, 1, shape) for option in options for shape in SHAPES]
    every_margin = [Case(*option, margin, (33, 17)) for option in options for margin in MARGINS if margin != 1]
    return every_shape + every_margin


def large_cases():
    """Large shapes, for every dtype and p; many short rows for every reduction too."""
    options = list(itertools.product(DTYPES, POWERS))
    weighted = [Case(*option, "mean", "signed", 1, shape) for option in options for shape in LARGE_SHAPES]
    return weighted + [
        Case(*option, reduction, "unweighted", 1, (4000, 10)) for option in options for reduction in REDUCTIONS
    ]


def near_cancellation(dtype, p, classes, rng):
    """Rows in which margin - x[y] needs more than one float and x[i] nearly cancels it: what is left is tiny."""
    tiny = np.ldexp(rng.uniform(1, 2, 4), (-9 if dtype == np.float16 else -30)).astype(dtype)
    scores = np.full((4, classes), -1, dtype)
    scores[:, 1::2] = np.nextafter(dtype(-1), dtype(0))
    target = np.array([0, classes - 1, classes // 2, min(1, classes - 1)])
    scores[np.arange(4), target] = -tiny
    return Inputs(scores, target, None, p, 1, "none")
