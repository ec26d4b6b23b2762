"""What the ledger foresees is known; what it foresees and does not come is a failure."""

from conformance import ledger
from conformance.cases.base import Leg
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
    "reason": "it reads a pointer that is null",
}
CRASH = Outcome(Verdict.CRASHED, "died of SIGSEGV", ("formula",))
CASE = "loss-f16-p1-mean-wnone-m1-9x33"


def judged(outcome, leg=LEG, case=CASE, **changes):
    return ledger.judge(outcome, leg, case, [{**ENTRY, **changes}])


def test_as_foreseen():
    outcome = judged(CRASH)
    assert outcome == Outcome(Verdict.KNOWN, "crashed: died of SIGSEGV", ("formula",), ledger="half")
    assert outcome.verdict.is_failure


def test_another_signature():
    for other in (Outcome(Verdict.CRASHED, "died of SIGFPE", ("formula",)), Outcome(Verdict.DIVERGES, "SIGSEGV")):
        outcome = judged(other)
        assert outcome.verdict is Verdict.OUTDATED
        assert "'half' foresees 'crashed: SIGSEGV', but the case" in outcome.detail


def test_no_longer():
    outcome = judged(Outcome(Verdict.CONFORMS))
    assert outcome.verdict is Verdict.OUTDATED
    assert outcome.detail.endswith("but the case conforms")


def test_of_others_it_does_not_speak():
    for leg in (LEG._replace(subject="mine"), LEG._replace(environment={"theirs": "2.11.0"})):
        assert judged(CRASH, leg) == CRASH
    assert judged(CRASH, modes=["pynative"]) == judged(CRASH, targets=["GPU"]) == CRASH
    for case in ("loss-f32-p1-mean-wnone-m1-9x33", "loss-f16-p1-mean-wnone-m0-9x33"):
        assert judged(CRASH, case=case) == CRASH


def test_some_may_conform_but_not_all():
    good = Outcome(Verdict.CONFORMS)
    assert judged(good, some=True) == good
    other = Outcome(Verdict.DIVERGES, "value is 1, expected 2", ("formula",))
    assert judged(other, some=True) == other
    some = [{**ENTRY, "some": True}]
    assert ledger.unseen(LEG, {"a": {"ledger": None}}, some) == some
    assert ledger.unseen(LEG, {"a": {"ledger": None}, "b": {"ledger": "half"}}, some) == []


def test_where_an_entry_is_strict_no_other_may_match():
    wrong = Outcome(Verdict.DIVERGES, "value is 5, expected 1", ("formula",))
    loose = {**ENTRY, "id": "loose", "some": True, "verdicts": ["diverges"], "signature": "value"}
    assert ledger.judge(wrong, LEG, CASE, [loose]).verdict is Verdict.KNOWN
    assert ledger.judge(wrong, LEG, CASE, [loose, ENTRY]).verdict is Verdict.OUTDATED


def test_what_is_known_of_the_built_in_excuses_no_mutant():
    """The cases that kill a mutant are not known divergences, were it the built-in that diverged so."""
    leg = Leg("mindspore", "CPU", "graph", {}, {}, {}, False, {"mindspore": "2.10.0"})
    wrong = "value is 2, expected 1, 8.4e+06 ulp off"
    for case in (
        "loss-f32-p2-mean-w+-m1-9x33",
        "gradient-f32-p1-mean-wnone-m1-9x33",
        "golden-loss-f32-p1-mean-weighted-m2",
    ):
        assert ledger.judge(Outcome(Verdict.DIVERGES, wrong), leg, case).verdict is Verdict.DIVERGES
