"""Cases with bad arguments: every documented `Raises`, and the errors of the decided clauses."""

import re
from dataclasses import dataclass

import numpy as np

from conformance.cases.base import Call, Case
from conformance.verdict import Outcome, Verdict

GOOD = {
    "input": np.ones((3, 5), np.float32),
    "target": np.array([1, 2, 1]),
    "weight": np.ones(5, np.float32),
    "p": 1,
    "margin": 1,
    "reduction": "mean",
}

# name in the case id, argument, its bad value, expected error, clause
RAISES = (
    ("p-float", "p", 1.0, TypeError, "raises-p-or-target-type"),
    ("p-str", "p", "1", TypeError, "raises-p-or-target-type"),
    ("p-bool", "p", True, TypeError, "bool"),
    ("p-0", "p", 0, ValueError, "raises-p"),
    ("p-3", "p", 3, ValueError, "raises-p"),
    ("p-minus-1", "p", -1, ValueError, "raises-p"),
    ("margin-float", "margin", 1.0, TypeError, "raises-margin-type"),
    ("margin-none", "margin", None, TypeError, "raises-margin-type"),
    ("margin-bool", "margin", True, TypeError, "bool"),
    ("reduction-int", "reduction", 1, TypeError, "raises-reduction-type"),
    ("reduction-average", "reduction", "average", ValueError, "raises-reduction"),
    ("reduction-capital", "reduction", "Mean", ValueError, "raises-reduction"),
    ("input-int32", "input", np.ones((3, 5), np.int32), TypeError, "raises-input-dtype"),
    ("input-int64", "input", np.ones((3, 5), np.int64), TypeError, "raises-input-dtype"),
    ("input-bool", "input", np.ones((3, 5), bool), TypeError, "raises-input-dtype"),
    ("input-list", "input", [[1.0] * 5] * 3, TypeError, "tensor-type"),
    ("input-rank-1", "input", np.ones(3, np.float32), ValueError, "raises-rank"),
    ("input-rank-3", "input", np.ones((3, 5, 1), np.float32), ValueError, "raises-rank"),
    ("input-no-class", "input", np.ones((3, 0), np.float32), ValueError, "no-class"),
    ("target-int32", "target", np.array([1, 2, 1], np.int32), TypeError, "target-int64"),
    ("target-float32", "target", np.ones(3, np.float32), TypeError, "raises-p-or-target-type"),
    ("target-list", "target", [1, 2, 1], TypeError, "tensor-type"),
    ("target-rank-0", "target", np.array(1), ValueError, "raises-rank"),
    ("target-rank-2", "target", np.ones((3, 1), np.int64), ValueError, "raises-rank"),
    ("target-4-rows", "target", np.ones(4, np.int64), ValueError, "raises-target-shape"),
    ("target-no-rows", "target", np.ones(0, np.int64), ValueError, "raises-target-shape"),
    ("weight-float16", "weight", np.ones(5, np.float16), TypeError, "raises-weight-dtype"),
    ("weight-float64", "weight", np.ones(5, np.float64), TypeError, "raises-weight-dtype"),
    ("weight-int64", "weight", np.ones(5, np.int64), TypeError, "weight-dtype"),
    ("weight-list", "weight", [1.0] * 5, TypeError, "tensor-type"),
    ("weight-rank-0", "weight", np.ones((), np.float32), ValueError, "raises-rank"),
    ("weight-rank-2", "weight", np.ones((1, 5), np.float32), ValueError, "raises-rank"),
    ("weight-4-classes", "weight", np.ones(4, np.float32), ValueError, "raises-weight-shape"),
    ("weight-6-classes", "weight", np.ones(6, np.float32), ValueError, "raises-weight-shape"),
)


@dataclass(frozen=True)
class ErrorCase(Case):
    name: str
    argument: str
    value: object
    error: type
    clause: str
    tier = "quick"
    needs = frozenset({"errors", "loss", "float32"})

    @property
    def id(self):
        return f"raises-{self.name}"

    @property
    def focus(self):
        return (self.clause,)

    @property
    def clauses(self):
        return (self.clause, "error-names-argument", "inputs-kept")

    def calls(self):
        arguments = {**GOOD, self.argument: self.value}
        if arguments["input"] is self.value and getattr(self.value, "ndim", 0) == 2 and self.value.shape[1] == 0:
            arguments["weight"] = np.ones(0, np.float32)  # the only wrong argument must be input
        return [Call("loss", GOOD), Call("loss", arguments)]

    def outcome(self, answers, leg):
        """The call with good arguments comes first, because what it leaves in a cache must not let bad ones pass."""
        good, bad = answers
        if good.error:
            return Case.outcome_of_error(self, good, leg)
        return super().outcome([bad], leg)

    def outcome_of_results(self, answers, leg):
        text = f"accepted {self.argument} = {_short(self.value)}, expected {self.error.__name__}"
        return Outcome(Verdict.DIVERGES, text, self.focus)

    def outcome_of_error(self, answer, leg):
        if self.error.__name__ not in answer.error:
            return Outcome(Verdict.DIVERGES, f"expected {self.error.__name__}, got {answer.text()}", self.focus)
        if not re.search(rf"(?<![a-zA-Z]){self.argument}(?![a-zA-Z])", answer.message):
            text = f"the error does not name {self.argument}: {answer.text()}"
            return Outcome(Verdict.DIVERGES, text, ("error-names-argument",))
        return Outcome(Verdict.CONFORMS)


def _short(value):
    if isinstance(value, np.ndarray):
        return f"{value.dtype}, shape {value.shape}"
    return repr(value)


def error_cases():
    for row in RAISES:
        yield ErrorCase(*row)
