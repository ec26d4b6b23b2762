"""The suite: one test, for each case and leg. What a case asks is in `cases`, what came of it in the report."""

import pytest

from conformance.verdict import Verdict


def test_conformance(leg, case, run, pytestconfig):
    outcome = run(leg, case)
    text = f"{outcome.verdict.value}: {outcome.detail}"
    if outcome.verdict is Verdict.KNOWN and pytestconfig.getoption("--accept-known"):
        pytest.xfail(text)
    if outcome.verdict.is_failure:
        pytest.fail(text, pytrace=False)
    if outcome.verdict is not Verdict.CONFORMS:
        pytest.skip(text)
