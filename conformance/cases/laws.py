"""Cases without an oracle: identities that follow from the formula, on sizes where exact arithmetic would be slow.

Each law makes several calls and compares two expressions of their results. Its error bound is the sum of the bounds of
both sides (one ulp each in float16 and float32, the naive bound in float64) and of one more rounding, because some laws
compute with the results.
"""

import functools
from dataclasses import dataclass

import numpy as np

from conformance.bounds import Naive, allowed
from conformance.cases.base import Call, Case
from conformance.cases.inputs import DTYPES, Inputs, generator
from conformance.verdict import Outcome, Verdict

SHAPES = ((40, 1000), (64, 20_011))


def _change(inputs, **changes):
    return Inputs(**{**vars(inputs), **changes})


def _shift(inputs):
    """Adding a constant to a row changes nothing. Scores are multiples of 1/4, so the sum is exact."""
    shifted = inputs.input + np.arange(len(inputs.input), dtype=inputs.dtype)[:, None] % 7
    return [inputs, _change(inputs, input=shifted)], lambda a, b: (a, b)


def _permute(inputs):
    """Permuting the classes changes nothing."""
    order = generator("order").permutation(inputs.input.shape[1])
    renamed = np.argsort(order)[inputs.target]
    other = _change(inputs, input=inputs.input[:, order], target=renamed, weight=inputs.weight[order])
    return [inputs, other], lambda a, b: (a, b)


def _mean(inputs):
    """The sum is N times the mean."""
    rows = len(inputs.input)
    both = [_change(inputs, reduction="sum"), _change(inputs, reduction="mean")]
    return both, lambda total, mean: (total.astype(float) / rows, mean)


def _weight(inputs):
    """Twice the weight gives twice the loss. The factor is a power of two, so this is exact."""
    return [inputs, _change(inputs, weight=inputs.weight * inputs.dtype.type(2))], lambda a, b: (a.astype(float) * 2, b)


def _split(inputs):
    """The losses of two halves of a batch are those of the whole batch."""
    half = len(inputs.input) // 2
    parts = [_change(inputs, input=inputs.input[s], target=inputs.target[s]) for s in (slice(half), slice(half, None))]
    return [inputs, *parts], lambda whole, *halves: (whole, np.concatenate(halves))


def _balance(inputs):
    """Each row of the gradient sums to 0."""
    return [inputs], lambda gradient: (gradient.astype(float).sum(1), np.zeros(len(gradient)))


# law -> the function that returns its calls' inputs and the two sides to compare, the reduction, the operation
LAWS = {
    "shift": (_shift, "none", "loss"),
    "permute": (_permute, "none", "loss"),
    "mean": (_mean, "mean", "loss"),
    "weight": (_weight, "none", "loss"),
    "split": (_split, "none", "loss"),
    "balance": (_balance, "none", "gradient"),
}


@functools.lru_cache(maxsize=1)
def _inputs(case):
    rng = generator(case.id)
    scores = (rng.integers(-8, 9, case.shape) / 4).astype(DTYPES[case.dtype])
    weight = rng.uniform(0.5, 2, case.shape[1]).astype(DTYPES[case.dtype])
    target = rng.integers(0, case.shape[1], case.shape[0])
    return Inputs(scores, target, weight, case.p, 1, LAWS[case.law][1])


@functools.lru_cache(maxsize=1)
def _naive(case):
    """The naive bound of a law's results, cached for the other legs."""
    naive = Naive(_inputs(case))
    return naive.gradient(np.ones(case.shape[0])) if case.law == "balance" else np.asarray(naive.loss())


@dataclass(frozen=True)
class LawCase(Case):
    law: str
    dtype: str
    p: int
    shape: tuple
    tier: str
    focus = ("laws",)

    @property
    def id(self):
        rows, classes = self.shape
        return f"law-{self.law}-{self.dtype}-p{self.p}-{rows}x{classes}"

    @property
    def needs(self):
        return frozenset({DTYPES[self.dtype].__name__, LAWS[self.law][2]})

    def _inputs_and_sides(self):
        return LAWS[self.law][0](_inputs(self))

    def calls(self):
        dout = np.ones(self.shape[0], DTYPES[self.dtype])
        return [Call(LAWS[self.law][2], inputs.arguments(), dout) for inputs in self._inputs_and_sides()[0]]

    def outcome_of_results(self, answers, leg):
        sides = self._inputs_and_sides()[1]
        for answer in answers:
            if answer.array.dtype != DTYPES[self.dtype]:
                text = f"returned {answer.array.dtype}, expected {np.dtype(DTYPES[self.dtype])}"
                return Outcome(Verdict.DIVERGES, text, ("output-dtype",))
            if not np.isfinite(answer.array).all():
                return Outcome(Verdict.DIVERGES, "a result is not finite", self.focus)
        left, right = (np.asarray(side, np.float64) for side in sides(*[answer.array for answer in answers]))
        if left.shape != right.shape:
            return Outcome(Verdict.DIVERGES, f"shapes {left.shape} and {right.shape}", self.focus)
        naive, bound, magnitude = self._bounds(answers[0].array, np.maximum(abs(left), abs(right)))
        error = abs(left - right)
        if not (magnitude > bound).any():
            return Outcome(Verdict.VACUOUS, "the bound is wider than the values")
        fraction = float(np.max(error / bound))
        if (error > bound).any():
            worst = np.unravel_index(np.argmax(error / bound), error.shape)
            broken, of = (self.focus, "the formula") if (error > naive).any() else (("accuracy",), "accuracy")
            text = (
                f"{left[worst]:.9g} is not {right[worst]:.9g}, {fraction:.3g} times the allowed difference, beyond {of}"
            )
            return Outcome(Verdict.DIVERGES, text, broken, None, fraction)
        return Outcome(Verdict.CONFORMS, "", (), None, fraction)

    def _bounds(self, result, scale):
        """The naive bound and the bound of the clause 'accuracy', and the magnitude to which they apply.

        Both are three times the bound of one result: two sides and one more rounding. For 'balance' they are the sums
        of the bounds of a row's elements, where a wrong class has the bound of the largest one.
        """
        inputs, naive = _inputs(self), _naive(self)
        if self.law != "balance":
            return 3 * naive, 3 * allowed(inputs.dtype, scale, naive), scale
        own = np.arange(result.shape[1]) == inputs.target[:, None]
        size = np.abs(result.astype(np.float64))
        each = np.where(own, size, np.where(own, 0, size).max(1, keepdims=True))
        return naive.sum(1), allowed(inputs.dtype, each, naive).sum(1), size.sum(1)


def law_cases():
    for law in LAWS:
        for i, dtype in enumerate(DTYPES):
            for p in (1, 2):
                for shape in SHAPES:
                    yield LawCase(law, dtype, p, shape, "quick" if shape == SHAPES[0] and i % 2 == p % 2 else "full")
