"""Errors of an adapter are told from errors of the implementation behind it."""

import re

import numpy as np
import pytest

from conformance.cases import all_cases
from conformance.faults import fault
from conformance.isolation import Isolated, legs
from conformance.verdict import Verdict

CASES = {case.id: case for case in all_cases()}
REFUSED, LOSS, GRADIENT = "raises-p-float", "loss-f32-p1-none-wnone-m1-9x33", "gradient-f32-p1-none-wnone-m1-9x33"
# An implementation, which refuses nothing but what it says, and adapters in front of it.
MODULE = '''
import numpy as np

from conformance.subjects.base import Subject
from conformance.subjects.numpy import NumPy

implementation = NumPy("CPU", "")


def strict(input, target, p, margin, weight, reduction):
    if not isinstance(p, int):
        raise TypeError("p must be int")
    return implementation.loss(input, target, p, margin, weight, reduction)


class Right(Subject):
    def loss(self, input, target, p=1, margin=1, weight=None, reduction="mean"):
        return strict(input, target, p, margin, weight, reduction)


class LacksAParameter(Subject):
    def loss(self, input, target, p, margin, weight=None):
        return strict(input, target, p, margin, weight, "mean")


class CallsWithTooFew(Subject):
    def loss(self, input, target, p=1, margin=1, weight=None, reduction="mean"):
        return strict(input, target, p, margin, weight)


class MistypesAName(Subject):
    def loss(self, input, target, p=1, margin=1, weight=None, reduction="mean"):
        return sum(strict(input, target, q, margin, weight, reduction) for q in [P])


class MistypesAnAttribute(Right):
    def to_host(self, result):
        return result.to_numpy()


class CannotConvert(Right):
    def to_device(self, array):
        if array.ndim == 1:
            raise TypeError("p: no arrays of rank 1")
        return array


class HasNoLoss(Subject):
    pass


class ReturnsNothing(Right):
    def loss(self, input, target, p=1, margin=1, weight=None, reduction="mean"):
        strict(input, target, p, margin, weight, reduction)


class ReturnsOneGradient(Right):
    def gradient(self, dout, input, target, **options):
        return implementation.gradient(dout, input, target, **options)[0]


class IsTheImplementation(Subject):
    def loss(self, input, target, p=1, margin=1, weight=None, reduction="mean"):
        if type(p) is not int:
            raise TypeError("p must be int")
        return np.float32(0)


class ReportsLate(Right):
    """As an asynchronous device does."""

    def loss(self, input, target, p=1, margin=1, weight=None, reduction="mean"):
        try:
            return super().loss(input, target, p, margin, weight, reduction)
        except TypeError as error:
            self.error = error
            return np.float32(0)

    def synchronize(self):
        error, self.error = getattr(self, "error", None), None
        if error:
            raise RuntimeError("late") from error
'''


@pytest.fixture
def outcome(tmp_path):
    """A function that runs a case on a class of MODULE."""
    started = []

    def outcome(name, case):
        (tmp_path / "mine.py").write_text(MODULE)
        (leg,) = legs(f"mine:{name}", "CPU", (), tmp_path)
        started.append(Isolated(leg.subject, "CPU", "", tmp_path))
        return started[-1].outcome(CASES[case], leg)

    yield outcome
    for process in started:
        process.kill()


def line(code):
    """The number of the line of MODULE that begins with `code`."""
    (found,) = [i for i, text in enumerate(MODULE.splitlines(), 1) if text.strip().startswith(code)]
    return found


@pytest.mark.parametrize(("name", "case", "raised", "at"), [
    ("LacksAParameter", REFUSED, "TypeError: .* unexpected keyword argument 'reduction'", "class LacksAParameter"),
    ("CallsWithTooFew", REFUSED, "TypeError: strict.* missing 1 ", "return strict(input, target, p, margin, weight)"),
    ("MistypesAName", REFUSED, "NameError: name 'P' is not defined", "return sum"),
    ("MistypesAnAttribute", LOSS, "AttributeError: .* has no attribute 'to_numpy'", "return result.to_numpy"),
    ("CannotConvert", REFUSED, "TypeError: p: no arrays of rank 1", "raise TypeError(\"p: no"),
])  # fmt: skip
def test_error_of_the_adapter(outcome, name, case, raised, at):
    """The first two would otherwise count as the TypeError that the case expects."""
    got = outcome(name, case)
    assert (got.verdict, got.broken) == (Verdict.ADAPTER, CASES[case].focus)
    assert re.search(f"raised {raised}.* [(]mine.py:{line(at)}[)]", got.detail)
    assert got.traceback.startswith("Traceback")


@pytest.mark.parametrize(("name", "case", "detail"), [
    ("HasNoLoss", REFUSED, "the adapter raised NotImplementedError: the adapter does not define loss"),
    ("ReturnsNothing", LOSS, "the adapter's to_host returned object, which is not a numeric"),
    ("ReturnsOneGradient", GRADIENT, "the adapter's gradient returned ndarray, expected a pair"),
])  # fmt: skip
def test_adapter_without_a_result(outcome, name, case, detail):
    got = outcome(name, case)
    assert (got.verdict, got.broken) == (Verdict.ADAPTER, CASES[case].focus)
    assert detail in got.detail


@pytest.mark.parametrize("name", ["Right", "IsTheImplementation"])
def test_refusal_of_the_implementation(outcome, name):
    assert outcome(name, REFUSED).verdict is Verdict.CONFORMS


def test_error_that_the_device_reports_late(outcome):
    got = outcome("ReportsLate", REFUSED)
    assert (got.verdict, got.detail) == (Verdict.DIVERGES, "expected TypeError, got RuntimeError: late")
    assert "TypeError: p must be int\n\nThe above exception was the direct cause" in got.traceback
    assert 'File "mine.py"' in got.traceback


def test_misfit_of_a_call_that_the_case_makes(tmp_path, monkeypatch):
    """If the case omits a required argument, that a function lacks it is the refusal that the case expects."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "mine.py").write_text(MODULE)
    subject = __import__("mine").Right("CPU", "")
    with pytest.raises(TypeError) as caught:
        subject.loss(np.ones((1, 2)))
    assert fault(caught.value, subject, ("input",)) == ""
