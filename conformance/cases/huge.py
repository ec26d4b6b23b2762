"""Cases with more than 2**31 scores, where a 32-bit index overflows, and with more than 2**24 classes, which float32
cannot count. They need some 20 GB of memory.

The rows repeat a block of distinct rows. The block's length is a prime, so that an overflowed index does not refer to
an equal row. In the subject's process, a result of that size is reduced to the minimum and the maximum over all
repetitions of each row. Both are judged, so every element is checked.
"""

from dataclasses import dataclass

import numpy as np

from conformance.cases.base import Call, Case
from conformance.cases.inputs import DTYPES, Inputs, generator
from conformance.judge import judge_values
from conformance.oracle import Exact, Hinges

BLOCK = 1021


@dataclass(frozen=True)
class HugeCase(Case):
    operation: str
    dtype: str
    reduction: str
    shape: tuple
    distinct: int = BLOCK  # with 1, all rows are equal and the arrays are views that need no memory
    tier = "huge"
    focus = ("large-sizes",)
    seconds = 1200
    oversized = True

    @property
    def clauses(self):
        return (*self.focus, "output-dtype", "accuracy")

    @property
    def id(self):
        rows, classes = self.shape
        return f"huge-{self.operation}-{self.dtype}-p1-{self.reduction}-wnone-m1-{rows}x{classes}"

    @property
    def needs(self):
        return frozenset({DTYPES[self.dtype].__name__, self.operation, "huge"})

    def block(self):
        rng = generator(self.dtype, self.distinct, self.shape[1])
        pool = rng.standard_normal(509).astype(DTYPES[self.dtype])  # few distinct scores make exact sums cheap
        target = rng.integers(0, self.shape[1], self.distinct)
        target[-1] = self.shape[1] - 1
        return rng.choice(pool, (self.distinct, self.shape[1])), target

    def inputs(self):
        """The repeated rows, as views of the block."""
        scores, target = self.block()
        times = -(-self.shape[0] // self.distinct)
        rows = np.broadcast_to(scores, (times, *scores.shape))
        labels = np.broadcast_to(target, (times, len(target)))
        return rows, labels

    def calls(self):
        rows, labels = self.inputs()
        scores = rows.reshape(-1, self.shape[1])[: self.shape[0]]
        inputs = Inputs(scores, labels.reshape(-1)[: self.shape[0]], None, 1, 1, self.reduction)
        return [Call(self.operation, inputs.arguments(), np.array(1, scores.dtype))]

    def fold(self, array):
        """The minimum and the maximum over the repetitions of each row of the block."""
        if array.ndim == 0 or len(array) != self.shape[0]:
            return array
        whole = len(array) // self.distinct * self.distinct
        parts = array[:whole].reshape(-1, self.distinct, *array.shape[1:])
        least, greatest = parts.min(0), parts.max(0)
        tail = array[whole:]
        least[: len(tail)] = np.minimum(least[: len(tail)], tail)
        greatest[: len(tail)] = np.maximum(greatest[: len(tail)], tail)
        return np.concatenate([least, greatest])

    def outcome_of_results(self, answers, leg):
        scores, target = self.block()
        whole, rest = divmod(self.shape[0], self.distinct)
        exact = Exact(
            Hinges(scores, target, 1, [whole + (r < rest) for r in range(self.distinct)]), None, 1, self.reduction
        )
        values = exact.loss() if self.operation == "loss" else exact.gradient(1.0)
        if values.nearest.ndim:
            values = type(values)(*[np.concatenate([a, a]) for a in values])
        claim = leg.claims.get(DTYPES[self.dtype].__name__)
        return judge_values(answers[0].array, values, DTYPES[self.dtype], self.focus, None, claim)


def huge_cases():
    shape = (2**31 // 1000 + 2, 1000)
    for reduction in ("none", "mean"):
        yield HugeCase("loss", "f16", reduction, shape)
    yield HugeCase("gradient", "f16", "sum", shape)
    yield HugeCase("loss", "f32", "none", (3, 2**24 + 3), distinct=3)
    yield HugeCase("gradient", "f32", "sum", (1, 2**24 + 3), distinct=1)
