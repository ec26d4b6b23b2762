"""Every clause has cases and every case has clauses; the cases cover the combinations that their module promises."""

import itertools
import pickle

import numpy as np
import pytest

from conformance import ledger
from conformance.cases import MODELS, TIERS, all_cases
from conformance.cases.covering import Constraint, Model
from conformance.cases.factors import CALLS, OPTIONS, VIEWS
from conformance.cases.values import PLAIN, ValueCase
from conformance.contract import CLAUSES, uncovered

CASES = all_cases()


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


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
@pytest.mark.parametrize("strength", [2, 3])
def test_rows_cover_every_combination_that_the_constraints_allow(model, strength):
    covered, allowed = model.coverage(strength)
    assert covered == allowed > 100


def test_missing_row_lowers_the_coverage(monkeypatch):
    model = Model("small", {"a": (0, 1), "b": (0, 1), "c": (0, 1)}, (Constraint(("a", "b"), lambda a, b: a + b < 2),))
    rows = [(2, {"a": a, "b": b, "c": c}) for a, b, c in itertools.product((0, 1), repeat=3) if a + b < 2]
    monkeypatch.setattr(Model, "rows", lambda self: rows)
    assert (model.coverage(2), model.coverage(3)) == ((11, 11), (6, 6))
    del rows[0]
    assert (model.coverage(2), model.coverage(3)) == ((11, 11), (5, 6))
    rows[:] = [row for row in rows if row[1]["c"]]
    assert (model.coverage(2), model.coverage(3)) == ((7, 11), (3, 6))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_rows_satisfy_the_constraints(model):
    rows = [row for _, row in model.rows()]
    assert all(model.allows(row) for row in rows)
    assert len({tuple(row.values()) for row in rows}) == len(rows)


def test_every_value_of_a_factor_occurs_in_a_case():
    values = [case for case in CASES if isinstance(case, ValueCase)]
    for name in ("weight", "margin", "values", "column", "row", "target", "active", "before", "passed"):
        assert {getattr(case, name) for case in values} >= set(CALLS.factors[name]), name
    assert {layout for case in values for _, layout in case.layouts} >= set(VIEWS.factors["input-layout"]) - {
        "contiguous"
    }


def test_plain_cases_combine_all_options():
    ids = {case.id for case in CASES}
    for (rows, classes), (_, weights) in PLAIN.items():
        for operation, *options, weight in itertools.product(*OPTIONS.values(), weights):
            if (operation, weight) != ("weight-gradient", "wnone"):
                dtype, p, reduction = options
                assert f"{operation}-{dtype}-p{p}-{reduction}-{weight}-m1-{rows}x{classes}" in ids


def test_each_tier_includes_the_smaller_one():
    quick, full, huge = (set(case.id for case in all_cases(tier)) for tier in TIERS)
    assert quick < full < huge


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
