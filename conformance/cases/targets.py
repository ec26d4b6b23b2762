"""Cases with targets out of range: one or two rows of a batch, in every place, with every kind of value.

On CPU the expected result is an error. On a device that cannot raise errors, the loss of the row is NaN and its
gradient is 0. Calls with good targets are made before and after, and their results must have the same bits.
"""

import functools
import re
from dataclasses import dataclass

import numpy as np

from conformance.bounds import Naive
from conformance.cases.base import Call, ErrorCase
from conformance.cases.covering import TIER_OF_STRENGTH, Constraint, Model, never
from conformance.cases.factors import OPTIONS
from conformance.cases.inputs import DTYPES, Inputs, generator
from conformance.judge import judge_values
from conformance.oracle import Exact, Hinges
from conformance.verdict import Outcome, Verdict

LARGEST_SIZE = 400_000  # N * C
# Functions of the number of classes. In 32 bits '2-32-plus-last' is the last class and 'minus-2-32' is class 0.
VALUES = {
    "minus-1": lambda classes: -1,
    "classes": lambda classes: classes,
    "classes-plus-1": lambda classes: classes + 1,
    "minus-classes": lambda classes: -classes,
    "2-16": lambda classes: 2**16,
    "2-31": lambda classes: 2**31,
    "2-32-plus-last": lambda classes: 2**32 + classes - 1,
    "minus-2-32": lambda classes: -(2**32),
    "min": lambda classes: -(2**63),
    "max": lambda classes: 2**63 - 1,
}
PLACES = {
    "first": lambda rows: [0],
    "middle": lambda rows: [rows // 2],
    "last": lambda rows: [rows - 1],
    "both": lambda rows: [0, rows - 1],
}
FEW_ROWS = {1: ("first",), 2: ("first", "last", "both")}  # the places that differ

TARGETS = Model(
    "targets",
    {
        **OPTIONS,
        "weight": ("wnone", "w+", "w0", "wnan"),
        "rows": (1, 2, 9, 300, 70_000),
        "classes": (1, 3, 33, 1025, 40_000),
        "place": tuple(PLACES),
        "value": tuple(VALUES),
        "layout": ("contiguous", "strided"),
        "scores": ("finite", "nan"),  # of the row
        "passed": ("by-name", "by-position"),
    },
    (
        never(operation="weight-gradient", weight="wnone"),
        Constraint(("rows", "classes"), lambda rows, classes: rows * classes <= LARGEST_SIZE),
        Constraint(("rows", "place"), lambda rows, place: place in FEW_ROWS.get(rows, PLACES)),
        Constraint(("classes", "value"), lambda classes, value: (classes, value) != (1, "minus-classes")),  # "minus-1"
    ),
)


@dataclass(frozen=True)
class BadTarget(ErrorCase):
    operation: str
    dtype: str
    p: int
    reduction: str
    weight: str
    rows: int
    classes: int
    place: str
    value: str
    layout: str
    scores: str
    passed: str
    tier: str
    expects_error = True

    @property
    def id(self):
        options = f"p{self.p}-{self.reduction}-{self.weight}"
        parts = [
            "bad-target",
            self.operation,
            self.dtype,
            options,
            f"{self.rows}x{self.classes}",
            self.place,
            self.value,
        ]
        ordinary = {"layout": "contiguous", "scores": "finite", "passed": "by-name"}
        parts += [getattr(self, name) for name in ordinary if getattr(self, name) != ordinary[name]]
        return "-".join(parts)

    @property
    def focus(self):
        return ("target-range", "target-out-of-range")

    @property
    def clauses(self):
        """The expected answer is an error, which confirms nothing about values."""
        return (*self.focus, "inputs-kept", "same-twice")

    @property
    def needs(self):
        needs = {DTYPES[self.dtype].__name__, self.operation}
        return frozenset(needs | ({"non-contiguous"} if self.layout == "strided" else set()))

    def bad(self):
        """Row -> its target out of range. If there are two, they differ."""
        first, *others = PLACES[self.place](self.rows)
        value, other = VALUES[self.value](self.classes), VALUES["minus-1"](self.classes)
        if value == other:
            other = VALUES["classes"](self.classes)
        return {first: value, **dict.fromkeys(others, other)}

    def inputs(self, variant=0):
        """Inputs with all targets in range. `variant` draws others of the same shapes."""
        rng, dtype = generator(f"{self.id} {variant}"), DTYPES[self.dtype]
        scores = (rng.integers(-8, 9, (self.rows, self.classes)) / 4).astype(dtype)
        if self.scores == "nan":
            scores[list(self.bad()), 0] = np.nan
        weight = None
        if self.weight != "wnone":
            weight = rng.uniform(0.5, 2, self.classes).astype(dtype)
            if self.weight != "w+":
                weight[[0, -1]] = {"w0": 0, "wnan": np.nan}[self.weight]
        target = rng.integers(0, self.classes, self.rows)
        return Inputs(scores, target, weight, self.p, 1, self.reduction)

    def bad_inputs(self):
        inputs = self.inputs()
        for row, value in self.bad().items():
            inputs.target[row] = value
        return inputs

    def dout(self):
        return np.ones(self.rows if self.reduction == "none" else (), DTYPES[self.dtype])

    def calls(self):
        operation = "loss" if self.operation == "loss" else "gradient"
        pick = int(self.operation == "weight-gradient")
        layouts = {} if self.layout == "contiguous" else {"target": self.layout}
        by_position = self.passed == "by-position"
        return [
            Call(operation, inputs.arguments(), self.dout(), pick, layouts, by_position)
            for inputs in (self.inputs(), self.inputs(variant=1), self.bad_inputs(), self.inputs())
        ]

    def outcome_of_results(self, answers, leg):
        if leg.target == "CPU" and "target-errors" not in leg.limits:
            row, value = next(iter(self.bad().items()))
            return Outcome(Verdict.DIVERGES, f"accepted target[{row}] = {value}", self.focus)
        exact, naive = _expected(self)
        dtype = DTYPES[self.dtype]
        claim = None if self.operation == "weight-gradient" else leg.claims.get(dtype.__name__)
        return judge_values(answers[self.bad_call].array, exact, dtype, self.focus, naive, claim)

    def outcome_of_error(self, answer, leg):
        """An error conforms if it names a bad row and its value."""
        if self.needs & set(leg.limits):
            return super().outcome_of_error(answer, leg)
        bad = self.bad()
        wrong = [row for row in re.findall(r"target\[(\d+)\]", answer.message) if int(row) not in bad]
        if wrong:
            return self._broken(f"the error names target[{wrong[0]}], which is in range: {answer.text()}")
        if not any(_names(answer.message, row, value, self.classes) for row, value in bad.items()):
            expected = " or ".join(f"target[{row}] and its value {value}" for row, value in bad.items())
            return self._broken(f"the error does not name {expected}: {answer.text()}")
        return Outcome(Verdict.CONFORMS)

    def _broken(self, text):
        return Outcome(Verdict.DIVERGES, text, ("target-out-of-range",))


def _names(message, row, value, classes):
    """Whether the message contains the row and the value; C in the range [0, C) is not the value."""
    message = re.sub(rf"[\[(] *0 *, *{classes} *[\])]", "", message)
    return f"[{row}]" in message and re.search(rf"(?<![\d-]){value}(?!\d)", message)


@functools.lru_cache(maxsize=2)
def _expected(case):
    """The exact values and their naive bounds, on a device that cannot raise errors; cached for the other legs."""
    inputs, method = case.bad_inputs(), case.operation.replace("-", "_")
    arguments = () if case.operation == "loss" else (case.dout(),)
    exact = Exact(Hinges(inputs.input, inputs.target, inputs.margin), inputs.weight, inputs.p, inputs.reduction)
    return getattr(exact, method)(*arguments), getattr(Naive(inputs), method)(*arguments)


def bad_target_cases():
    for strength, row in TARGETS.rows():
        yield BadTarget(**row, tier=TIER_OF_STRENGTH[strength])
