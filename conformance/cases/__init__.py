"""All cases. To add one, add a row to a table in a module of this package, or a module to `all_cases`."""

import functools

import numpy as np

from conformance.cases.base import TIERS
from conformance.cases.errors import ERRORS, error_cases
from conformance.cases.factors import CALLS, VIEWS
from conformance.cases.golden import golden_cases
from conformance.cases.huge import huge_cases
from conformance.cases.laws import law_cases
from conformance.cases.targets import TARGETS, bad_target_cases
from conformance.cases.values import plain_cases, value_cases

MODELS = (CALLS, VIEWS, ERRORS, TARGETS)  # of the cases that covering arrays generate


@functools.cache
def all_cases(tier="huge"):
    """The cases of a tier. Each tier includes those before it."""
    sources = (golden_cases, error_cases, bad_target_cases, plain_cases, value_cases, law_cases, huge_cases)
    tiers = TIERS[: TIERS.index(tier) + 1]
    return tuple(case for source in sources for case in source() if case.tier in tiers)


@functools.cache
def coverage(tier):
    """How many pairs of factor values the cases of a tier cover, of how many; from the full tier on, triples too."""
    strengths = {"pairs": 2} if tier == "quick" else {"pairs": 2, "triples": 3}
    return {name: np.sum([model.coverage(s) for model in MODELS], 0).tolist() for name, s in strengths.items()}
