"""Whatever a subject does, its case gets a verdict and the next case runs."""

import re
import time

import pytest

from conformance.cases.values import ValueCase
from conformance.isolation import Isolated, legs
from conformance.leg import Leg, command_options
from conformance.selftest.broken import ShortCase
from conformance.subjects.base import NotAvailable
from conformance.verdict import Outcome, Verdict

BROKEN = "conformance.selftest.broken"
CASE = ShortCase("loss", "f32", 1, "none", "wnone", 1, (5, 4))
NEXT = ValueCase("loss", "f32", 1, "none", "wnone", 1, (9, 33))
VALUE = ("formula", "other-classes", "input-float32", "reduction-none", "divisor")  # broken by a wrong value


@pytest.fixture
def isolated(tmp_path):
    """A function that starts a broken subject in its process."""
    started = []

    def isolated(name):
        started.append(Isolated(f"{BROKEN}:{name}", "CPU", "", tmp_path))
        return started[-1]

    yield isolated
    for process in started:
        process.kill()


@pytest.fixture
def leg(tmp_path):
    def leg(name):
        (found,) = legs(f"{BROKEN}:{name}", "CPU", (), tmp_path)
        return found

    return leg


@pytest.mark.parametrize(("name", "verdict", "detail", "broken"), [
    ("Segfaults", Verdict.CRASHED, "died of SIGSEGV", CASE.focus),
    ("Exits", Verdict.CRASHED, "ended with exit code 3", CASE.focus),
    ("Hangs", Verdict.HUNG, "gave no answer in 2 s", CASE.focus),
    ("WritesNextToItsResult", Verdict.DIVERGES, "wrote to memory next to its result", ("inside-buffers",)),
    ("WritesBeyondItsResult", Verdict.CRASHED, "died of SIGSEGV", CASE.focus),
    ("ReadsBeyondItsInput", Verdict.CRASHED, "died of SIGSEGV", CASE.focus),
    ("LeavesItsResultUnwritten", Verdict.DIVERGES, " is 123, expected ", VALUE),
    ("LeavesOneElementUnwritten", Verdict.DIVERGES, "another result the second time", ("same-twice",)),
    ("ReturnsFloat64", Verdict.DIVERGES, "returned float64, expected float32", ("output-dtype",)),
    ("ReturnsGarbage", Verdict.DIVERGES, "returned float64, expected float32", ("output-dtype",)),
    ("ReturnsAnotherShape", Verdict.DIVERGES, "returned shape (5, 1), expected (5,)", ("returns-rows",)),
    ("ReturnsNothing", Verdict.ADAPTER, "the adapter raised TypeError: there is no result", CASE.focus),
    ("ReturnsAnObject", Verdict.ADAPTER, "to_host returned object, which is not a numeric", CASE.focus),
    ("WritesAndRefuses", Verdict.DIVERGES, "wrote to input", ("inputs-kept",)),
    ("Refuses", Verdict.REFUSES, "NotImplementedError: this shape is not supported", CASE.focus),
    ("RefusesAsDocumented", Verdict.REFUSES_AS_DOCUMENTED, "(float32: its README, 'Limits')", ()),
])  # fmt: skip
def test_verdict_and_next_case(isolated, leg, name, verdict, detail, broken):
    process, leg = isolated(name), leg(name)
    got = process.outcome(CASE, leg)
    assert (got.verdict, got.broken) == (verdict, broken)
    assert detail in got.detail
    assert process.outcome(NEXT, leg).verdict is Verdict.CONFORMS


@pytest.mark.parametrize(("name", "output"), [
    ("PrintsAndRefuses", "^from Python\nfrom C\n"),
    ("Segfaults", "^Fatal Python error: Segmentation fault\n.*in misbehave"),
    ("Hangs", "in misbehave"),
    ("Refuses", "^$"),
])  # fmt: skip
def test_output_of_a_case(isolated, leg, name, output):
    """A process that crashes or hangs prints its stack."""
    process, leg = isolated(name), leg(name)
    assert re.search(output, process.outcome(CASE, leg).output, re.DOTALL)
    assert process.outcome(NEXT, leg).output == ""


def test_traceback_begins_in_the_subject(isolated, leg):
    traceback = isolated("Refuses").outcome(CASE, leg("Refuses")).traceback.splitlines()
    assert traceback[0] == "Traceback (most recent call last):"
    assert re.fullmatch(r'  File "conformance/selftest/broken.py", line \d+, in loss', traceback[1])
    assert traceback[-1] == "NotImplementedError: this shape is not supported"


def test_process_is_replaced_after_it_lost_its_device(isolated, leg):
    """After the error every call fails, so the next case runs in a new process."""
    process, leg = isolated("LosesItsDevice"), leg("LosesItsDevice")
    assert process.outcome(CASE, leg).verdict is Verdict.REFUSES
    assert process.outcome(NEXT, leg).verdict is Verdict.CONFORMS


def test_death_between_two_cases(isolated):
    process = isolated("DiesLater")
    assert not isinstance(process.ask(CASE), Outcome)
    time.sleep(2)
    late = process.ask(NEXT)
    assert late.verdict is Verdict.CRASHED
    assert late.detail == f"died of SIGSEGV after {CASE.id} had answered, before this case"
    assert not isinstance(process.ask(NEXT), Outcome)


@pytest.mark.parametrize(("subject", "target", "modes", "reason"), [
    (f"{BROKEN}:IsMissing", "CPU", (), "its library is missing; install it: make library"),
    (f"{BROKEN}:DiesAtOnce", "CPU", (), "its process died of SIGABRT as it started"),
    (f"{BROKEN}:Missing", "CPU", (), "has no class 'Missing'; did you mean IsMissing"),
    ("nowhere:Kernel", "CPU", (), "ModuleNotFoundError: No module named 'nowhere'"),
    ("numpyy", "CPU", (), "it is neither module:Class nor one of .*mindspore.*, numpy"),
    ("numpy", "GPU", (), "it runs on CPU"),
    ("numpy", "CPU", ("graph",), "there is no mode 'graph': it has no modes"),
])  # fmt: skip
def test_reason_of_an_unavailable_subject(tmp_path, subject, target, modes, reason):
    with pytest.raises(NotAvailable, match=reason):
        legs(subject, target, modes, tmp_path)


def test_reason_of_an_unavailable_device_target(tmp_path):
    pytest.importorskip("mindspore", reason="MindSpore is not installed")
    with pytest.raises(NotAvailable, match=r"MindSpore .* cannot use device target Ascend: "):
        legs("mindspore", "Ascend", ("graph",), tmp_path)


def test_leg_id_and_command():
    assert Leg("mine:Kernel", "GPU", "graph", {}, {}, {}, False).id == "mine:Kernel-GPU-graph"
    assert Leg("numpy", "CPU", "", {}, {}, {}, True).id == "numpy-CPU"
    assert command_options("m:K", "GPU", "graph", "c") == "--device-target=GPU --subject=m:K --mode=graph --case=c"
    assert command_options("numpy", "CPU", "", "c") == "--device-target=CPU --subject=numpy --case=c"
