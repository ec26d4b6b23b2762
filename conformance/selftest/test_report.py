"""What a report keeps of an outcome."""

import pytest

from conformance import recorder

SUPPLEMENTS = {"traceback": "Traceback ...", "output": "printed"}


@pytest.mark.parametrize(("verdict", "keeps"), [
    ("refuses (undocumented)", True),
    ("diverges (known)", False),
    ("refuses (documented)", False),
])  # fmt: skip
def test_new_failures_keep_their_traceback_and_output(verdict, keeps):
    outcome = {"verdict": verdict, "detail": "TypeError: no", "broken": [], "ulp": None, **SUPPLEMENTS}
    kept = SUPPLEMENTS if keeps else {}
    assert recorder._compact(outcome) == {"verdict": verdict, "detail": "TypeError: no", **kept}
