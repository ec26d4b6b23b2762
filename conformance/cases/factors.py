"""The space of calls with exact values: its factors, and the combinations that have no meaning.

The quick tier has every pair of factor values, where the two factors of the number of classes count as one, and the
full tier every triple. To add a value, add it to a factor, and generate the rows again (see `covering.py`).
"""

from conformance.cases.covering import Constraint, Model, never
from conformance.cases.inputs import DTYPES

OPERATIONS = ("loss", "gradient", "weight-gradient")
POWERS = (1, 2)
REDUCTIONS = ("none", "mean", "sum")
OPTIONS = {"operation": OPERATIONS, "dtype": tuple(DTYPES), "p": POWERS, "reduction": REDUCTIONS}
BEFORE = ("nothing", "rows", "scores", "margin", "weight", "dout", "operation", "error")
PASSED = ("by-name", "by-position", "defaults")  # defaults: by name, and what equals its default is not passed
ORDINARY = {"values": "normal", "column": "every", "row": "every", "target": "spread", "active": "half"}

# The factors of a call whose arrays are contiguous.
FACTORS = {
    **OPTIONS,
    "weight": ("wnone", "wone", "w+", "w0", "wsigned", "wlarge", "winf", "wnan", "wunused"),
    "margin": (1, 0, -1, 7, 2049, 2**24 + 1, -(2**31) - 1, 2**53 + 2),  # each is exact in float64
    "power": tuple(range(1, 18)),  # the number of classes is below, at, above or between powers of two
    "offset": ("below", "at", "above", "between"),
    "rows": (0, 1, 2, 3, 8, 33, 257, 70_000),
    "values": ("normal", "equal", "tie", "near", "tiny", "subnormal", "large", "inf", "ninf", "nan"),
    "column": ("target", "first", "last", "inner", "every", "all"),  # where the special scores are
    "row": ("first", "middle", "last", "every"),
    "target": ("spread", "first", "last", "same"),
    "active": ("half", "few"),  # how many of the ordinary hinges are positive
    "dout": ("-", "ones", "zeros", "negative", "mixed", "tiny", "large", "nan", "inf"),
    "memory": ("aligned", "offset"),  # offset: each array begins inside a larger one
    "before": BEFORE,  # the call made between the two runs of the case
    "passed": PASSED,
}

# The factors of a call whose arrays may be views.
VIEW_FACTORS = {
    **OPTIONS,
    "weight": ("wnone", "w+", "wsigned"),
    "shape": ((1, 1), (2, 3), (33, 16), (300, 33), (5, 1025), (2, 40_000)),
    "values": ("normal", "nan"),
    "input-layout": ("contiguous", "pitch", "strided", "transposed", "expanded", "offset"),
    "target-layout": ("contiguous", "strided", "expanded", "offset", "column"),
    "weight-layout": ("contiguous", "strided", "expanded", "offset", "column"),
    "dout": ("-", "mixed", "expanded", "strided", "ones"),
    "before": BEFORE,
    "passed": PASSED,
}

ALWAYS = (
    Constraint(("operation", "dout"), lambda operation, dout: (operation == "loss") == (dout == "-")),
    never(operation="loss", before="dout"),
    never(operation="weight-gradient", weight="wnone"),
    never(weight="wnone", before="weight"),
    never(reduction=("mean", "sum"), dout=("mixed", "expanded", "strided")),
)
# In float64 the contract asks for naive arithmetic only. What that may turn into another result is left out.
NAIVE_IN_FLOAT64 = (
    # It may lose such a hinge, and then multiplies infinity by 0 and not by 1.
    never(dtype="f64", values=("near", "tiny"), weight="winf"),
    never(dtype="f64", values=("near", "tiny"), dout="inf"),
    # Its bound is wider than such a hinge.
    never(dtype="f64", values="subnormal", margin=[margin for margin in FACTORS["margin"] if margin != 0]),
    never(dtype="f64", values="near", margin=2**53 + 2),
    # Their product overflows, and infinity times the slope of an inactive hinge is NaN.
    never(dtype="f64", weight="wlarge", dout="large"),
)
SIZES = (
    never(offset="between", power=[power for power in FACTORS["power"] if power not in (3, 5, 9, 13, 16)]),
    never(power=2, offset="below"),  # that is power 1 and "above"
    never(power=1, weight="wunused"),  # every class may be a target
    never(rows=33, power=(15, 16, 17)),
    never(rows=257, power=tuple(range(12, 18))),
    never(rows=70_000, power=tuple(range(6, 18))),
)
VALUES = (
    never(values="equal", column=("target", "first", "last", "inner", "all")),
    never(values=("tie", "near"), column=("target", "all")),  # a hinge is the wrong class's
    never(operation=("loss", "weight-gradient"), p=2, values="subnormal"),  # the square of a subnormal number is 0
    never(values=("near", "tiny", "subnormal"), dout="tiny"),  # their products vanish
    *(
        never(rows=0, **{name: [value for value in FACTORS[name] if value != ordinary]})
        for name, ordinary in ORDINARY.items()
    ),
)

CALLS = Model("calls", FACTORS, (*ALWAYS, *NAIVE_IN_FLOAT64, *SIZES, *VALUES), joined=("power", "offset"))
CONTIGUOUS = never(weight="wnone", **{"weight-layout": ("strided", "expanded", "offset", "column")})
VIEWS = Model("views", VIEW_FACTORS, (*ALWAYS, CONTIGUOUS))
