"""Cases with committed results: the documented example, and small inputs with exact results.

They do not depend on the oracle: `golden/values.json` has decimal inputs, and their results as fractions.
"""

import functools
import json
import pathlib
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from conformance.cases.base import Call, Case
from conformance.cases.inputs import DTYPES, Inputs
from conformance.judge import judge_values
from conformance.oracle import Values
from conformance.verdict import Outcome, Verdict

FILE = pathlib.Path(__file__).parents[1] / "golden" / "values.json"


@functools.cache
def golden():
    return json.loads(FILE.read_text())["values"]


@dataclass(frozen=True)
class GoldenCase(Case):
    operation: str
    dtype: str
    index: int
    tier = "quick"

    @property
    def focus(self):
        return ("formula", "other-classes") if self.operation == "loss" else (self.operation,)

    @property
    def id(self):
        return f"golden-{self.operation}-{self.dtype}-{golden()[self.index]['name']}"

    @property
    def needs(self):
        return frozenset({DTYPES[self.dtype].__name__, self.operation})

    def inputs(self):
        entry, dtype = golden()[self.index], DTYPES[self.dtype]
        weight = None if entry["weight"] is None else np.array(entry["weight"], dtype)
        options = (entry["p"], entry["margin"], entry["reduction"])
        return Inputs(np.array(entry["input"], dtype), np.array(entry["target"]), weight, *options)

    def full_dout(self):
        return np.array(golden()[self.index]["dout"], DTYPES[self.dtype])

    def calls(self):
        operation = "loss" if self.operation == "loss" else "gradient"
        return [Call(operation, self.inputs().arguments(), self.full_dout(), int(self.operation == "weight-gradient"))]

    def expected(self):
        """The committed fractions, each as the nearest float64 and the rest."""

        def pairs(entry):
            if isinstance(entry, list):
                return np.stack([pairs(e) for e in entry], -1)
            exact = Fraction(entry)
            return np.array([float(exact), float(exact - Fraction(float(exact)))])

        nearest, rest = pairs(golden()[self.index][self.operation])
        nearest, rest = np.asarray(nearest).T, np.asarray(rest).T
        return Values(nearest, rest, np.broadcast_to(np.abs(nearest).max(initial=0), nearest.shape))

    def outcome_of_results(self, answers, leg):
        inputs = self.inputs()
        naive = 64 * float(
            np.finfo(inputs.dtype).eps
        )  # by convention: 16 ulp of the largest results, which are below 8
        return judge_values(answers[0].array, self.expected(), inputs.dtype, self.focus, naive)


@dataclass(frozen=True)
class ExampleCase(Case):
    """The documented example, with the defaults of the signature, and the output it prints."""

    tier = "quick"
    id = "example-of-the-page"
    focus = ("example", "signature", "margin-default", "reduction-default", "platforms")
    needs = frozenset({"float32", "loss"})

    def calls(self):
        weight = np.array([1, 1, 1], np.float32)
        return [Call("loss", {"input": np.ones((3, 3), np.float32), "target": np.array([1, 2, 1]), "weight": weight})]

    def outcome_of_results(self, answers, leg):
        printed = str(answers[0].array)
        if printed != "0.6666667":
            return Outcome(Verdict.DIVERGES, f"printed {printed}, expected 0.6666667", self.focus)
        return Outcome(Verdict.CONFORMS)


@dataclass(frozen=True)
class DefaultsCase(Case):
    """Only input and target are given. Another default of p, margin, weight or reduction would change the result."""

    operation: str
    tier = "quick"
    focus = ("signature", "p-default", "margin-default", "weight-default", "reduction-default")

    @property
    def id(self):
        return "defaults" if self.operation == "loss" else f"defaults-{self.operation}"

    @property
    def needs(self):
        return frozenset({"float32", self.operation})

    def _explicit(self):
        """The case with the same inputs and all defaults written out."""
        index = [entry["name"] for entry in golden()].index("p1-mean-unweighted-m1")
        return GoldenCase(self.operation, "f32", index)

    def calls(self):
        (call,) = self._explicit().calls()
        return [call._replace(arguments={name: call.arguments[name] for name in ("input", "target")})]

    def outcome_of_results(self, answers, leg):
        exact = self._explicit().expected()
        return judge_values(answers[0].array, exact, np.dtype(np.float32), self.focus, naive=1e-5)


def golden_cases():
    yield ExampleCase()
    yield DefaultsCase("loss")
    yield DefaultsCase("gradient")
    for index, entry in enumerate(golden()):
        for dtype in DTYPES:
            for operation in ("loss", "gradient", "weight-gradient"):
                if operation in entry:
                    yield GoldenCase(operation, dtype, index)
