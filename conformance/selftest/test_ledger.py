"""An outcome that an entry expects is known; any other outcome of a case that the entry selects is a failure."""

from conformance import ledger
from conformance.leg import Leg
from conformance.verdict import Outcome, Verdict

LEG = Leg("theirs", "CPU", "graph", {}, {}, {}, False, {"theirs": "2.10.0"})
ENTRY = {
    "id": "half",
    "subject": "theirs",
    "versions": {"theirs": ">=2.7,<2.11"},
    "cases": ["loss-f16-*"],
    "except": ["*-m0-*"],
    "verdicts": ["crashed"],
    "signature": "SIGSEGV",
    "reason": "the kernel reads through a null pointer",
}
CRASH = Outcome(Verdict.CRASHED, "died of SIGSEGV", ("formula",))
CASE = "loss-f16-p1-mean-wnone-m1-9x33"


def applied(outcome, leg=LEG, case=CASE, **changes):
    return ledger.apply(outcome, leg, case, [{**ENTRY, **changes}])


def test_expected_outcome_is_known():
    outcome = applied(CRASH)
    assert outcome == Outcome(Verdict.KNOWN, "crashed: died of SIGSEGV", ("formula",), ledger="half")
    assert outcome.verdict.is_failure


def test_other_signature_or_verdict_is_outdated():
    for other in (Outcome(Verdict.CRASHED, "died of SIGFPE", ("formula",)), Outcome(Verdict.DIVERGES, "SIGSEGV")):
        outcome = applied(other)
        assert outcome.verdict is Verdict.OUTDATED
        assert "'half' expects 'crashed: SIGSEGV', but the case" in outcome.detail


def test_conforming_case_is_outdated():
    outcome = applied(Outcome(Verdict.CONFORMS))
    assert outcome.verdict is Verdict.OUTDATED
    assert outcome.detail.endswith("but the case conforms")


def test_entry_applies_to_its_legs_and_cases_only():
    for leg in (LEG._replace(subject="mine"), LEG._replace(environment={"theirs": "2.11.0"})):
        assert applied(CRASH, leg) == CRASH
    assert applied(CRASH, modes=["pynative"]) == applied(CRASH, targets=["GPU"]) == CRASH
    for case in ("loss-f32-p1-mean-wnone-m1-9x33", "loss-f16-p1-mean-wnone-m0-9x33"):
        assert applied(CRASH, case=case) == CRASH


def test_entry_with_some_allows_conforming_cases_but_must_be_used():
    good = Outcome(Verdict.CONFORMS)
    assert applied(good, some=True) == good
    other = Outcome(Verdict.DIVERGES, "value is 1, expected 2", ("formula",))
    assert applied(other, some=True) == other
    some = [{**ENTRY, "some": True}]
    assert ledger.unused(LEG, {"a": {"ledger": None}}, some) == some
    assert ledger.unused(LEG, {"a": {"ledger": None}, "b": {"ledger": "half"}}, some) == []


def test_strict_entry_takes_precedence_over_one_with_some():
    wrong = Outcome(Verdict.DIVERGES, "value is 5, expected 1", ("formula",))
    loose = {**ENTRY, "id": "loose", "some": True, "verdicts": ["diverges"], "signature": "value"}
    assert ledger.apply(wrong, LEG, CASE, [loose]).verdict is Verdict.KNOWN
    assert ledger.apply(wrong, LEG, CASE, [loose, ENTRY]).verdict is Verdict.OUTDATED


def test_no_entry_for_mindspore_excuses_a_mutant():
    """If MindSpore's operator diverged like a mutant, the cases that kill the mutant would not be known divergences."""
    leg = Leg("mindspore", "CPU", "graph", {}, {}, {}, False, {"mindspore": "2.10.0"})
    wrong = "value is 2, expected 1, 8.4e+06 ulp off"
    for case in (
        "loss-f32-p2-mean-w+-m1-9x33",
        "gradient-f32-p1-mean-wnone-m1-9x33",
        "golden-loss-f32-p1-mean-weighted-m2",
    ):
        assert ledger.apply(Outcome(Verdict.DIVERGES, wrong), leg, case).verdict is Verdict.DIVERGES
