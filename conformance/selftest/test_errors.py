"""The cases with bad arguments and with targets out of range: what they call, what they accept, and what fails them."""

from dataclasses import replace

import numpy as np
import pytest

from conformance.cases.base import Answer
from conformance.cases.errors import ERRORS, error_cases
from conformance.cases.targets import TARGETS, bad_target_cases
from conformance.cases.wrong import WAYS
from conformance.leg import Leg
from conformance.subjects.numpy import NumPy
from conformance.verdict import Verdict
from conformance.worker import answer_case

CPU = Leg("numpy", "CPU", "", {}, {}, {}, False)
NO_ERRORS = CPU._replace(limits={"target-errors": "a kernel cannot raise"})
ERROR_CASES, TARGET_CASES = list(error_cases()), list(bad_target_cases())
QUICK_TARGETS = [case for case in TARGET_CASES if case.tier == "quick" and case.rows * case.classes < 50_000]


class Unguarded(NumPy):
    guarded = False


class AcceptsAnything(Unguarded):
    def check(self, *arguments):
        pass

    def loss(self, *arguments, **options):
        return np.zeros(())

    def gradient(self, *arguments, **options):
        return np.zeros(()), np.zeros(())


class CannotRaise(Unguarded):
    """For a row with a bad target it returns NaN, and the gradient 0, as on a device that cannot raise."""

    row_loss, row_gradient = np.nan, 0

    def check_range(self, target, classes):
        pass

    def loss(self, input, target, p=1, margin=1, weight=None, reduction="mean"):
        bad = (target < 0) | (target >= input.shape[1])
        rows = super().loss(input, np.where(bad, 0, target), p, margin, weight, "none").astype(np.longdouble)
        return self.reduce(np.where(bad, self.row_loss, rows), reduction, target, weight, None).astype(input.dtype)

    def gradient(self, dout, input, target, p=1, margin=1, weight=None, reduction="mean"):
        bad = (target < 0) | (target >= input.shape[1])
        each = np.where(bad, 0, self.upstream(dout, len(input), reduction))
        scores = np.where(bad[:, None], 0, input).astype(input.dtype)
        gradient, by_class = super().gradient(each, scores, np.where(bad, 0, target), p, margin, weight, "none")
        gradient[bad] = self.row_gradient
        return gradient, by_class


def outcome(subject_class, case, leg=CPU):
    with np.errstate(all="ignore"):
        return case.outcome(answer_case(subject_class("CPU", ""), case), leg)


def test_every_way_occurs_in_the_quick_tier():
    quick = {(case.group, case.way) for case in ERROR_CASES if case.tier == "quick"}
    assert quick == {(group, way) for group, ways in WAYS.items() for way in ways}


def test_every_way_is_wrong_in_its_calls():
    assert all(case.is_wrong() for case in ERROR_CASES)


@pytest.mark.parametrize("argument", ["input", "target", "p", "margin", "weight", "reduction"])
def test_groups_of_every_argument_are_called_in_every_way(argument):
    cases = [case for case in ERROR_CASES if case.group.startswith(argument) and case.tier == "quick"]
    for factor in ("dtype", "p", "reduction", "shape", "passed", "first"):
        assert {getattr(case, factor) for case in cases} == set(ERRORS.factors[factor])


@pytest.mark.parametrize("case", ERROR_CASES, ids=lambda case: case.id)
def test_bad_arguments_must_not_be_accepted(case):
    assert outcome(Unguarded, case).verdict is Verdict.CONFORMS
    accepted = outcome(AcceptsAnything, case)
    assert accepted.verdict is Verdict.DIVERGES
    assert accepted.broken == case.focus


@pytest.mark.parametrize(("error", "broken"), [
    (Answer(error=("TypeError",), message="For 'f', 'p' must be an int."), ()),
    (Answer(error=("TypeError",), message="p"), ()),
    (Answer(error=("MyError", "TypeError"), message="the power `p` must be an int"), ()),
    (Answer(error=("TypeError",), message="the power must be an int"), ("error-names-argument",)),
    (Answer(error=("ValueError",), message="p must be an int"), ("raises-p-or-target-type",)),
    (Answer(np.zeros(())), ("raises-p-or-target-type",)),
])  # fmt: skip
def test_error_has_the_documented_type_and_names_the_argument(error, broken):
    case = next(case for case in ERROR_CASES if (case.group, case.way, case.first) == ("p-number", "float", "good"))
    good = Answer(np.zeros(()))
    assert case.outcome([good, good, error, good], CPU).broken == broken


def test_error_for_two_wrong_arguments_may_name_either():
    case = next(case for case in ERROR_CASES if (case.way, case.first) == ("p-and-reduction", "bad"))
    good = Answer(np.zeros(()))
    for name, error in (("p", "TypeError"), ("reduction", "ValueError")):
        answer = Answer(error=(error,), message=f"{name} is wrong")
        assert case.outcome([answer, good, good, good], CPU).verdict is Verdict.CONFORMS
    answer = Answer(error=("TypeError",), message="margin is wrong")
    assert case.outcome([answer, good, good, good], CPU).broken == ("error-names-argument",)


@pytest.mark.parametrize("case", [ERROR_CASES[0], ERROR_CASES[1], TARGET_CASES[0]], ids=lambda case: case.id)
def test_good_call_after_the_error_must_give_the_same_bits(case):
    answers = answer_case(Unguarded("CPU", ""), case)
    assert case.outcome(answers, CPU).verdict is Verdict.CONFORMS
    answers[-1] = answers[-1]._replace(array=answers[-1].array + 1)
    assert case.outcome(answers, CPU).broken == ("same-twice",)


def test_bad_targets_are_out_of_range_and_the_others_are_not():
    for case in TARGET_CASES:
        inputs, bad = case.bad_inputs(), case.bad()
        out = np.flatnonzero((inputs.target < 0) | (inputs.target >= case.classes))
        assert dict(zip(out.tolist(), inputs.target[out].tolist())) == bad
        assert len(bad) == (2 if case.place == "both" else 1)


def _outcome_of_message(message, case):
    good = Answer(np.zeros(()))
    return case.outcome([good, good, Answer(error=("ValueError",), message=message), good], CPU)


@pytest.mark.parametrize(("message", "conforms"), [
    ("target[8] is 33 but must be in [0, 33)", True),
    ("For row target[8]: 33 is not in range(33)", True),
    ("target[8] must be in [0, 33)", False),
    ("target[8] is 330", False),
    ("target[8] is -33", False),
    ("target 33 is out of range", False),
    ("target[7] is 33, target[8]", False),
])  # fmt: skip
def test_error_names_the_row_and_the_value(message, conforms):
    case = replace(TARGET_CASES[0], rows=9, classes=33, place="last", value="classes")
    verdict = _outcome_of_message(message, case).verdict
    assert verdict is (Verdict.CONFORMS if conforms else Verdict.DIVERGES)


def test_error_names_one_of_two_bad_rows_with_its_own_value():
    case = replace(TARGET_CASES[0], rows=9, place="both", value="max")
    assert case.bad() == {0: 2**63 - 1, 8: -1}
    for message, verdict in (
        (f"target[0] is {2**63 - 1}", Verdict.CONFORMS),
        ("target[8] is -1", Verdict.CONFORMS),
        ("target[0] is -1", Verdict.DIVERGES),
    ):
        assert _outcome_of_message(message, case).verdict is verdict


def test_nan_for_a_target_out_of_range_needs_another_device_or_a_limit():
    case = replace(TARGET_CASES[0], operation="loss", reduction="mean", dtype="f32", rows=9, classes=33, place="last")
    good = Answer(np.zeros((), np.float32))
    for value, others in ((np.nan, Verdict.CONFORMS), (1.0, Verdict.DIVERGES)):
        answers = [good, good, Answer(np.array(value, np.float32)), good]
        assert case.outcome(answers, CPU).detail == "accepted target[8] = -33"
        for leg in (CPU._replace(target="GPU"), NO_ERRORS):
            assert case.outcome(answers, leg).verdict is others


def test_documented_dtype_limit_applies_to_bad_targets():
    refused = Answer(error=("RuntimeError",), message="no float64")
    leg = CPU._replace(limits={"float64": "its README"})
    outcome = replace(TARGET_CASES[0], dtype="f64").outcome([refused] * 4, leg)
    assert outcome.verdict is Verdict.REFUSES_AS_DOCUMENTED


def test_error_for_good_arguments_is_undocumented():
    refused = Answer(error=("TypeError",), message="p must be int")
    assert ERROR_CASES[0].outcome([refused] * 4, CPU).verdict is Verdict.REFUSES


@pytest.mark.parametrize("case", QUICK_TARGETS, ids=lambda case: case.id)
def test_bad_target_is_an_error_on_cpu_and_nan_on_a_device_that_cannot_raise(case):
    assert outcome(Unguarded, case).verdict is Verdict.CONFORMS
    assert outcome(CannotRaise, case).broken == case.focus
    assert outcome(CannotRaise, case, NO_ERRORS).verdict is Verdict.CONFORMS
    wrong = type("Wrong", (CannotRaise,), {"row_loss": 0, "row_gradient": 1})
    other_rows_are_nan = case.operation == "loss" and case.reduction != "none" and case.weight == "wnan"
    if case.operation != "weight-gradient" and not other_rows_are_nan:
        assert outcome(wrong, case, NO_ERRORS).broken == case.focus


def test_models_are_covered():
    for model in (ERRORS, TARGETS):
        for strength in (2, 3):
            covered, allowed = model.coverage(strength)
            assert covered == allowed > 0
