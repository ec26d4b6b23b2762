"""Every mutant dies, by the cases that are named beside it; what it is made of does not."""

from dataclasses import replace

import numpy as np
import pytest

from conformance.cases import all_cases
from conformance.cases.base import Leg
from conformance.guard import Memory
from conformance.isolation import perform
from conformance.selftest.mutants import MUTANTS
from conformance.subjects.numpy import NumPy
from conformance.verdict import Verdict

CASES = {case.id: replace(case, distinct=1) if case.tier == "huge" else case for case in all_cases()}
LEG = Leg("numpy", "CPU", "", {}, {}, {}, True)


def outcome(subject_class, case):
    subject = subject_class("CPU", "")
    subject.memory = Memory()
    return case.outcome(perform(subject, case), LEG)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", MUTANTS)
def test_mutant_dies(name, record_property):
    mutant, killers = MUTANTS[name]
    for id in killers:
        case = CASES[id]
        died = outcome(mutant, case)
        assert died.verdict is Verdict.DIVERGES, f"{name} lives: {id} does not kill it"
        assert died.broken
        assert case.tier == "huge" or outcome(NumPy, case).verdict is Verdict.CONFORMS
    record_property("mutant", {"mutant": name, "killed_by": list(killers)})


def test_there_are_mutants_enough():
    assert len(MUTANTS) >= 15


def test_a_right_implementation_survives_the_size_that_kills():
    """The mutant of 32-bit sizes is right where N * C is small, so it is the size that kills it."""
    mutant, _ = MUTANTS["SizeInThirtyTwoBits"]
    assert outcome(mutant, CASES["loss-f16-p1-mean-wnone-m1-9x33"]).verdict is Verdict.CONFORMS
    assert np.prod(CASES["huge-loss-f16-p1-mean-wnone-m1-2147485x1000"].shape, dtype=np.int64) > 2**31
