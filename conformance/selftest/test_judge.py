"""The outcomes of results that are right, slightly inaccurate, or wrong."""

import numpy as np
import pytest

from conformance.cases import all_cases
from conformance.cases.base import Answer
from conformance.judge import judge_values
from conformance.leg import Leg
from conformance.oracle import Values
from conformance.subjects.numpy import NumPy
from conformance.verdict import Verdict

LEG = Leg("any", "CPU", "", {}, {}, {}, False)
CASES = {case.id: case for case in all_cases()}
FOCUS = ("formula",)


def values(nearest, rest=0.0, scale=None):
    nearest = np.array(nearest, np.float64)
    return Values(nearest, np.zeros_like(nearest) + rest, np.abs(nearest) if scale is None else np.array(scale))


def judged(result, exact, dtype=np.float32, naive=1e-3, claim=None):
    outcome = judge_values(np.asarray(result, dtype), exact, np.dtype(dtype), FOCUS, naive, claim)
    return outcome.verdict, outcome.broken


STEP = 2.0**-23
CONFORMS, ACCURACY, WRONG = (Verdict.CONFORMS, ()), (Verdict.DIVERGES, ("accuracy",)), (Verdict.DIVERGES, FOCUS)


@pytest.mark.parametrize(("result", "expected"), [
    (1.0, CONFORMS),
    (1 + STEP, CONFORMS),
    (1 + 2 * STEP, ACCURACY),
    (1.002, WRONG),
    (-1.0, WRONG),
    (np.nan, WRONG),
    (np.inf, WRONG),
])  # fmt: skip
def test_result_near_one(result, expected):
    assert judged(result, values(1.0)) == expected


def test_rest_beyond_float64_is_added_to_the_error():
    """The exact value is 1 + 1.4 float32 steps: 1 is 1.4 ulp off, and the next two numbers are 0.4 and 0.6 ulp off."""
    exact = values(1 + STEP, rest=0.4 * STEP)
    assert judged(1.0, exact) == ACCURACY
    assert judged(1 + STEP, exact) == judged(1 + 2 * STEP, exact) == CONFORMS


def test_claim_is_enforced():
    assert judged(1 + STEP, values(1.0), claim=0.501) == ACCURACY


def test_float64_is_held_to_the_naive_bound():
    assert judged(1 + 1e-12, values(1.0), np.float64, naive=1e-11) == CONFORMS
    assert judged(1 + 1e-10, values(1.0), np.float64, naive=1e-11) == WRONG


@pytest.mark.parametrize(("result", "exact", "expected"), [
    (np.inf, 1e5, CONFORMS),
    (65504, 65519.9, CONFORMS),
    (np.inf, 65519.9, WRONG),
    (65504, 65520.0, WRONG),
    (-np.inf, 1e5, WRONG),
    (np.nan, np.nan, CONFORMS),
    (0, np.nan, WRONG),
    (np.nan, np.inf, WRONG),
])  # fmt: skip
def test_overflow_infinity_and_nan_in_float16(result, exact, expected):
    assert judged(result, values(exact), np.float16, naive=32) == expected


def test_dtype_and_shape():
    exact = values([1.0, 2.0])
    outcome = judge_values(np.array([1.0, 2.0]), exact, np.dtype(np.float32), FOCUS)
    assert (outcome.verdict, outcome.broken) == (Verdict.DIVERGES, ("output-dtype",))
    assert judged([[1.0, 2.0]], exact) == WRONG


def test_wrong_shape_and_wrong_value_break_different_clauses():
    focus = ("formula", "input-shape", "returns-rows")
    shape = judge_values(np.ones((2, 1), np.float32), values([1.0, 2.0]), np.dtype(np.float32), focus)
    assert shape.broken == ("returns-rows",)
    value = judge_values(np.ones(2, np.float32), values([1.0, 2.0]), np.dtype(np.float32), focus)
    assert value.broken == ("formula",)


def test_bound_wider_than_the_values_is_vacuous():
    """The scale of a sum that cancels exceeds its value. Exact zeros have no error bound and are not vacuous."""
    assert judged(1e-9, values(1e-9, scale=1.0))[0] is Verdict.VACUOUS
    assert judged([0.0, 0.0], values([0.0, 0.0])) == CONFORMS
    assert judged([0.0, 0.0], values([1e-9, 1e-9], scale=[1.0, 1.0]))[0] is Verdict.VACUOUS
    assert judged([1.0, 0.0, 0.0], values([1.0, 1e-9, 1e-9], scale=[1.0, 1.0, 1.0])) == CONFORMS


def test_infinite_naive_bound_leaves_a_sixteenth_of_the_value():
    assert judged(1 + 2**-9, values(1.0), np.float16, naive=np.inf) == ACCURACY
    assert judged(1.125, values(1.0), np.float16, naive=np.inf) == WRONG


def test_documented_accuracy_limit_allows_the_naive_bound_only():
    case = CASES["loss-f32-p1-mean-wnone-m1-9x33"]
    right = NumPy("CPU", "").loss(**case.inputs().arguments())
    leg = LEG._replace(limits={"accuracy": "its README"})
    for ulps, without, documented in [
        (0, Verdict.CONFORMS, Verdict.CONFORMS),
        (3, Verdict.DIVERGES, Verdict.REFUSES_AS_DOCUMENTED),
        (10_000, Verdict.DIVERGES, Verdict.DIVERGES),
    ]:
        answer = Answer(np.array(right + ulps * np.spacing(right), np.float32))
        assert case.outcome([answer], LEG).verdict is without
        assert case.outcome([answer], leg).verdict is documented


def test_written_memory_takes_precedence_over_a_wrong_value():
    case = CASES["loss-f32-p1-none-wnone-m1-9x33"]
    for wrote, broken in (("weight", "inputs-kept"), ("memory next to its result", "inside-buffers")):
        outcome = case.outcome([Answer(np.zeros(9, np.float32), wrote=wrote)], LEG)
        assert outcome.broken == (broken,)


def test_verdicts_that_do_not_fail_a_run():
    passing = {Verdict.CONFORMS, Verdict.NOT_AVAILABLE, Verdict.REFUSES_AS_DOCUMENTED}
    assert {verdict for verdict in Verdict if not verdict.is_failure} == passing
