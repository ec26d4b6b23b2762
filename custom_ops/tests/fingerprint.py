"""Prints a hash of the CPU library's results over the suite's quick tier and over shapes that several threads share.

usage: python -m custom_ops.tests.fingerprint [LIBRARY]

It runs in the checkout and hashes the installed library by default. Each array ends at a guard page on a first run, and
begins at one on a second. The tests compare the hashes for all numbers of threads, all instruction sets and all
sanitizers.
"""

import hashlib
import itertools
import sys

import numpy as np

from conformance.cases import all_cases
from conformance.cases.factors import POWERS
from conformance.cases.inputs import Inputs
from conformance.cases.values import ValueCase
from conformance.guard import Memory
from conformance.worker import answer_case
from ms_mml.subjects.library import Library

PARALLEL_SHAPES = ((40_000, 10), (8000, 50), (4000, 100), (400, 1000), (70, 20_000), (3, 200_000))


def parallel_results(subject):
    """The results of every operator on the shapes that several threads share."""
    rng = np.random.default_rng(0)
    for (rows, classes), dtype, p in itertools.product(PARALLEL_SHAPES, ("f2", "f4", "f8"), POWERS):
        scores, weight = rng.standard_normal((rows, classes)).astype(dtype), rng.random(classes).astype(dtype)
        arguments = Inputs(scores, rng.integers(0, classes, rows), weight, p, 1, "mean").arguments()
        yield subject.loss(**arguments)
        yield from subject.gradient(np.ones((), dtype), **arguments)


def main(path=None):
    subject = Library("CPU", "", path)
    subject.memory = Memory()
    if subject.kernels.instruction_set() is None:  # the requested instruction set is unavailable
        print(None, None)
        return
    digest = hashlib.sha256()
    for case in all_cases("quick"):
        if isinstance(case, ValueCase) and not case.needs & set(subject.lacks):
            for answer in answer_case(subject, case):
                array = np.zeros(0) if answer.error else answer.array
                digest.update(np.where(np.isnan(array), np.nan, array).astype(array.dtype).tobytes())
                digest.update(repr((answer.error, answer.message, answer.wrote, answer.same)).encode())
    for result in parallel_results(subject):
        digest.update(np.asarray(result).tobytes())
    print(subject.kernels.instruction_set(), digest.hexdigest())


if __name__ == "__main__":
    main(*sys.argv[1:])
