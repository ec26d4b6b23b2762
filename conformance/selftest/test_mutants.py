"""Every mutant is killed by its cases; the NumPy subject, from which the mutants are made, conforms in them."""

from dataclasses import replace

import numpy as np
import pytest

from conformance.cases import all_cases
from conformance.guard import Memory
from conformance.leg import Leg
from conformance.selftest.error_mutants import MUTANTS  # all: they register with those of mutants.py
from conformance.subjects.numpy import NumPy
from conformance.verdict import Verdict
from conformance.worker import answer_case

# With one distinct row, the arrays of a huge case are views that need no memory.
CASES = {case.id: replace(case, distinct=1) if case.oversized else case for case in all_cases()}
LEG = Leg("numpy", "CPU", "", {}, {}, {}, True)


def outcome(subject_class, case):
    subject = subject_class("CPU", "")
    subject.memory = Memory()
    return case.outcome(answer_case(subject, case), LEG)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", MUTANTS)
def test_mutant_is_killed(name, record_property):
    mutant, killers = MUTANTS[name]
    for id in killers:
        case = CASES[id]
        killed = outcome(mutant, case)
        assert killed.verdict is Verdict.DIVERGES, f"{name} survives {id}"
        assert killed.broken
        assert case.oversized or outcome(NumPy, case).verdict is Verdict.CONFORMS
    record_property("mutant", {"mutant": name, "killed_by": list(killers)})


def test_number_of_mutants():
    assert len(MUTANTS) >= 15


def test_mutant_of_32_bit_sizes_is_right_at_small_sizes():
    """So it is the size of the huge case that kills it."""
    mutant, _ = MUTANTS["SizeInThirtyTwoBits"]
    assert outcome(mutant, CASES["loss-f16-p1-mean-wnone-m1-9x33"]).verdict is Verdict.CONFORMS
    assert np.prod(CASES["huge-loss-f16-p1-mean-wnone-m1-2147485x1000"].shape, dtype=np.int64) > 2**31
