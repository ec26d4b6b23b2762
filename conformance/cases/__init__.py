"""All cases. To add one, add a row to a table in a module of this package, or a module to `all_cases`."""

import functools

from conformance.cases.base import TIERS
from conformance.cases.errors import error_cases
from conformance.cases.golden import golden_cases
from conformance.cases.huge import huge_cases
from conformance.cases.laws import law_cases
from conformance.cases.values import plain_cases, value_cases


@functools.cache
def all_cases(tier="huge"):
    """The cases of a tier. Each tier includes those before it."""
    sources = (golden_cases, error_cases, plain_cases, value_cases, law_cases, huge_cases)
    tiers = TIERS[: TIERS.index(tier) + 1]
    return tuple(case for source in sources for case in source() if case.tier in tiers)
