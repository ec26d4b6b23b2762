"""Every clause has cases and every case has clauses; the cases cover the combinations that their module promises."""

import itertools
import pickle

import numpy as np
import pytest

from conformance import ledger
from conformance.cases import TIERS, all_cases
from conformance.cases.inputs import DTYPES
from conformance.cases.values import (
    LARGE_SHAPES,
    MARGINS,
    OPERATIONS,
    POWERS,
    REDUCTIONS,
    SHAPES,
    SPECIALS,
    WEIGHTS,
    ValueCase,
)
from conformance.contract import CLAUSES, uncovered

CASES = all_cases()
VALUE_CASES = [case for case in CASES if isinstance(case, ValueCase)]


def test_clauses_and_cases_cover_each_other():
    assert uncovered(CASES) == ([], [])


def test_full_tier_covers_all_clauses_but_large_sizes():
    assert uncovered(all_cases("full")) == (["large-sizes"], [])


@pytest.mark.parametrize("clause", CLAUSES)
def test_clause_without_cases_is_reported(clause):
    rest = [case for case in CASES if clause not in case.clauses]
    assert clause in uncovered(rest)[0]


def test_case_without_clauses_is_reported():
    class Stray:
        id, clauses = "stray", ()

    assert uncovered([*CASES, Stray()]) == ([], ["stray"])


def test_sources_and_texts_of_clauses():
    assert {clause.source for clause in CLAUSES.values()} == {"page", "decided"}
    assert all(clause.text for clause in CLAUSES.values())


def test_case_ids_are_unique_and_readable():
    ids = [case.id for case in CASES]
    assert len(ids) == len(set(ids))
    assert all(set(id) <= set("abcdefghijklmnopqrstuvwxyz0123456789-+") for id in ids)


def test_product_of_options_and_shapes_is_complete():
    """Every dtype, p, reduction and weight on every shape, for the loss and both gradients."""
    ids = {case.id for case in VALUE_CASES}
    for dtype, p, reduction, weight, shape in itertools.product(DTYPES, POWERS, REDUCTIONS, WEIGHTS, SHAPES):
        for operation in OPERATIONS if weight != "wnone" else OPERATIONS[:2]:
            assert f"{operation}-{dtype}-p{p}-{reduction}-{weight}-m1-{shape[0]}x{shape[1]}" in ids


@pytest.mark.parametrize("name", SPECIALS)
def test_special_values_cover_all_options(name):
    """Each dtype, p and reduction in all combinations, each weight, and each margin that is varied."""
    values, operations, margins, clauses = SPECIALS[name]
    cases = [c for c in VALUE_CASES if (c.special, c.values, c.operation) == (clauses, values, operations[0])]
    cases = [c for c in cases if c.weight != "wnan" and c.margin in margins]
    dtypes = [d for d in DTYPES if values != "wide" or d != "f16"]
    assert {(c.dtype, c.p, c.reduction) for c in cases} >= set(itertools.product(dtypes, POWERS, REDUCTIONS))
    assert values == "equal" or {c.weight for c in cases} == set(WEIGHTS)
    assert {c.margin for c in cases} == set(margins)


def test_special_values_cover_pairs_with_weights_and_margins():
    special = [c for c in VALUE_CASES if c.special and c.operation == "loss"]
    for name, choices in {"dtype": DTYPES, "p": POWERS, "reduction": REDUCTIONS, "margin": MARGINS}.items():
        assert {(getattr(c, name), c.weight) for c in special} >= set(itertools.product(choices, WEIGHTS))
    for name, choices in {"dtype": DTYPES, "p": POWERS, "reduction": REDUCTIONS}.items():
        assert {(getattr(c, name), c.margin) for c in special} >= set(itertools.product(choices, MARGINS))


def test_each_tier_includes_the_smaller_one():
    quick, full, huge = (set(case.id for case in all_cases(tier)) for tier in TIERS)
    assert quick < full < huge


def test_quick_tier_has_every_shape():
    assert {case.shape for case in all_cases("quick") if isinstance(case, ValueCase)} >= set(SHAPES)
    assert all(shape[0] * shape[1] > 32768 for shape in LARGE_SHAPES)


def test_pickled_case_draws_the_same_arrays():
    for case in all_cases("quick")[::17]:
        copy = pickle.loads(pickle.dumps(case))
        assert copy.id == case.id
        for call, copied in zip(case.calls(), copy.calls()):
            for name, value in call.arguments.items():
                np.testing.assert_array_equal(value, copied.arguments[name])


@pytest.mark.parametrize("entry", ledger.entries(), ids=lambda entry: entry["id"])
def test_ledger_entry_is_complete_and_selects_cases(entry):
    assert ledger.REQUIRED <= set(entry) <= ledger.REQUIRED | ledger.OPTIONAL
    assert any(ledger.selects(entry, case.id) for case in CASES)
    for pattern in entry["cases"]:
        assert any(ledger.selects({"cases": [pattern]}, case.id) for case in CASES), pattern
