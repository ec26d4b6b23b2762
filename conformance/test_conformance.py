"""The one test of the suite, parametrized over all cases and legs (see `conftest.py`)."""

import pytest

from conformance.verdict import Verdict


def test_conformance(leg, case, run_case, pytestconfig):
    outcome = run_case(leg, case)
    text = f"{outcome.verdict.value}: {outcome.detail}"
    if outcome.verdict is Verdict.KNOWN and pytestconfig.getoption("--accept-known"):
        pytest.xfail(text)
    if outcome.verdict.is_failure:
        pytest.fail(text, pytrace=False)
    if outcome.verdict is not Verdict.CONFORMS:
        pytest.skip(text)
