"""The ways in which the arguments of a call can be wrong. To add a wrong value, add it to a row of `WRONG`."""

import collections
import functools
from typing import Callable, NamedTuple

import numpy as np

MISSING = "missing"


def _cast(*names):
    """Name -> a function of a good array, N and C that returns an array of that dtype."""
    return {name: lambda good, n, c, name=name: np.zeros(good.shape, name) for name in names}


def _shaped(**shapes):
    """Name -> a function of a good array, N and C that returns an array of the shape that is that function of N, C."""
    return {
        name.replace("_", "-"): lambda good, n, c, shape=shape: np.zeros(shape(n, c), good.dtype)
        for name, shape in shapes.items()
    }


NOT_TENSORS = {"list": lambda good, n, c: good[:3].tolist(), "number": 1, "str": "1"}
NOT_NUMBERS = {"none": None, "str": "1", "list": [1]}
NOT_INTS = {"float": 1.0, "float-2": 2.0, "fraction": 1.5, "nan": np.nan, "complex": 1 + 0j}
NUMPY_NUMBERS = {"numpy-float": np.float32(1), "numpy-int": np.int32(1)}
BOOLS = {"bool": True, "false": False, "numpy-bool": np.bool_(True)}
NEVER_IN_RANGE = {"0": 0, "3": 3, "minus-1": -1, "minus-2": -2}
IN_RANGE_IF_TRUNCATED = {"2-8-plus-1": 2**8 + 1, "2-16-plus-2": 2**16 + 2, "2-32-plus-1": 2**32 + 1}  # to p = 1 or 2
NOT_REDUCTIONS = {
    **{name: name for name in ("average", "batchmean", "me", "means")},
    **{"capital": "Mean", "capitals": "SUM", "empty": "", "space-before": " mean", "space-after": "mean "},
    **{"two": "mean,sum", "name-of-none": "None"},
}
INTEGERS = ("int8", "int32", "int64", "uint8")

# Argument, group, the expected error, clause, and the wrong values. None is an int beyond int64, which a framework may
# refuse before the implementation sees it, or an np.int64, which a framework may convert to an int.
WRONG = (
    ("input", "type", TypeError, "tensor-type", {"none": None, **NOT_TENSORS}),
    ("input", "type", TypeError, "signature", {MISSING: MISSING}),
    ("input", "dtype", TypeError, "raises-input-dtype", _cast("bool", *INTEGERS, "complex64")),
    ("input", "shape", ValueError, "raises-rank", _shaped(
        rank_0=lambda n, c: (), one_row=lambda n, c: (c,), one_column=lambda n, c: (n,),
        rank_3=lambda n, c: (n, c, 1), batch=lambda n, c: (1, n, c), rank_4=lambda n, c: (1, n, c, 1))),
    ("input", "shape", ValueError, "no-class", _shaped(no_class=lambda n, c: (n, 0))),
    ("target", "type", TypeError, "tensor-type", {"none": None, **NOT_TENSORS}),
    ("target", "type", TypeError, "signature", {MISSING: MISSING}),
    ("target", "dtype", TypeError, "raises-p-or-target-type", _cast(
        "bool", "float16", "float32", "float64", "complex64")),
    ("target", "dtype", TypeError, "target-int64", _cast("int8", "int16", "int32", "uint8", "uint64")),
    ("target", "rank", ValueError, "raises-rank", _shaped(
        rank_0=lambda n, c: (), column=lambda n, c: (n, 1), row=lambda n, c: (1, n), one_hot=lambda n, c: (n, c))),
    ("target", "size", ValueError, "raises-target-shape", _shaped(
        row_less=lambda n, c: (n - 1,), row_more=lambda n, c: (n + 1,), one=lambda n, c: (1,), empty=lambda n, c: (0,),
        classes=lambda n, c: (c,), twice=lambda n, c: (2 * n,))),
    ("weight", "type", TypeError, "tensor-type", NOT_TENSORS),
    ("weight", "dtype", TypeError, "raises-weight-dtype", _cast("float16", "float32", "float64")),
    ("weight", "dtype", TypeError, "weight-dtype", _cast("bool", *INTEGERS, "complex64")),
    ("weight", "rank", ValueError, "raises-rank", _shaped(
        rank_0=lambda n, c: (), row=lambda n, c: (1, c), column=lambda n, c: (c, 1), one_by_one=lambda n, c: (1, 1),
        scores=lambda n, c: (n, c))),
    ("weight", "size", ValueError, "raises-weight-shape", _shaped(
        class_less=lambda n, c: (c - 1,), class_more=lambda n, c: (c + 1,), one=lambda n, c: (1,),
        empty=lambda n, c: (0,), rows=lambda n, c: (n,), twice=lambda n, c: (2 * c,))),
    ("p", "type", TypeError, "raises-p-or-target-type", NOT_NUMBERS),
    ("p", "number", TypeError, "raises-p-or-target-type", NOT_INTS),
    ("p", "number", TypeError, "bool", {name: BOOLS[name] for name in ("bool", "numpy-bool")}),
    ("p", "number", TypeError, "numpy-number", NUMPY_NUMBERS),
    ("p", "value", ValueError, "raises-p", {**NEVER_IN_RANGE, **IN_RANGE_IF_TRUNCATED}),
    ("margin", "type", TypeError, "raises-margin-type", NOT_NUMBERS),
    ("margin", "number", TypeError, "raises-margin-type", {**NOT_INTS, "infinity": np.inf}),
    ("margin", "number", TypeError, "bool", BOOLS),
    ("margin", "number", TypeError, "numpy-number", NUMPY_NUMBERS),
    ("reduction", "type", TypeError, "raises-reduction-type", {
        "none": None, "int": 1, "float": 0.0, "bool": True, "list": ["mean"]}),
    ("reduction", "value", ValueError, "raises-reduction", NOT_REDUCTIONS),
)  # fmt: skip

# Two wrong arguments, of which the error may name either: a function of the good arguments, and the clauses.
TWO_WRONG = {
    "p-and-reduction": (lambda a: {"p": 1.0, "reduction": "average"}, ("raises-p-or-target-type", "raises-reduction")),
    "p-and-margin": (lambda a: {"p": 3, "margin": 1.0}, ("raises-p", "raises-margin-type")),
    "p-reduction-swapped": (
        lambda a: {"p": a["reduction"], "reduction": a["p"]},
        ("raises-p-or-target-type", "raises-reduction-type"),
    ),
    "input-target-swapped": (
        lambda a: {"input": a["target"], "target": a["input"]},
        ("raises-input-dtype", "raises-p-or-target-type", "raises-rank"),
    ),
    "target-weight-swapped": (
        lambda a: {"target": a["weight"], "weight": a["target"]},
        ("raises-p-or-target-type", "weight-dtype"),
    ),
    "target-and-weight-sizes": (
        lambda a: {"target": np.append(a["target"], 0), "weight": np.append(a["weight"], a["weight"][:1])},
        ("raises-target-shape", "raises-weight-shape"),
    ),
    "input-and-weight-int64": (
        lambda a: {name: np.zeros(a[name].shape, np.int64) for name in ("input", "weight")},
        ("raises-input-dtype", "weight-dtype"),
    ),
    "input-and-target-ranks": (
        lambda a: {"input": a["input"][None], "target": a["target"][None]},
        ("raises-rank",),
    ),
}


class Way(NamedTuple):
    """One way in which a call is wrong."""

    name: str
    changes: Callable  # from the good arguments, N and C to the wrong arguments
    errors: tuple  # the expected error, or several of which any conforms
    clauses: tuple


def _ways():
    """Group -> name -> way."""
    ways = collections.defaultdict(dict)
    for argument, group, error, clause, values in WRONG:
        for name, value in values.items():
            changes = functools.partial(_changed, argument, value)
            ways[f"{argument}-{group}"][name] = Way(name, changes, (error,), (clause,))
    for name, (changes, clauses) in TWO_WRONG.items():
        ways["two"][name] = Way(
            name, lambda good, n, c, changes=changes: changes(good), (TypeError, ValueError), clauses
        )
    return dict(ways)


def _changed(argument, value, good, n, c):
    return {argument: value(good[argument], n, c) if callable(value) else value}


WAYS = _ways()
