"""Cases with exact values: the loss and both gradients at points of a space of factors.

`factors.py` describes the space.
"""

import functools
import itertools
from dataclasses import dataclass, replace
from typing import Optional

import numpy as np

from conformance.bounds import Naive, NaiveHinges
from conformance.cases.base import DEFAULTS, Call, Case
from conformance.cases.covering import TIER_OF_STRENGTH
from conformance.cases.factors import CALLS, OPERATIONS, OPTIONS, POWERS, VIEWS
from conformance.cases.inputs import DTYPES, Inputs, draw_batch, generator, weights
from conformance.judge import judge_values
from conformance.oracle import Exact, Hinges, Values
from conformance.verdict import Outcome, Verdict


@dataclass(frozen=True)
class ValueCase(Case):
    """One call with exact values. The fields after `shape` are factors with their most ordinary value as default."""

    operation: str
    dtype: str
    p: int
    reduction: str
    weight: str
    margin: int
    shape: tuple
    values: str = "normal"
    column: str = "every"
    row: str = "every"
    target: str = "spread"
    active: str = "half"
    dout: str = "ones"
    layouts: tuple = ()  # (argument, layout) of each array that is not simply contiguous
    before: str = "nothing"
    passed: str = "by-name"
    tier: str = "quick"
    variant: int = 0  # draws other scores with the same targets
    drawn: Optional[int] = None  # the margin for which the scores are drawn, if it is not `margin`

    @property
    def id(self):
        rows, classes = self.shape
        parts = [self.operation, self.dtype, f"p{self.p}", self.reduction, self.weight, f"m{self.margin}"]
        parts += [f"{rows}x{classes}"]
        ordinary = (self.values, self.column, self.row) == ("normal", "every", "every")
        parts += [] if ordinary else [self.values, self.column, self.row]
        parts += [] if self.target == "spread" else [f"to-{self.target}"]
        parts += [] if self.active == "half" else [self.active]
        parts += [] if self.operation == "loss" or self.dout == _plain_dout(self.reduction) else [f"dout-{self.dout}"]
        parts += [f"{argument}-{layout}" for argument, layout in self.layouts]
        parts += [] if self.before == "nothing" else [f"after-{self.before}"]
        parts += [] if self.passed == "by-name" else [self.passed]
        return "-".join(parts)

    @property
    def is_view(self):
        """Whether an array is not contiguous."""
        return any(layout != "offset" for _, layout in self.layouts) or self.dout in ("expanded", "strided")

    @property
    def focus(self):
        if self.shape[0] == 0:
            return ("no-rows",)
        if self.shape[1] == 1:
            return ("one-class",)
        dtype = f"input-{DTYPES[self.dtype].__name__}"
        if self.operation == "weight-gradient":
            return (self.operation, dtype)
        if special := self._special_clauses():
            return special
        margin = () if self.margin == 1 else ("margin",)
        if self.operation != "loss":
            return (self.operation, dtype, *margin)
        names = ["purpose", "formula", "other-classes", "input-shape", dtype, *margin]
        names += ["target-shape", "target-int64", "p", "reduction", f"reduction-{self.reduction}", "divisor"]
        names += ["returns-rows" if self.reduction == "none" else "returns-scalar"]
        names += [] if self.target == "spread" else ["target-range"]
        names += [] if self.weight == "wnone" else ["weight", "weight-dtype", "weight-outside-power"]
        return tuple(names)

    def _special_clauses(self):
        """The clauses about the special values of the call."""
        kinds = {self.values, self.weight, "" if self.operation == "loss" else f"dout-{self.dout}"}
        nan = "nan" if self.operation == "loss" else "nan-gradient"
        clauses = {
            nan: {"nan", "wnan", "dout-nan"},
            "infinity": {"inf", "ninf", "winf", "dout-inf"},
            "zero-hinge": {"tie", "near"},
            "rounded-once": {"large", "equal", "wlarge", "dout-large"},
            "accuracy": {"tiny", "subnormal"},
        }
        found = [clause for clause, special in clauses.items() if kinds & special]
        found += ["margin-precision"] if abs(self.margin) >= 2**24 and self.dtype == "f64" else []
        return tuple(found + (["non-contiguous"] if self.is_view else []))

    @property
    def needs(self):
        needs = {DTYPES[self.dtype].__name__, self.operation}
        needs |= {"non-contiguous"} if self.is_view else set()
        needs |= {"errors"} if self.before == "error" else set()
        needs |= {"many-rows"} if self.shape[0] > 2**16 else set()
        for case in self.disturbances():
            needs |= case.needs
        return frozenset(needs)

    def batch(self):
        margin = self.margin if self.drawn is None else self.drawn
        return _batch(self.dtype, self.p, margin, *self._rows, self.variant)

    @property
    def _rows(self):
        """The factors that determine the scores and targets, besides the dtype, p and margin."""
        return (*self.shape, self.values, self.column, self.row, self.target, self.active)

    def _weight(self, batch):
        y = int(batch.target[-1]) if len(batch.target) else 0
        weight = weights(self.dtype, self.weight, self.shape[1], y)
        return np.full_like(weight, weight[0]) if ("weight", "expanded") in self.layouts else weight

    def inputs(self):
        batch = self.batch()
        options = (self._weight(batch), self.p, self.margin, self.reduction)
        return Inputs(batch.scores[batch.index], batch.target[batch.index], *options)

    def _distinct_dout(self, distinct):
        """The upstream gradient of each distinct row, or of the reduced loss."""
        dtype = DTYPES[self.dtype]
        largest, least = float(np.finfo(dtype).max), float(np.finfo(dtype).tiny)
        tiny = least / 8 * self.shape[1] * (self.shape[0] if self.reduction == "mean" else 1)
        one = 1
        if self.dtype == "f16" and self.p == 2:  # it has few subnormal numbers, so that the results would vanish
            tiny *= 64 if self.operation == "weight-gradient" else 1
            one = min(self.shape[1], 2**10) if self.values == "subnormal" else 1
        size = {"zeros": 0, "negative": -1.5 * one, "tiny": min(1, tiny), "large": largest / 4}.get(self.dout, one)
        if self.reduction != "none":
            return np.array({"nan": np.nan, "inf": np.inf}.get(self.dout, size), dtype)
        values = np.full(distinct, size, dtype)
        if self.dout in ("mixed", "strided"):
            values[:] = np.linspace(-1, 2, distinct) * one
        if self.dout in ("nan", "inf"):
            values[-1 if self.row != "every" else slice(None)] = float(self.dout)
        return values

    def full_dout(self):
        """The upstream gradient, in the shape of the loss."""
        batch = self.batch()
        dout = self._distinct_dout(len(batch.scores))
        return dout[batch.index] if self.reduction == "none" else dout

    def calls(self):
        operation, pick = (
            ("loss", 0) if self.operation == "loss" else ("gradient", OPERATIONS.index(self.operation) - 1)
        )
        layouts = dict(self.layouts)
        if operation == "gradient" and self.dout in ("expanded", "strided"):
            layouts["dout"] = self.dout
        arguments = self.inputs().arguments()
        if self.passed == "defaults":
            arguments = {
                n: a for n, a in arguments.items() if n not in ("p", "margin", "reduction") or a != DEFAULTS[n]
            }
        return [Call(operation, arguments, self.full_dout(), pick, layouts, self.passed == "by-position")]

    def disturbances(self):
        """The call between the two runs, as a case of its own. Without rows it has eight, so that it leaves results."""
        plain = replace(self, before="nothing")
        if self.shape[0] == 0 and self.before != "error":
            plain = replace(plain, shape=(8, self.shape[1]))
        vanishing = {"values": "normal"} if self.values == "subnormal" else {}  # their squares are 0
        changes = {
            "rows": {"shape": (plain.shape[0] + 5, self.shape[1])},
            "scores": {"variant": 1},
            "margin": {"margin": 3 if self.margin == 1 else 1, "drawn": self.margin},
            "weight": {"weight": "wsigned" if self.weight == "w+" else "w+"},
            "dout": {"dout": "negative" if self.dout == "ones" else "ones"},
            "operation": {"operation": "gradient" if self.operation == "loss" else "loss", "variant": 1, **vanishing},
        }
        if self.before == "error":
            return [RowMissing(self)]
        return [replace(plain, **changes[self.before])] if self.before in changes else []

    def outcome_of_results(self, answers, leg):
        exact, naive = _expected(self)
        dtype = DTYPES[self.dtype]
        claim = None if self.operation == "weight-gradient" else leg.claims.get(dtype.__name__)
        return judge_values(answers[0].array, exact, dtype, self.focus, naive, claim)


@dataclass(frozen=True)
class RowMissing(Case):
    """The call of a case with one target too many, which raises an error; other cases judge which."""

    case: ValueCase
    focus = ("raises-target-shape",)
    needs = frozenset({"errors"})

    def calls(self):
        (call,) = self.case.calls()
        target = np.append(call.arguments["target"], 0)
        return [call._replace(arguments={**call.arguments, "target": target})]

    def outcome_of_results(self, answers, leg):
        return Outcome(Verdict.DIVERGES, "accepted a target with one row too many", self.focus)

    def outcome_of_error(self, answer, leg):
        return Outcome(Verdict.CONFORMS)


_batch = functools.lru_cache(maxsize=4)(draw_batch)


@functools.lru_cache(maxsize=4)
def _hinges(dtype, p, margin, drawn, rows, variant):
    """The exact and the naive hinges of the distinct rows; cases that differ only in other factors share them."""
    batch = _batch(dtype, p, drawn, *rows, variant)
    arguments = (batch.scores, batch.target, margin, batch.counts)
    return Hinges(*arguments), NaiveHinges(*arguments)


@functools.lru_cache(maxsize=2)
def _expected(case):
    """The exact values of a case and their naive bounds, cached for the other legs."""
    batch = case.batch()
    drawn = case.margin if case.drawn is None else case.drawn
    hinges, naive_hinges = _hinges(case.dtype, case.p, case.margin, drawn, case._rows, case.variant)
    weight = case._weight(batch)
    inputs = Inputs(batch.scores, batch.target, weight, case.p, case.margin, case.reduction)
    method = case.operation.replace("-", "_")
    arguments = () if case.operation == "loss" else (case._distinct_dout(len(batch.scores)),)
    exact = getattr(Exact(hinges, weight, case.p, case.reduction), method)(*arguments)
    naive = getattr(Naive(inputs, naive_hinges), method)(*arguments)
    if case.operation == "gradient" or (case.operation == "loss" and case.reduction == "none"):
        exact, naive = Values(*(values[batch.index] for values in exact)), naive[batch.index]
    return exact, naive


# Shapes at which all options are combined, and nothing else is special; shape -> tier, weights
PLAIN = {
    (9, 33): ("quick", ("wnone", "w+")),
    (5, 4): ("full", ("wnone", "w+", "w0", "wsigned")),
    (3, 1100): ("full", ("wnone",)),
}


def _plain_dout(reduction):
    return "mixed" if reduction == "none" else "negative"


def plain_cases():
    """Every combination of operation, dtype, p, reduction and weight in its most ordinary form."""
    for shape, (tier, kinds) in PLAIN.items():
        for *options, weight in itertools.product(*OPTIONS.values(), kinds):
            if (options[0], weight) != ("weight-gradient", "wnone"):
                yield ValueCase(*options, weight, 1, shape, dout=_plain_dout(options[-1]), tier=tier)
    for dtype, p in itertools.product(DTYPES, POWERS):  # the sum adds up what rounding each row would lose
        yield ValueCase("loss", dtype, p, "sum", "wnone", 1, (500, 7), "equal")


def value_cases():
    """The cases of both models."""
    options = ("operation", "dtype", "p", "reduction", "weight")
    for strength, row in CALLS.rows():
        shape = (row["rows"], _classes(row))
        special = [row[name] for name in ("values", "column", "row", "target", "active", "dout")]
        arguments = ("input", "target", "weight")[: 2 if row["weight"] == "wnone" else 3]
        layouts = tuple((name, "offset") for name in arguments if row["memory"] == "offset")
        ends = (layouts, row["before"], row["passed"], TIER_OF_STRENGTH[strength])
        yield ValueCase(*(row[name] for name in options), row["margin"], shape, *special, *ends)
    for strength, row in VIEWS.rows():
        named = ((name, row[f"{name}-layout"]) for name in ("input", "target", "weight"))
        layouts = tuple((name, layout) for name, layout in named if layout != "contiguous")
        column = "inner" if row["values"] == "nan" else "every"
        only = "expanded" in (row["input-layout"], row["target-layout"])
        special = (row["values"], column, "only" if only else "every", "spread", "half", row["dout"])
        ends = (layouts, row["before"], row["passed"], TIER_OF_STRENGTH[strength])
        yield ValueCase(*(row[name] for name in options), 1, row["shape"], *special, *ends)


def _classes(row):
    """The number of classes. Between powers of two it is any number, which depends on the other factors."""
    power = 2 ** row["power"]
    between = int(generator(*row.values()).integers(2, power - 1)) if row["offset"] == "between" else 0
    return power + {"below": -1, "at": 0, "above": 1, "between": between}[row["offset"]]
