"""Cases with bad arguments: every documented `Raises`, and the errors of the decided clauses.

`wrong.py` lists the ways in which a call can be wrong. The quick tier has each way in a plain call, and every pair of a
group of ways and a property of the call; the full tier has every triple. In these, the ways of a group take turns. Good
calls are made after the bad one, and in half of the cases also before it: what a call leaves in a cache must not let
bad arguments pass, and an error must not change later results.
"""

import collections
import re
from dataclasses import dataclass

import numpy as np

from conformance.cases.base import Call, ErrorCase
from conformance.cases.covering import TIER_OF_STRENGTH, Constraint, Model
from conformance.cases.factors import POWERS, REDUCTIONS
from conformance.cases.inputs import DTYPES, generator
from conformance.cases.wrong import MISSING, WAYS
from conformance.verdict import Outcome, Verdict

TYPES = ("input-type", "target-type", "weight-type")
ERRORS = Model(
    "errors",
    {
        "group": tuple(WAYS),
        "operation": ("loss", "gradient"),
        "dtype": tuple(DTYPES),
        "p": POWERS,
        "reduction": REDUCTIONS,
        "shape": ((3, 5), (2, 1025), (3, 1), (0, 5)),
        "weight": ("wnone", "w+"),
        "passed": ("by-name", "by-position"),
        "first": ("good", "bad"),
    },
    (
        # An adapter's gradient may use methods of tensors, which other objects do not have.
        Constraint(("group", "operation"), lambda group, operation: operation == "loss" or group not in TYPES),
        Constraint(("group", "weight"), lambda g, weight: not g.startswith(("weight", "two")) or weight == "w+"),
        Constraint(("shape", "operation"), lambda shape, operation: shape[0] > 0 or operation == "loss"),
        Constraint(("shape", "reduction"), lambda shape, reduction: shape[0] > 0 or reduction == "none"),
    ),
)

# The most ordinary call.
PLAIN = {
    **{"operation": "loss", "dtype": "f32", "p": 1, "reduction": "mean", "shape": (3, 5), "weight": "w+"},
    **{"passed": "by-name", "first": "good"},
}


@dataclass(frozen=True)
class BadArgument(ErrorCase):
    group: str
    way: str
    operation: str
    dtype: str
    p: int
    reduction: str
    shape: tuple
    weight: str
    passed: str
    first: str
    tier: str

    @property
    def id(self):
        name = f"raises-{self.group.partition('-')[0]}-{self.way}"
        if all(getattr(self, factor) == value for factor, value in PLAIN.items()):
            return name
        rows, classes = self.shape
        parts = [name, self.operation, self.dtype, f"p{self.p}", self.reduction, self.weight, f"{rows}x{classes}"]
        parts += [] if self.passed == "by-name" else [self.passed]
        parts += [] if self.first == "good" else ["first"]
        return "-".join(parts)

    @property
    def bad_call(self):
        return 2 if self.first == "good" else 0

    @property
    def focus(self):
        return self._way.clauses

    @property
    def clauses(self):
        return (*self.focus, "error-names-argument", "inputs-kept", "same-twice")

    @property
    def needs(self):
        return frozenset({"errors", self.operation, DTYPES[self.dtype].__name__})

    def good(self, variant=0):
        """Good arguments. `variant` draws others of the same shapes."""
        rng, (rows, classes), dtype = generator(f"{self.id} {variant}"), self.shape, DTYPES[self.dtype]
        return {
            "input": rng.standard_normal(self.shape).astype(dtype),
            "target": rng.integers(0, classes, rows),
            "p": self.p,
            "margin": 1,
            "weight": rng.uniform(0.5, 2, classes).astype(dtype) if self.weight == "w+" else None,
            "reduction": self.reduction,
        }

    @property
    def _way(self):
        return WAYS[self.group][self.way]

    def changes(self):
        """The wrong arguments. Without classes, the weight is empty too, so that only input is wrong."""
        good = self.good()
        changes = self._way.changes(good, *self.shape)
        empty = self.way == "no-class" and self.weight == "w+"
        return {**changes, "weight": good["weight"][:0]} if empty else changes

    @property
    def _names(self):
        """The arguments of which the error must name one."""
        return tuple(self.changes()) if self.group == "two" else (self.group.partition("-")[0],)

    def is_wrong(self):
        """Whether the changes are possible and make the call wrong. With one class, (1,) is (C,), for example."""
        if self.way == MISSING:
            return self.passed == "by-name"
        try:
            good, changes = self.good(), self.changes()
        except ValueError:  # a negative size
            return False
        return any(_kind(value) != _kind(good[name]) for name, value in changes.items())

    def calls(self):
        good, other = self.good(), self.good(variant=1)
        bad = {name: value for name, value in {**good, **self.changes()}.items() if value is not MISSING}
        order = (good, other, bad, good) if self.first == "good" else (bad, good, other, good)
        dout = np.ones(self.shape[0] if self.reduction == "none" else (), good["input"].dtype)
        by_position = self.passed == "by-position"
        return [Call(self.operation, arguments, dout, by_position=by_position) for arguments in order]

    def outcome_of_results(self, answers, leg):
        wrong = ", ".join(f"{name} = {_short(value)}" for name, value in self.changes().items())
        errors = " or ".join(error.__name__ for error in self._way.errors)
        return Outcome(Verdict.DIVERGES, f"accepted {wrong}, expected {errors}", self.focus)

    def outcome_of_error(self, answer, leg):
        errors = [error.__name__ for error in self._way.errors]
        if not set(errors) & set(answer.error):
            return Outcome(Verdict.DIVERGES, f"expected {' or '.join(errors)}, got {answer.text()}", self.focus)
        if not re.search(rf"(?<![a-zA-Z])({'|'.join(self._names)})(?![a-zA-Z])", answer.message):
            text = f"the error does not name {' or '.join(self._names)}: {answer.text()}"
            return Outcome(Verdict.DIVERGES, text, ("error-names-argument",))
        return Outcome(Verdict.CONFORMS)


def _kind(value):
    """The properties that can make an argument wrong: dtype and shape, or type and value."""
    return (value.dtype, value.shape) if isinstance(value, np.ndarray) else (type(value), repr(value))


def _short(value):
    return f"{value.dtype}, shape {value.shape}" if isinstance(value, np.ndarray) else f"{value!r:.40}"


def error_cases():
    taken = collections.Counter()
    for group, ways in WAYS.items():
        plain = (BadArgument(group, way, *PLAIN.values(), tier="quick") for way in ways)
        yield from (case for case in plain if case.is_wrong())
    for strength, row in ERRORS.rows():
        cases = [BadArgument(way=way, tier=TIER_OF_STRENGTH[strength], **row) for way in WAYS[row["group"]]]
        case = min((case for case in cases if case.is_wrong()), key=lambda case: taken[case.group, case.way])
        taken[case.group, case.way] += 1
        yield case
