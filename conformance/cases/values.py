"""Cases with exact values, for the loss and both gradients: every dtype x p x reduction x weight on every shape, and
margins and special values in combinations that cover all pairs."""

import functools
import itertools
from dataclasses import dataclass

import numpy as np

from conformance.bounds import Naive, NaiveHinges
from conformance.cases.base import Call, Case
from conformance.cases.inputs import BAD_TARGET_ROW, BAD_TARGETS, DTYPES, Inputs, scores_and_target, weights
from conformance.judge import judge_values
from conformance.oracle import Exact, Hinges
from conformance.verdict import Outcome, Verdict

OPERATIONS = ("loss", "gradient", "weight-gradient")
POWERS = (1, 2)
REDUCTIONS = ("none", "mean", "sum")
WEIGHTS = ("wnone", "w+", "wsigned", "w0")
OPTIONS = list(itertools.product(DTYPES, POWERS, REDUCTIONS, WEIGHTS))

# Each shape tests a boundary of an implementation.
SHAPES = {
    (1, 1): "one element",
    (7, 1): "one class: only the target class",
    (1, 5): "one row",
    (5, 4): "fewer classes than lanes in a vector",
    (9, 31): "one class less than a vector or a warp",
    (8, 32): "one vector or warp",
    (9, 33): "one class more than a vector or a warp",
    (6, 127): "one class less than several vectors",
    (5, 128): "several vectors",
    (17, 129): "one class more than several vectors",
    (300, 7): "many short rows, which threads may process in groups",
    (3, 1100): "more than a thousand classes, and a tail",
    (3, 20_001): "rows longer than any block",
    (2, 100_000): "few rows with many classes",
    (0, 5): "no rows",
}
SPECIAL_SHAPE = (9, 33)
LARGE_SHAPES = {
    (4000, 10): "more short rows than one thread processes",
    (300, 1000): "enough rows for every thread",
    (66, 16_500): "enough rows for every thread, each longer than a block",
}

# Special margins and values: name -> kind of values, operations, margins, and the clauses in focus.
MARGINS = (1, 0, -1, 3)
SPECIALS = {
    "m0": ("normal", OPERATIONS, (0,), ("margin",)),
    "m-1": ("normal", OPERATIONS, (-1,), ("margin",)),
    "m3": ("normal", OPERATIONS, (3,), ("margin",)),
    "m1000": ("normal", OPERATIONS, (1000,), ("margin",)),
    "tie": ("tie", OPERATIONS, MARGINS, ("zero-hinge",)),
    "nan": ("nan", ("loss",), MARGINS, ("nan",)),
    "nan-gradient": ("nan", ("gradient", "weight-gradient"), MARGINS, ("nan-gradient",)),
    "inf": ("inf", OPERATIONS, MARGINS, ("infinity",)),
    "largest": ("largest", OPERATIONS, (1,), ("rounded-once",)),
    "equal": ("equal", ("loss",), (1,), ("rounded-once",)),
    "cancelling": ("cancelling", ("loss", "gradient"), (1,), ("accuracy",)),
    "wide": ("wide", OPERATIONS, (2**24 + 1,), ("margin-precision",)),
    "first": ("first", OPERATIONS, MARGINS, ("target-range",)),
    "last": ("last", OPERATIONS, MARGINS, ("target-range",)),
    "beyond": ("beyond", OPERATIONS, MARGINS, ("target-range", "target-out-of-range")),
    "negative": ("negative", OPERATIONS, MARGINS, ("target-range", "target-out-of-range")),
    "far": ("far", OPERATIONS, MARGINS, ("target-range", "target-out-of-range")),
    "strided": ("strided", OPERATIONS, MARGINS, ("non-contiguous",)),
    "transposed": ("transposed", OPERATIONS, MARGINS, ("non-contiguous",)),
}


@functools.lru_cache(maxsize=32)
def _drawn(dtype, margin, shape, values):
    return scores_and_target(dtype, margin, shape, values)


@functools.lru_cache(maxsize=8)
def _hinges(dtype, margin, shape, values):
    return Hinges(*_drawn(dtype, margin, shape, values), margin)


@functools.lru_cache(maxsize=8)
def _naive_hinges(dtype, margin, shape, values):
    return NaiveHinges(*_drawn(dtype, margin, shape, values), margin)


@dataclass(frozen=True)
class ValueCase(Case):
    operation: str
    dtype: str
    p: int
    reduction: str
    weight: str
    margin: int
    shape: tuple
    values: str
    tier: str
    special: tuple = ()  # the clauses in focus, if they are not those of the formula

    @property
    def id(self):
        rows, classes = self.shape
        kind = "" if self.values == "normal" else f"-{self.values}"
        options = f"p{self.p}-{self.reduction}-{self.weight}-m{self.margin}"
        return f"{self.operation}-{self.dtype}-{options}-{rows}x{classes}{kind}"

    @property
    def focus(self):
        if self.shape[0] == 0:
            return ("no-rows",)
        if self.values == "wide" and self.dtype == "f32":  # float32 cannot represent the margin
            return ("accuracy",)
        if self.special and (self.operation != "weight-gradient" or self.expects_error):
            return self.special
        if self.shape[1] == 1:
            return ("one-class",)
        if self.operation != "loss":
            return (self.operation, f"input-{DTYPES[self.dtype].__name__}")
        names = ["purpose", "formula", "other-classes", "input-shape", f"input-{DTYPES[self.dtype].__name__}"]
        names += ["target-shape", "target-int64", "p", "reduction", f"reduction-{self.reduction}", "divisor"]
        names += ["returns-rows" if self.reduction == "none" else "returns-scalar"]
        names += [] if self.weight == "wnone" else ["weight", "weight-dtype", "weight-outside-power"]
        return tuple(names)

    @property
    def clauses(self):
        """With a bad target the expected answer is an error, which confirms nothing about values."""
        return (*self.focus, "inputs-kept", "same-twice") if self.expects_error else super().clauses

    @property
    def expects_error(self):
        return self.values in BAD_TARGETS

    @property
    def needs(self):
        needs = {DTYPES[self.dtype].__name__, self.operation}
        return frozenset(needs | ({"non-contiguous"} if self.values in ("strided", "transposed") else set()))

    def inputs(self):
        scores, target = _drawn(self.dtype, self.margin, self.shape, self.values)
        weight = weights(self.dtype, self.weight, self.shape[1])
        return Inputs(scores, target, weight, self.p, self.margin, self.reduction)

    def dout(self):
        """The upstream gradient, in the shape of the loss."""
        values = np.linspace(-1, 2, self.shape[0]) if self.reduction == "none" else 1.5
        return np.array(values, DTYPES[self.dtype])

    def _call(self, inputs, dout):
        view = self.values if self.values in ("strided", "transposed") else None
        if self.operation == "loss":
            return Call("loss", inputs.arguments(), view=view)
        return Call("gradient", inputs.arguments(), dout, pick=OPERATIONS.index(self.operation) - 1, view=view)

    def calls(self):
        return [self._call(self.inputs(), self.dout())]

    def disturbance(self):
        """A call with other scores of the same shape. If N = 0, it has eight rows, so that stale results are not 0."""
        inputs, dout = self.inputs(), self.dout()
        scores, target = -inputs.input[::-1], np.clip(inputs.target[::-1], 0, self.shape[1] - 1)
        if self.shape[0] == 0:
            scores, target = np.full((8, self.shape[1]), 7, inputs.dtype), np.zeros(8, np.int64)
            dout = np.full(8, 7, inputs.dtype) if self.reduction == "none" else dout
        other = Inputs(np.ascontiguousarray(scores), target, inputs.weight, self.p, self.margin, self.reduction)
        return [self._call(other, dout)]

    def outcome_of_results(self, answers, leg):
        if self.expects_error and leg.target == "CPU" and "target-errors" not in leg.limits:
            value = self.inputs().target[BAD_TARGET_ROW]
            return Outcome(Verdict.DIVERGES, f"accepted target[{BAD_TARGET_ROW}] = {value}", self.focus)
        exact, naive = _expected(self)
        dtype = DTYPES[self.dtype]
        claim = None if self.operation == "weight-gradient" else leg.claims.get(dtype.__name__)
        return judge_values(answers[0].array, exact, dtype, self.focus, naive, claim)

    def outcome_of_error(self, answer, leg):
        """For a target out of range an error conforms if it names the row and the value."""
        if not self.expects_error or self.needs & set(leg.limits):
            return super().outcome_of_error(answer, leg)
        row, value = BAD_TARGET_ROW, self.inputs().target[BAD_TARGET_ROW]
        if f"[{row}]" in answer.message and str(value) in answer.message:
            return Outcome(Verdict.CONFORMS)
        text = f"the error does not name target[{row}] and its value {value}: {answer.text()}"
        return Outcome(Verdict.DIVERGES, text, ("target-out-of-range",))


@functools.lru_cache(maxsize=2)
def _expected(case):
    """The exact values of a case and their naive bounds, cached for the other legs."""
    inputs, dout = case.inputs(), case.dout()
    drawn = (case.dtype, case.margin, case.shape, case.values)
    method = case.operation.replace("-", "_")
    arguments = () if case.operation == "loss" else (dout,)
    exact = Exact(_hinges(*drawn), inputs.weight, case.p, case.reduction)
    naive = Naive(inputs, _naive_hinges(*drawn))
    return getattr(exact, method)(*arguments), getattr(naive, method)(*arguments)


def _operations(weight, operations=OPERATIONS):
    return [operation for operation in operations if weight != "wnone" or operation != "weight-gradient"]


def product_cases():
    """Every option on every shape. The quick tier has all options on one shape and a twelfth of them on each other."""
    for s, shape in enumerate(SHAPES):
        for o, option in enumerate(OPTIONS):
            tier = "quick" if shape == SPECIAL_SHAPE or (o + 5 * s) % 12 == 0 else "full"
            for operation in _operations(option[-1]):
                yield ValueCase(operation, *option, 1, shape, "normal", tier)


def large_cases():
    """Sizes that several threads share, with every dtype and p, and the other options in turn."""
    for s, shape in enumerate(LARGE_SHAPES):
        for i, (dtype, p) in enumerate(itertools.product(DTYPES, POWERS)):
            reduction, weight = REDUCTIONS[(i + s) % 3], WEIGHTS[(i + s) % 4]
            tier = "quick" if shape == (4000, 10) and p == 1 else "full"
            for operation in _operations(weight):
                yield ValueCase(operation, dtype, p, reduction, weight, 1, shape, "normal", tier)


def cancelling_cases():
    """Hinges of almost 0, with so many classes that an error in each would add up."""
    for shape in ((3, 1100), (2, 100_000)):
        for dtype, p in itertools.product(DTYPES, POWERS):
            for operation in ("loss", "gradient"):
                options = (operation, dtype, p, "none", "wnone", 1, shape)
                yield ValueCase(*options, "cancelling", "full", ("accuracy",))


def special_cases():
    """Every special with every dtype, p and reduction, and weights and margins in turn, so that all pairs occur."""
    for s, (values, operations, margins, clauses) in enumerate(SPECIALS.values()):
        for i, (dtype, p, reduction) in enumerate(itertools.product(DTYPES, POWERS, REDUCTIONS)):
            if values == "wide" and dtype == "f16":  # float16 cannot represent 2**24
                continue
            weight, margin = WEIGHTS[(i + s) % 4], margins[(i + i // 4 + s) % len(margins)]
            tier = "quick" if (i + s) % 3 == 0 else "full"
            shape = SPECIAL_SHAPE
            if values == "equal":
                weight, shape = "wnone", (500, 7)
            for operation in _operations(weight, operations):
                yield ValueCase(operation, dtype, p, reduction, weight, margin, shape, values, tier, clauses)


def nan_weight_cases():
    """A NaN weight; and C = 1 with a score that is not finite, where the sum over the other classes is empty."""
    for dtype, p, reduction in itertools.product(DTYPES, POWERS, REDUCTIONS):
        tier = "quick" if p == 1 else "full"
        options = (dtype, p, reduction)
        yield ValueCase("loss", *options, "wnan", 1, SPECIAL_SHAPE, "normal", tier, ("nan",))
        for values in ("nan", "inf"):
            yield ValueCase("loss", *options, "wnone", 1, (7, 1), values, tier, ("one-class",))
