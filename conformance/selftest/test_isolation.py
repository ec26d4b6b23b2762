"""Whatever a subject does, it gets a verdict, and the next case is run."""

import time

import pytest

from conformance.cases.base import Leg
from conformance.cases.values import ValueCase
from conformance.isolation import Isolated, Unavailable, legs
from conformance.selftest.broken import Impatient
from conformance.verdict import Outcome, Verdict

CASE = Impatient("loss", "f32", 1, "none", "wnone", 1, (5, 4), "normal", "quick")
VALUE = ("formula", "other-classes", "input-float32", "reduction-none", "divisor")  # what a wrong value breaks
NEXT = ValueCase("loss", "f32", 1, "none", "wnone", 1, (9, 33), "normal", "quick")


def outcome(isolated, leg, case):
    answers = isolated.perform(case)
    return answers if isinstance(answers, Outcome) else case.outcome(answers, leg)


@pytest.mark.parametrize(("name", "verdict", "detail", "broken"), [
    ("Segfaults", Verdict.CRASHED, "died of SIGSEGV", CASE.focus),
    ("Exits", Verdict.CRASHED, "ended with exit code 3", CASE.focus),
    ("Hangs", Verdict.HUNG, "gave no answer in 2 s", CASE.focus),
    ("WritesBesideItsResult", Verdict.DIVERGES, "wrote to memory beside its result", ("inside-buffers",)),
    ("WritesBeyondItsResult", Verdict.CRASHED, "died of SIGSEGV", CASE.focus),
    ("ReadsBeyondItsInput", Verdict.CRASHED, "died of SIGSEGV", CASE.focus),
    ("LeavesItsResultUnwritten", Verdict.DIVERGES, " is 123, expected ", VALUE),
    ("LeavesOneElementUnwritten", Verdict.DIVERGES, "another result the second time", ("same-twice",)),
    ("ReturnsFloat64", Verdict.DIVERGES, "returned float64, expected float32", ("output-dtype",)),
    ("ReturnsGarbage", Verdict.DIVERGES, "returned float64, expected float32", ("output-dtype",)),
    ("ReturnsAnotherShape", Verdict.DIVERGES, "returned shape (5, 1), expected (5,)", ("returns-rows",)),
    ("ReturnsNothing", Verdict.REFUSES, "TypeError: there is no result", CASE.focus),
    ("ReturnsAnObject", Verdict.REFUSES, "TypeError: returned object, which is no number", CASE.focus),
    ("WritesAndRefuses", Verdict.DIVERGES, "wrote to input", ("inputs-kept",)),
    ("Refuses", Verdict.REFUSES, "NotImplementedError: no such shape here", CASE.focus),
    ("RefusesAsDocumented", Verdict.REFUSES_AS_DOCUMENTED, "(float32: its README, 'Limits')", ()),
])  # fmt: skip
def test_a_verdict_and_the_run_goes_on(tmp_path, name, verdict, detail, broken):
    subject = f"conformance.selftest.broken:{name}"
    (leg,) = legs(subject, "CPU", (), tmp_path)
    isolated = Isolated(subject, "CPU", "", tmp_path)
    try:
        got = outcome(isolated, leg, CASE)
        assert (got.verdict, got.broken) == (verdict, broken)
        assert detail in got.detail
        assert outcome(isolated, leg, NEXT).verdict is Verdict.CONFORMS
    finally:
        isolated.stop()


def test_a_lost_device_is_replaced(tmp_path):
    """After an error nothing works any more: the next case finds a new process, and conforms."""
    (leg,) = legs("conformance.selftest.broken:LosesItsDevice", "CPU", (), tmp_path)
    isolated = Isolated("conformance.selftest.broken:LosesItsDevice", "CPU", "", tmp_path)
    try:
        assert outcome(isolated, leg, CASE).verdict is Verdict.REFUSES
        assert outcome(isolated, leg, NEXT).verdict is Verdict.CONFORMS
    finally:
        isolated.stop()


def test_a_death_between_two_cases_is_told(tmp_path):
    isolated = Isolated("conformance.selftest.broken:DiesLater", "CPU", "", tmp_path)
    try:
        assert not isinstance(isolated.perform(CASE), Outcome)
        time.sleep(2)
        late = isolated.perform(NEXT)
        assert late.verdict is Verdict.CRASHED
        assert late.detail == f"died of SIGSEGV after {CASE.id} had answered, before this case"
        assert not isinstance(isolated.perform(NEXT), Outcome)
    finally:
        isolated.stop()


@pytest.mark.parametrize(("subject", "target", "modes", "reason"), [
    ("conformance.selftest.broken:IsNotThere", "CPU", (), "its library is missing; install it: make library"),
    ("conformance.selftest.broken:DiesAtOnce", "CPU", (), "its process died of SIGABRT as it started"),
    ("conformance.selftest.broken:Missing", "CPU", (), "AttributeError: .* has no attribute 'Missing'"),
    ("nowhere:Kernel", "CPU", (), "ModuleNotFoundError: No module named 'nowhere'"),
    ("numpy", "GPU", (), "it runs on CPU"),
    ("numpy", "CPU", ("graph",), "there is no mode 'graph': it has no modes"),
    ("mindspore", "Ascend", ("graph",), "MindSpore .* cannot use device target Ascend: "),
])  # fmt: skip
def test_what_is_not_there_is_said(tmp_path, subject, target, modes, reason):
    with pytest.raises(Unavailable, match=reason):
        legs(subject, target, modes, tmp_path)


def test_a_leg_is_named_by_what_it_is():
    assert Leg("mine:Kernel", "GPU", "graph", {}, {}, {}, False).id == "mine:Kernel-GPU-graph"
    assert Leg("numpy", "CPU", "", {}, {}, {}, True).id == "numpy-CPU"
